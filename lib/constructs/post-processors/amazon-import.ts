import { combine, field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { needs } from '../../rules.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';
import { awsFields, awsRules, awsWithout } from '../shared/aws.js';

/** The kind of AmazonImportPostProcessor. */
export const amazonImport = postProcessor('amazon-import', combine(awsFields, {
  /** Bucket that the disk goes through; it must be in the region. */
  s3BucketName: field.string({ required: true, affects: 'none' }),
  /** Key of the object in the bucket. Left out: one of its own. */
  s3KeyName: field.string({ affects: 'none' }),
  /** How the bucket encrypts the object. */
  s3Encryption: field.oneOf(['AES256', 'aws:kms'], { affects: 'none' }),
  /** Key that the bucket encrypts it with; goes with s3Encryption 'aws:kms'. */
  s3EncryptionKey: field.sensitiveString({ affects: 'none' }),
  /**
   * Leaves the object in the bucket.
   * @default false
   */
  skipClean: field.boolean({ default: false, affects: 'none' }),
  /** Format of the disk. Left out: as the file's name ends. EC2 takes no qcow2. */
  format: field.oneOf(['ova', 'raw', 'vhd', 'vmdk']),
  /**
   * Architecture of the disk.
   * @default 'x86_64'
   */
  architecture: field.oneOf(['x86_64', 'arm64', 'i386'], { default: 'x86_64' }),
  /** Firmware that the disk boots with. Left out: EC2 finds out. */
  bootMode: field.oneOf(['legacy-bios', 'uefi', 'uefi-preferred']),
  /** Operating system on the disk. Left out: EC2 finds out. */
  platform: field.oneOf(['linux', 'windows']),
  /** Who brings the licence: `AWS` or `BYOL`. */
  licenseType: field.oneOf(['AWS', 'BYOL']),
  /** Role that EC2 reads the bucket with. Left out: `vmimport`. */
  roleName: field.string({ affects: 'none' }),
  /** Name of the image. Left out: the name that EC2 gives it. */
  amiName: field.string(),
  /** Description of the image. */
  amiDescription: field.string(),
  /**
   * Encrypts the image.
   * @default false
   */
  amiEncrypt: field.boolean({ default: false }),
  /** Key to encrypt the image with; goes with amiEncrypt. Left out: the account's own for EBS. */
  amiKmsKey: field.string(),
  /** Accounts that may use the image. */
  amiUsers: field.list(field.string()),
  /** `all` makes the image public. */
  amiGroups: field.list(field.string()),
  /** ARNs of organizations that may use the image. */
  amiOrgArns: field.list(field.string()),
  /** ARNs of organizational units that may use the image. */
  amiOuArns: field.list(field.string()),
  /** `v2.0` makes instances of the image take only metadata requests with a token. */
  imdsSupport: field.oneOf(['v2.0']),
  /** Tags of the image and its snapshots. */
  tags: field.map(field.string()),
}), {
  rules: [...awsRules, needs('amiKmsKey', 'amiEncrypt'), needs('s3EncryptionKey', 's3Encryption')],
  outputs: {
    /** Id of the image. */
    amiId: field.string({ required: true }),
    /** Name of the image. */
    amiName: field.string({ required: true }),
    /** Ids of the images, by region: the one there is. */
    amis: field.map(field.string(), { required: true }),
    /** Ids of the image's snapshots, by region. */
    snapshots: field.map(field.list(field.string()), { required: true }),
    /** Region that it is in. */
    region: field.string({ required: true }),
  },
});
export const amazonImportWithout = awsWithout;

export interface AmazonImportPostProcessorProps<O extends string = string> extends PropsOf<typeof amazonImport.fields>, PostProcessorSettings<O> {}
/** Makes an AMI of a disk that was built here, through a bucket and EC2's own import. */
export class AmazonImportPostProcessor<const O extends string = never> extends PostProcessor<typeof amazonImport, O> {
  constructor(props: AmazonImportPostProcessorProps<O>) { super(amazonImport, props); }
}
