/** Things on AWS that a build makes: how each is found by its mark, and how it is removed, by whoever has the journal or the tags. */
import type { Filter } from '@aws-sdk/client-ec2';
import { sleep } from '../retry.js';
import { removeProfile, removeRole } from './iam.js';
import { markTags } from './marks.js';
import { awsCode, isDenied, isGone } from './refusals.js';
import type { Access, Session } from './session.js';
import { removeObject } from './s3.js';
import { awaitState } from './wait.js';

/** One thing, as it stands in the journal. */
export interface Thing {
  readonly type: ThingType;
  readonly access: Access;
  readonly region: string;
  /** The tag `imagebake:mark`. */
  readonly mark: string;
  /** What AWS calls it, once it is known. */
  readonly id?: string;
  /** What we called it, where AWS knows it by that. */
  readonly name?: string;
  /** Images and snapshots that must stay although this one goes. */
  readonly keepSnapshots?: true;
}
/** In the order in which they are to be removed. */
export const thingTypes = ['spot-request', 'instance', 'launch-template', 'import-task', 'image', 'snapshot', 'volume', 'security-group', 'key-pair', 'instance-profile', 'role', 's3-object'] as const;
export type ThingType = (typeof thingTypes)[number];

interface Sort {
  /** In words: `security group`. */
  readonly what: string;
  /** Ids of those that fit the filters, in one region. */
  find(session: Session, filters: Filter[]): Promise<string[]>;
  /** Resolves when it is gone, or was never there. */
  remove(session: Session, id: string, thing: Pick<Thing, 'access' | 'keepSnapshots'>, note: (message: string) => void): Promise<void>;
}
const ids = <T>(list: readonly T[] | undefined, id: (item: T) => string | undefined): string[] => (list ?? []).flatMap(item => id(item) ?? []);

const sorts: { readonly [T in ThingType]: Sort } = {
  'spot-request': {
    what: 'spot request',
    find: async (s, Filters) => ids((await s.ec2('DescribeSpotInstanceRequests', { Filters })).SpotInstanceRequests, r => (r.State === 'open' || r.State === 'active' ? r.SpotInstanceRequestId : undefined)),
    remove: async (s, id) => { await gone(s.ec2('CancelSpotInstanceRequests', { SpotInstanceRequestIds: [id] })); },
  },
  instance: {
    what: 'instance',
    find: async (s, Filters) => ids((await s.ec2('DescribeInstances', { Filters })).Reservations?.flatMap(r => r.Instances ?? []), i => (i.State?.Name === 'terminated' ? undefined : i.InstanceId)),
    remove: removeInstance,
  },
  'launch-template': {
    what: 'launch template',
    find: async (s, Filters) => ids((await s.ec2('DescribeLaunchTemplates', { Filters })).LaunchTemplates, t => t.LaunchTemplateId),
    remove: async (s, id) => { await gone(s.ec2('DeleteLaunchTemplate', { LaunchTemplateId: id })); },
  },
  image: {
    what: 'image',
    find: async (s, Filters) => ids((await s.ec2('DescribeImages', { Filters, Owners: ['self'] })).Images, i => i.ImageId),
    remove: removeImage,
  },
  'import-task': {
    what: 'import task',
    find: async (s, Filters) => ids((await s.ec2('DescribeImportImageTasks', { Filters })).ImportImageTasks, t => (t.Status === 'deleted' || t.Status === 'cancelled' ? undefined : t.ImportTaskId)),
    remove: removeImport,
  },
  snapshot: {
    what: 'snapshot',
    find: async (s, Filters) => ids((await s.ec2('DescribeSnapshots', { Filters, OwnerIds: ['self'] })).Snapshots, i => i.SnapshotId),
    remove: async (s, id) => { await patiently(() => gone(s.ec2('DeleteSnapshot', { SnapshotId: id })), ['InvalidSnapshot.InUse', 'IncorrectState']); },
  },
  volume: {
    what: 'volume',
    find: async (s, Filters) => ids((await s.ec2('DescribeVolumes', { Filters })).Volumes, v => v.VolumeId),
    remove: async (s, id) => { await patiently(() => gone(s.ec2('DeleteVolume', { VolumeId: id })), ['VolumeInUse', 'IncorrectState']); },
  },
  'security-group': {
    what: 'security group',
    find: async (s, Filters) => ids((await s.ec2('DescribeSecurityGroups', { Filters })).SecurityGroups, g => g.GroupId),
    // The instance's network card lets go of it a moment after the instance is gone.
    remove: async (s, id) => { await patiently(() => gone(s.ec2('DeleteSecurityGroup', { GroupId: id })), ['DependencyViolation', 'InvalidGroup.InUse', 'ResourceInUse']); },
  },
  'key-pair': {
    what: 'key pair',
    find: async (s, Filters) => ids((await s.ec2('DescribeKeyPairs', { Filters })).KeyPairs, k => k.KeyName),
    remove: async (s, name) => { await gone(s.ec2('DeleteKeyPair', { KeyName: name })); },
  },
  // Known by the names we give: found without a search.
  'instance-profile': { what: 'instance profile', find: async () => [], remove: (s, name) => removeProfile(s, name) },
  role: { what: 'role', find: async () => [], remove: (s, name) => removeRole(s, name) },
  's3-object': { what: 'object', find: async () => [], remove: (s, id) => removeObject(s, id) },
};

