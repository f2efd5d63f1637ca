/** The driver of AmazonEbsVolumeSource; what it shares with the other components of Amazon lies in runtime/aws. */
import type { amazonEbsVolume } from '../../constructs/sources/amazon-ebsvolume.js';
import type { Json } from '../../json.js';
import type { Resolved } from '../../kinds.js';
import { reapThing } from '../aws/artifact.js';
import { type Host, startHost } from '../aws/host.js';
import { shareSnapshots } from '../aws/image-settings.js';
import { adopt, type Maker } from '../aws/making.js';
import { markTags, tagList } from '../aws/marks.js';
import { preflightImage } from '../aws/preflight.js';
import { isGone } from '../aws/refusals.js';
import { type Access, accessJson, openSession } from '../aws/session.js';
import { shellOn } from '../aws/shell.js';
import { makeSnapshot, volumeAt } from '../aws/snapshots.js';
import { type Thing, removeThing } from '../aws/things.js';
import { findStrays } from '../aws/strays.js';
import type { Artifact, Context, SourceDriver } from '../driver.js';

type Props = Resolved<typeof amazonEbsVolume>;
const driver = 'source/amazon-ebsvolume';

/** The volumes are disks of the instance that outlive it, until they are told not to. */
const hosting = (props: Props) => ({ ...props, launchBlockDeviceMappings: props.ebsVolumes.map(v => ({ ...v, deleteOnTermination: v.deleteOnTermination ?? false })) });

async function capture(host: Host, props: Props, ctx: Context): Promise<Artifact> {
  const maker: Maker = { ...host.maker, ctx, session: host.maker.session.with(ctx.signal) }, { session, owner } = maker;
  await host.stop(ctx);
  const ours = (mark: string): { readonly [key: string]: string } => ({ [markTags.run]: owner.run, [markTags.target]: owner.target, [markTags.expires]: owner.expires, [markTags.mark]: mark });
  const results = await Promise.all(props.ebsVolumes.map(async volume => {
    const id = volumeAt(host.instance, volume.deviceName), tags = { ...maker.tags, ...volume.tags };
    const snapshot = volume.snapshotVolume ? await makeSnapshot(maker, id, { until: 'failure', description: volume.snapshotDescription, tags: mark => ({ ...tags, ...volume.snapshotTags, ...ours(mark) }) }) : undefined;
    if (snapshot) await shareSnapshots(session, [snapshot.id], volume);
    if (volume.deleteOnTermination === true) return { device: volume.deviceName, snapshot, kept: undefined };
    // A mark of its own, or it would go with the instance.
    const kept = await adopt(maker, 'volume', id, { name: id, until: 'failure' }, async mark => { await session.ec2('CreateTags', { Resources: [id], Tags: tagList({ ...tags, ...ours(mark) }) }); });
    return { device: volume.deviceName, snapshot, kept };
  }));
  await host.running.remove();
  await ctx.scope.shield(async () => {
    const done = results.flatMap(r => [r.snapshot, r.kept]).filter(m => m !== undefined);
    if (done.length > 0) await session.with(undefined).ec2('DeleteTags', { Resources: done.map(m => m.id), Tags: [{ Key: markTags.expires }] });
    for (const made of done) await made.keep();
  });
  const volumes = Object.fromEntries(results.flatMap(r => (r.kept ? [[r.device, r.kept.id]] : []))), snapshots = Object.fromEntries(results.flatMap(r => (r.snapshot ? [[r.device, r.snapshot.id]] : [])));
  return {
    madeBy: driver, id: [...Object.values(volumes), ...Object.values(snapshots)].map(id => `${session.region}:${id}`).join(','), files: [],
    data: { access: accessJson(session.access), volumes: volumes as Json, snapshots: snapshots as Json },
    outputs: { volumes, snapshots, region: session.region, availabilityZone: host.instance.Placement?.AvailabilityZone ?? '' },
  };
}

interface Data { readonly access: Access; readonly volumes: { readonly [device: string]: string }; readonly snapshots: { readonly [device: string]: string } }
const dataOf = (artifact: Artifact): Data => artifact.data as unknown as Data;

export default {
  preflight: (props, ctx) => preflightImage(driver, hosting(props), ctx),
  start: async (props, ctx) => {
    const host = await startHost(driver, hosting(props), ctx);
    return { connect: inner => host.connect(inner), lost: () => host.lost(), get hostValues() { return host.hostValues; }, capture: (now, inner) => capture(host, now as Props, inner), keep: async () => host.keep() };
  },
  present: async artifact => {
    const { access, volumes, snapshots } = dataOf(artifact), session = openSession(access);
    const there = async (look: Promise<unknown>): Promise<boolean> => look.then(() => true, error => { if (isGone(error)) return false; throw error; });
    try {
      const all = [...Object.values(volumes).map(id => session.ec2('DescribeVolumes', { VolumeIds: [id] })), ...Object.values(snapshots).map(id => session.ec2('DescribeSnapshots', { SnapshotIds: [id] }))];
      return all.length > 0 && (await Promise.all(all.map(there))).every(Boolean);
    } finally { session.close(); }
  },
  destroy: async artifact => {
    const { access, volumes, snapshots } = dataOf(artifact), session = openSession(access), thing = (type: Thing['type'], id: string): Thing => ({ type, access, region: access.region, mark: '', id });
    try {
      for (const id of Object.values(volumes)) await removeThing(session, thing('volume', id));
      for (const id of Object.values(snapshots)) await removeThing(session, thing('snapshot', id));
    } finally { session.close(); }
  },
  reap: reapThing,
  strays: () => findStrays(),
  shell: shellOn,
} satisfies SourceDriver<typeof amazonEbsVolume>;
