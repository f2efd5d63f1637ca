import { field } from '../../fields.js';

const table = {
  /** Name of the device: `/dev/xvda`. */
  deviceName: field.string({ required: true }),
  /** Size of the volume. Left out: the snapshot's. */
  volumeSize: field.size({ packerUnit: 'gib' }),
  /** Type of the volume: `gp3`, `io2`, `st1` … */
  volumeType: field.string(),
  /** Operations a second, for io1, io2 and gp3. */
  iops: field.integer({ min: 1 }),
  /** MiB a second, for gp3. */
  throughput: field.integer({ min: 1 }),
  /** Whether the volume is encrypted. Left out: as the snapshot or the account's default says. */
  encrypted: field.boolean(),
  /** Key to encrypt with: id, ARN or alias. Left out: the account's own for EBS. */
  kmsKeyId: field.string(),
  /** Snapshot that the volume begins with. */
  snapshotId: field.string(),
  /** Name of an instance store: `ephemeral0`. */
  virtualName: field.string(),
  /** Leaves out a device that the source image has. */
  noDevice: field.boolean(),
  /** Whether the volume goes with its instance. Left out: yes. */
  deleteOnTermination: field.boolean(),
};
type Table = typeof table;
/** A disk of an instance or an image: `{ deviceName: '/dev/xvda', volumeSize: Size.gib(20), volumeType: 'gp3' }`. */
export interface BlockDeviceFields extends Table {}
export const blockDeviceFields: BlockDeviceFields = table;

const launch = {
  /** Disks of the instance: those of the source image that should be different, and more. */
  launchBlockDeviceMappings: field.blocks(blockDeviceFields),
};
type LaunchTable = typeof launch;
/** The disks that an instance is started with. */
export interface LaunchDeviceFields extends LaunchTable {}
export const launchDeviceFields: LaunchDeviceFields = launch;
