/** Puts another disk in the place of an instance's root, so that an image of the instance is an image of that disk. */
import type { Instance } from '@aws-sdk/client-ec2';
import type { Maker } from './making.js';
import { volumeAt } from './snapshots.js';
import { awaitState } from './wait.js';

/** Milliseconds for a volume to come off or on. */
const budget = 300_000;

/** Detaches the root and attaches what lies at `device` there; the instance is off. The old root carries the instance's mark, and is removed with it. Returns the root's device name. */
export async function swapRoot({ session, ctx }: Maker, instance: Instance, device: string): Promise<string> {
  const root = instance.RootDeviceName!, id = instance.InstanceId!;
  if (device === root) return root;
  const old = volumeAt(instance, root), wanted = volumeAt(instance, device);
  const until = (volume: string, state: string): Promise<void> => awaitState({
    what: `Volume ${volume}`, access: session.access, signal: ctx.signal, note: message => ctx.note(message, { detail: true }), budget, wanted: [state], failed: ['deleting', 'deleted', 'error'],
    look: async () => {
      const seen = (await session.ec2('DescribeVolumes', { VolumeIds: [volume] })).Volumes?.[0];
      return seen === undefined ? undefined : { state: seen.State === 'in-use' ? seen.Attachments?.[0]?.State ?? 'in-use' : seen.State ?? 'unknown', value: undefined };
    },
  });
  for (const volume of [old, wanted]) await session.ec2('DetachVolume', { VolumeId: volume, InstanceId: id }, { once: true });
  for (const volume of [old, wanted]) await until(volume, 'available');
  await session.ec2('AttachVolume', { VolumeId: wanted, InstanceId: id, Device: root }, { once: true });
  await until(wanted, 'attached');
  ctx.note(`The disk of ${device} is the root now, at ${root}.`);
  return root;
}