export const sortOf = (type: ThingType): Sort => sorts[type];

/** Removes a thing: by its id, else by what carries its mark. `settle`: the call that makes it may just have been sent, so look more than once. */
export async function removeThing(session: Session, thing: Thing, note: (message: string) => void = () => {}, settle = true): Promise<void> {
  const s = session.region === thing.region ? session : session.in(thing.region), sort = sortOf(thing.type);
  const known = thing.id ?? thing.name;
  const marked = (of: ThingType): Promise<string[]> => (thing.mark === '' ? Promise.resolve([]) : sorts[of].find(s, [{ Name: `tag:${markTags.mark}`, Values: [thing.mark] }]));
  // What came with it: volumes that the source image does not let go, snapshots of an image that never came to be.
  const withIt = thing.type === 'instance' ? 'volume' as const : thing.type === 'image' && !thing.keepSnapshots ? 'snapshot' as const : undefined;
  const removeRest = async (): Promise<void> => { if (withIt !== undefined) for (const id of await marked(withIt)) await sorts[withIt].remove(s, id, thing, note); };
  if (known !== undefined) {
    await sort.remove(s, known, thing, note).catch(async error => {
      // A policy that goes by tags denies what has none, because it is not there any more.
      if (!isDenied(error) || thing.mark === '' || (await marked(thing.type)).length > 0) throw error;
    });
    return removeRest();
  }
  for (let look = 0; ; look++) {
    const found = await marked(thing.type);
    for (const id of found) await sort.remove(s, id, thing, note);
    await removeRest();
    if (found.length > 0 || !settle || look === 3) return;
    await sleep(thing.access.polling?.delay ?? 1500);
  }
}

async function removeInstance(s: Session, id: string, { access }: Pick<Thing, 'access'>, note: (message: string) => void): Promise<void> {
  try {
    await s.ec2('TerminateInstances', { InstanceIds: [id] });
  } catch (error) {
    if (isGone(error)) return;
    if (awsCode(error) !== 'OperationNotPermitted') throw error;
    // Protected against termination, by an account's rule or by hand; this one is ours.
    await s.ec2('ModifyInstanceAttribute', { InstanceId: id, DisableApiTermination: { Value: false } });
    await s.ec2('TerminateInstances', { InstanceIds: [id] });
  }
  await awaitState({
    what: `Instance ${id}`, access, signal: undefined, note, budget: 600_000, wanted: ['terminated'],
    look: async () => {
      const instance = (await s.ec2('DescribeInstances', { InstanceIds: [id] }).catch(error => { if (isGone(error)) return undefined; throw error; }))?.Reservations?.[0]?.Instances?.[0];
      return { state: instance?.State?.Name ?? 'terminated', value: undefined };
    },
  });
}

async function removeImage(s: Session, id: string, thing: Pick<Thing, 'access' | 'keepSnapshots'>): Promise<void> {
  const image = (await s.ec2('DescribeImages', { ImageIds: [id] }).catch(error => { if (isGone(error)) return undefined; throw error; }))?.Images?.[0];
  if (image === undefined) return;
  await gone(s.ec2('DeregisterImage', { ImageId: id }));
  if (thing.keepSnapshots) return;
  // One snapshot may lie under several images; those of others say that they are in use, and stay.
  for (const snapshot of ids(image.BlockDeviceMappings, d => d.Ebs?.SnapshotId)) await removeSnapshotOf(s, snapshot);
}
/** Removes a snapshot of an image that is gone. One that another image uses stays. */
export async function removeSnapshotOf(s: Session, id: string): Promise<void> {
  await gone(s.ec2('DeleteSnapshot', { SnapshotId: id })).catch(error => { if (awsCode(error) !== 'InvalidSnapshot.InUse') throw error; });
}

/** Ends an import. One that is complete leaves an image, which carries no tag of ours: the task knows it. */
async function removeImport(s: Session, id: string, thing: Pick<Thing, 'access' | 'keepSnapshots'>): Promise<void> {
  const look = async () => (await s.ec2('DescribeImportImageTasks', { ImportTaskIds: [id] }).catch(error => { if (isGone(error)) return undefined; throw error; }))?.ImportImageTasks?.[0];
  const task = await look();
  if (task?.Status === 'active') await gone(s.ec2('CancelImportTask', { ImportTaskId: id }));
  const image = task?.ImageId ?? (await look())?.ImageId;
  if (image !== undefined) await removeImage(s, image, thing);
}

/** Done, or nothing was there to do it to. */
async function gone(call: Promise<unknown>): Promise<void> {
  await call.catch(error => { if (!isGone(error)) throw error; });
}

/** Tries again while AWS says that something else still holds it; for a minute and a half. */
async function patiently(work: () => Promise<void>, while_: readonly string[]): Promise<void> {
  for (let pause = 250, waited = 0; ; pause = Math.min(pause * 2, 5000)) {
    try { return await work(); } catch (error) {
      if (!while_.includes(awsCode(error) ?? '') || waited > 90_000) throw error;
    }
    await sleep(pause);
    waited += pause;
  }
}
