import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { Source, type SourceSettings } from '../component.js';
import { awsFields } from '../shared/aws.js';
import { blockDeviceFields } from '../shared/aws-block-device.js';
import { awsInstanceFields, awsInstanceRules, awsInstanceWithout } from '../shared/aws-instance.js';
import { sshFields } from '../shared/ssh.js';
import { winrmFields } from '../shared/winrm.js';

/** The kind of AmazonEbsVolumeSource. */
export const amazonEbsVolume = source('amazon-ebsvolume', combine(sshFields, winrmFields, awsFields, awsInstanceFields, {
  /** Disks of the instance that are the result: the provisioners fill them. */
  ebsVolumes: field.blocks(combine(blockDeviceFields, {
    /** Tags of the volume. */
    tags: field.map(field.string(), { affects: 'capture' }),
    /**
     * Makes a snapshot of the volume.
     * @default false
     */
    snapshotVolume: field.boolean({ default: false, affects: 'capture' }),
    /** Tags of the snapshot. */
    snapshotTags: field.map(field.string(), { affects: 'capture' }),
    /** Description of the snapshot. */
    snapshotDescription: field.string({ affects: 'capture' }),
    /** Accounts that may make volumes from the snapshot. */
    snapshotUsers: field.list(field.string(), { affects: 'capture' }),
    /** `all` makes the snapshot public. */
    snapshotGroups: field.list(field.string(), { affects: 'capture' }),
  }), { required: true }),
}), {
  rules: awsInstanceRules,
  outputs: {
    /** Ids of the volumes that stay, by device name. */
    volumes: field.map(field.string(), { required: true }),
    /** Ids of the snapshots, by device name. */
    snapshots: field.map(field.string(), { required: true }),
    /** Region that they are in. */
    region: field.string({ required: true }),
    /** Availability zone that the volumes are in. */
    availabilityZone: field.string({ required: true }),
  },
});
export const amazonEbsVolumeWithout = { ...awsInstanceWithout, 'ebs_volumes.tag': 'The map of tags says the same.', 'ebs_volumes.snapshot_tag': 'The map of tags says the same.' };

export interface AmazonEbsVolumeSourceProps<N extends string = string> extends PropsOf<typeof amazonEbsVolume.fields>, SourceSettings<N> {}
/** Starts an EC2 instance with volumes that the provisioners fill; the volumes, or snapshots of them, are the result. A volume with deleteOnTermination goes when its snapshot is made. */
export class AmazonEbsVolumeSource<const N extends string = 'amazon-ebsvolume'> extends Source<typeof amazonEbsVolume, N> {
  constructor(props: AmazonEbsVolumeSourceProps<N>) { super(amazonEbsVolume, props); }
}
