import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { must } from '../../rules.js';
import { Source, type SourceSettings } from '../component.js';
import { awsFields } from '../shared/aws.js';
import { blockDeviceFields } from '../shared/aws-block-device.js';
import { awsImageFields, awsImageOutputs, awsImageRules, awsImageWithout } from '../shared/aws-image.js';
import { awsInstanceFields, awsInstanceRules, awsInstanceWithout } from '../shared/aws-instance.js';
import { sshFields } from '../shared/ssh.js';
import { winrmFields } from '../shared/winrm.js';

const rootDevice = {
  /** Disk of the instance that becomes the image's root: one of launchBlockDeviceMappings. */
  sourceDeviceName: field.string({ required: true }),
  /** Name of the root device in the image: `/dev/xvda`. */
  deviceName: field.string({ required: true }),
  /** Size of the root volume. Left out: the disk's. */
  volumeSize: field.size({ packerUnit: 'gib' }),
  /** Type of the root volume: `gp3`, `io2` … */
  volumeType: field.string(),
  /** Operations a second, for io1, io2 and gp3. */
  iops: field.integer({ min: 1 }),
  /** Whether the root volume goes with its instance. Left out: yes. */
  deleteOnTermination: field.boolean(),
};

/** The kind of AmazonEbsSurrogateSource. */
export const amazonEbsSurrogate = source('amazon-ebssurrogate', combine(sshFields, winrmFields, awsFields, awsInstanceFields, awsImageFields, {
  /** Disks of the instance: what the provisioners fill, to become the image. */
  launchBlockDeviceMappings: field.blocks(combine(blockDeviceFields, {
    /**
     * Leaves the disk out of the image.
     * @default false
     */
    omitFromArtifact: field.boolean({ default: false }),
  }), { required: true }),
  /** Which disk becomes the image's root. */
  amiRootDevice: field.block(rootDevice, { required: true, affects: 'capture' }),
  /**
   * Architecture of the image.
   * @default 'x86_64'
   */
  amiArchitecture: field.oneOf(['x86_64', 'arm64', 'i386', 'x86_64_mac', 'arm64_mac'], { default: 'x86_64', affects: 'capture' }),
  /**
   * Virtualization of the image.
   * @default 'hvm'
   */
  amiVirtualizationType: field.oneOf(['hvm', 'paravirtual'], { default: 'hvm', affects: 'capture' }),
  /** Firmware that instances of the image boot with. Left out: EC2's choice for the instance type. */
  bootMode: field.oneOf(['legacy-bios', 'uefi', 'uefi-preferred'], { affects: 'capture' }),
  /** Contents of the UEFI variable store, in base64, as `GetInstanceUefiData` gives them: keys of Secure Boot, for instance. */
  uefiData: field.string({ affects: 'capture' }),
  /** `v2.0` gives instances of the image a TPM; goes with bootMode `uefi`. */
  tpmSupport: field.oneOf(['v2.0'], { affects: 'capture' }),
  /**
   * Puts the disk in the place of the instance's root and makes an image of the whole instance: what the source image says (licences, product codes, firmware) stays with it.
   * @default false
   */
  useCreateImage: field.boolean({ default: false, affects: 'capture' }),
  /** Description of the snapshots. */
  snapshotDescription: field.string({ affects: 'capture' }),
}), {
  rules: [
    ...awsInstanceRules, ...awsImageRules,
    ...(['bootMode', 'uefiData', 'tpmSupport', 'snapshotDescription', 'spotPrice', 'spotInstanceTypes'] as const).map(other => must(['useCreateImage', other], `not both useCreateImage and ${other}`, (isSet, valueOf) =>
      (valueOf('useCreateImage') === true && isSet(other) ? `has useCreateImage, which ${other.startsWith('spot') ? 'needs an instance that can be stopped, and' : 'takes over what the source image says, and'} does not go with ${other}` : undefined))),
    must(['amiRootDevice', 'launchBlockDeviceMappings'], 'amiRootDevice.sourceDeviceName is one of launchBlockDeviceMappings', (_isSet, valueOf) => {
      const root = (valueOf('amiRootDevice') as { sourceDeviceName?: unknown } | undefined)?.sourceDeviceName, disks = valueOf('launchBlockDeviceMappings');
      const known = typeof root === 'string' && Array.isArray(disks) && disks.every(d => typeof (d as { deviceName?: unknown } | null)?.deviceName === 'string');
      return known && !disks.some(d => (d as { deviceName: string }).deviceName === root) ? `has the root '${root}', which is none of launchBlockDeviceMappings` : undefined;
    }),
  ],
  outputs: awsImageOutputs,
});
export const amazonEbsSurrogateWithout = { ...awsInstanceWithout, ...awsImageWithout };

export interface AmazonEbsSurrogateSourceProps<N extends string = string> extends PropsOf<typeof amazonEbsSurrogate.fields>, SourceSettings<N> {}
/** Starts an EC2 instance whose extra disk the provisioners fill from nothing, and makes an AMI of that disk. */
export class AmazonEbsSurrogateSource<const N extends string = 'amazon-ebssurrogate'> extends Source<typeof amazonEbsSurrogate, N> {
  constructor(props: AmazonEbsSurrogateSourceProps<N>) { super(amazonEbsSurrogate, props); }
}
