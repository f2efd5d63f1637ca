import { field } from '../../fields.js';
import { must, needs } from '../../rules.js';
import { ref } from '../../values.js';
import { blockDeviceFields } from './aws-block-device.js';

const deregistrationProtection = {
  /** Whether the image is protected. */
  enabled: field.boolean({ required: true }),
  /**
   * Keeps the protection for a day after it is taken off.
   * @default false
   */
  withCooldown: field.boolean({ default: false }),
};

const retention = {
  /** What all generations of this image are called; written into the tag `imagebake:family`. Only images with it are ever removed, never by name. */
  family: field.string({ required: true }),
  /**
   * How many of the newest stay, the one just made among them.
   * @default 3
   */
  keep: field.integer({ default: 3, min: 1 }),
  /** Only those are removed that are older than this. */
  olderThan: field.duration(),
  /**
   * Leaves alone what an instance or a launch template uses.
   * @default true
   */
  exceptInUse: field.boolean({ default: true }),
};

const table = {
  /** Name of the image: 3 to 128 letters, digits, spaces and `()[]./-'@_`. */
  amiName: field.string({
    required: true, affects: 'capture',
    check: (name: string) => (/^[A-Za-z0-9()[\] ./\-'@_]{3,128}$/.test(name) || name.includes('{{') ? undefined : 'must be 3 to 128 letters, digits, spaces or ()[]./-\'@_'),
  }),
  /** Description of the image. */
  amiDescription: field.string({ affects: 'capture' }),
  /** Disks of the image: those that should differ from the instance's, and more. */
  amiBlockDeviceMappings: field.blocks(blockDeviceFields, { affects: 'capture' }),
  /** Regions to copy the image to, besides the one it is built in. */
  amiRegions: field.list(field.string(), { affects: 'capture' }),
  /** Keys to encrypt the copies with, by region; an empty string is that region's own for EBS. Makes the copies encrypted. */
  regionKmsKeyIds: field.map(field.string(), { affects: 'capture' }),
  /** Whether the image's disks are encrypted. Left out: as they are. */
  encryptBoot: field.boolean({ affects: 'capture' }),
  /** Key to encrypt the image with in the region that it is built in; goes with encryptBoot. */
  kmsKeyId: field.string({ affects: 'capture' }),
  /** Accounts that may use the image. */
  amiUsers: field.list(field.string(), { affects: 'capture' }),
  /** `all` makes the image public. */
  amiGroups: field.list(field.string(), { affects: 'capture' }),
  /** ARNs of organizations that may use the image. */
  amiOrgArns: field.list(field.string(), { affects: 'capture' }),
  /** ARNs of organizational units that may use the image. */
  amiOuArns: field.list(field.string(), { affects: 'capture' }),
  /** Product codes of the marketplace that go with the image. */
  amiProductCodes: field.list(field.string(), { affects: 'capture' }),
  /** Accounts that may make volumes from the image's snapshots. */
  snapshotUsers: field.list(field.string(), { affects: 'capture' }),
  /** `all` makes the snapshots public. */
  snapshotGroups: field.list(field.string(), { affects: 'capture' }),
  /** Tags of the image; `sourceImage` and Packer's `{{ .SourceAMI }}` speak of what it was made from. */
  tags: field.map(field.string(), { affects: 'capture' }),
  /** Tags of the image's snapshots, besides those of the image. */
  snapshotTags: field.map(field.string(), { affects: 'capture' }),
  /**
   * Leaves runTags off the image.
   * @default false
   */
  skipAmiRunTags: field.boolean({ default: false, affects: 'capture' }),
  /** When the image counts as deprecated: a date and time in RFC 3339, `2027-01-31T00:00:00Z`. */
  deprecateAt: field.string({
    affects: 'capture',
    check: (date: string) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(date) && !Number.isNaN(Date.parse(date)) ? undefined : 'must be a date and time in RFC 3339: 2027-01-31T00:00:00Z'),
  }),
  /** Protects the image from being deregistered. */
  deregistrationProtection: field.block(deregistrationProtection, { affects: 'capture' }),
  /** `v2.0` makes instances of the image take only metadata requests with a token. */
  imdsSupport: field.oneOf(['v2.0'], { affects: 'capture' }),
  /**
   * Takes the name from an image that has it: that one is deregistered when the new one is ready to be made, not before.
   * @default false
   */
  forceDeregister: field.boolean({ default: false, affects: 'none' }),
  /**
   * Removes the snapshots too of an image that is deregistered by forceDeregister.
   * @default false
   */
  forceDeleteSnapshot: field.boolean({ default: false, affects: 'none' }),
  /**
   * Keeps no image in the region that it is built in, if that is not among amiRegions.
   * @default false
   */
  skipSaveBuildRegion: field.boolean({ default: false, affects: 'capture' }),
  /** How long a copy of the snapshots to another region may take, in steps of 15 minutes; faster costs more. */
  snapshotCopyDuration: field.duration({ affects: 'none', packerName: 'snapshot_copy_duration_minutes', packerUnit: 'minutes' }),
  /** What becomes of earlier generations when this one is ready. Left out: they stay. */
  retention: field.group(retention, { packerName: false, affects: 'none' }),
};
type Table = typeof table;
/** The image that is made: name, copies, encryption, sharing, tags, what becomes of earlier ones. */
export interface AwsImageFields extends Table {}
export const awsImageFields: AwsImageFields = table;

/** What must hold between them. */
export const awsImageRules = [
  needs('kmsKeyId', 'encryptBoot'), needs('forceDeleteSnapshot', 'forceDeregister'),
  must(['regionKmsKeyIds', 'amiRegions', 'kmsKeyId'], 'regionKmsKeyIds speaks of amiRegions only', (_isSet, valueOf) => {
    const keys = valueOf('regionKmsKeyIds'), regions = valueOf('amiRegions') ?? [];
    const other = isPlain(keys) && Array.isArray(regions) && regions.every(r => typeof r === 'string') ? Object.keys(keys).find(region => !regions.includes(region)) : undefined;
    return other === undefined ? undefined : `has a key for '${other}' in regionKmsKeyIds, which is not among amiRegions${valueOf('kmsKeyId') === undefined ? ' (the key of the region that is built in is kmsKeyId)' : ''}`;
  }),
  // EC2 would say so after the whole build.
  must(['encryptBoot', 'kmsKeyId', 'regionKmsKeyIds', 'amiUsers', 'amiOrgArns', 'amiOuArns', 'snapshotUsers', 'amiGroups', 'snapshotGroups', 'amiRegions'], 'what is shared is encrypted with a key that can be shared', (isSet, valueOf) => {
    const shared = (['amiUsers', 'amiOrgArns', 'amiOuArns', 'snapshotUsers'] as const).find(name => isSet(name)), all = (['amiGroups', 'snapshotGroups'] as const).find(name => isSet(name)), keys = valueOf('regionKmsKeyIds') ?? {}, regions = valueOf('amiRegions') ?? [], encrypts = valueOf('encryptBoot') === true;
    const keyless = isPlain(keys) && (Object.values(keys).includes('') || (encrypts && Array.isArray(regions) && regions.some(r => typeof r === 'string' && keys[r] === undefined)));
    const own = encrypts && !isSet('kmsKeyId') ? 'kmsKeyId' : keyless ? 'regionKmsKeyIds' : undefined;
    if (shared !== undefined && own !== undefined) return `has ${shared}, and encrypts with the account's own key for EBS, which no other account can use: name a key of yours in ${own}`;
    return all !== undefined && encrypts ? `has ${all}, and encryptBoot: what is encrypted cannot be made public` : undefined;
  }),
];
const isPlain = (value: unknown): value is { readonly [key: string]: unknown } => typeof value === 'object' && value !== null && !('$expr' in value);

const outputs = {
  /** Id of the image in the region that it is built in, else in the first of the others. */
  amiId: field.string({ required: true }),
  /** Name of the image. */
  amiName: field.string({ required: true }),
  /** Ids of the images, by region. */
  amis: field.map(field.string(), { required: true }),
  /** Ids of the images' snapshots, by region. */
  snapshots: field.map(field.list(field.string()), { required: true }),
  /** Region that it is built in. */
  region: field.string({ required: true }),
  /** Id of the image that it was made from. */
  sourceAmi: field.string({ required: true }),
  /** Name of the image that it was made from. */
  sourceAmiName: field.string({ required: true }),
};
type OutputTable = typeof outputs;
/** What builders of images tell: ids by region, and what they were made from. */
export interface AwsImageOutputs extends OutputTable {}
export const awsImageOutputs: AwsImageOutputs = outputs;

/** Packer's options for images that are not here, and why. */
export const awsImageWithout: { readonly [option: string]: string } = { skip_region_validation: 'Preflight asks each region.' };

/** What tags, names and descriptions may say of the image that the build started from: `tags: { Base: sourceImage.name }`. */
export const sourceImage = {
  /** Its id: `{{ .SourceAMI }}`. */
  id: ref<string>({ op: 'host', name: 'sourceAmi' }),
  /** Its name: `{{ .SourceAMIName }}`. */
  name: ref<string>({ op: 'host', name: 'sourceAmiName' }),
  /** The account that it belongs to: `{{ .SourceAMIOwner }}`. */
  owner: ref<string>({ op: 'host', name: 'sourceAmiOwner' }),
  /** The name of a well-known owner, such as `amazon`: `{{ .SourceAMIOwnerName }}`. */
  ownerName: ref<string>({ op: 'host', name: 'sourceAmiOwnerName' }),
  /** When it was made, in RFC 3339: `{{ .SourceAMICreationDate }}`. */
  creationDate: ref<string>({ op: 'host', name: 'sourceAmiCreationDate' }),
  /** The region that is built in: `{{ .BuildRegion }}`. */
  region: ref<string>({ op: 'host', name: 'buildRegion' }),
};
