/** Snapshots of an instance's disks. */
import type { Instance } from '@aws-sdk/client-ec2';
import { errors } from '../../errors.js';
import { type Made, type Maker, make } from './making.js';
import { tagList } from './marks.js';
import { awaitState } from './wait.js';

const fail = errors('SNAPSHOT', {
  NO_VOLUME: { message: (device: string, instance: string) => `Instance ${instance} has no volume at ${device}.`, remedy: 'Look at the device names: EC2 knows the disk by the name that it was started with.' },
});

/** Milliseconds: the first snapshot of a large disk takes hours. */
const budget = 6 * 3_600_000;

export function volumeAt(instance: Instance, device: string): string {
  const id = instance.BlockDeviceMappings?.find(d => d.DeviceName === device)?.Ebs?.VolumeId;
  if (id === undefined) throw fail.NO_VOLUME(device, instance.InstanceId ?? '');
  return id;
}

/** Makes a snapshot and waits until it is complete. `tags`: all of them, but its mark. */
export async function makeSnapshot(maker: Maker, volume: string, options: { readonly until: 'always' | 'failure'; readonly description: string | undefined; readonly tags: (mark: string) => { readonly [key: string]: string } }): Promise<Made<string>> {
  const { session, ctx } = maker;
  const made = await make<string>(maker, 'snapshot', { name: `of ${volume}`, until: options.until }, async (_tags, mark) => {
    const { SnapshotId } = await session.ec2('CreateSnapshot', {
      VolumeId: volume, TagSpecifications: [{ ResourceType: 'snapshot', Tags: tagList(options.tags(mark)) }], ...(options.description === undefined ? {} : { Description: options.description }),
    }, { once: true });
    return { id: SnapshotId!, value: SnapshotId! };
  });
  await awaitState({
    what: `Snapshot ${made.id}`, access: session.access, signal: ctx.signal, note: message => ctx.note(message), budget, wanted: ['completed'], failed: ['error'],
    look: async () => {
      const seen = (await session.ec2('DescribeSnapshots', { SnapshotIds: [made.id] })).Snapshots?.[0];
      return seen === undefined ? undefined : { state: seen.State ?? 'unknown', progress: seen.State === 'pending' ? seen.Progress : undefined, reason: seen.StateMessage, value: undefined };
    },
  });
  return made;
}
