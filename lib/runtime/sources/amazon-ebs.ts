/** The driver of AmazonEbsSource; what it shares with the other components of Amazon lies in runtime/aws. */
import type { amazonEbs } from '../../constructs/sources/amazon-ebs.js';
import type { Resolved } from '../../kinds.js';
import { destroyImages, imageArtifact, imagesPresent, reapThing } from '../aws/artifact.js';
import { blockDevice, defined } from '../aws/instance.js';
import { type Host, makerFor, startHost, withSession } from '../aws/host.js';
import { completeImages, description, type FirstImage, type ImagePlan, makeImages, nameOf } from '../aws/images.js';
import { make } from '../aws/making.js';
import { preflightImage } from '../aws/preflight.js';
import { retire } from '../aws/retention.js';
import { findSourceImage } from '../aws/source-image.js';
import { findStrays } from '../aws/strays.js';
import type { Artifact, Context, Machine, SourceDriver } from '../driver.js';

type Props = Resolved<typeof amazonEbs>;
const driver = 'source/amazon-ebs';

/** Where an instance is started from an image that exists: the build's own, or one that is tried out. */
async function start(props: Props, ctx: Context): Promise<Machine<typeof amazonEbs>> {
  const host = await startHost(driver, props, ctx);
  return {
    connect: inner => host.connect(inner),
    get hostValues() { return host.hostValues; },
    capture: (now, inner) => capture(host, now as Props, inner),
    keep: async () => host.keep(),
  };
}

async function capture(host: Host, props: Props, ctx: Context): Promise<Artifact> {
  const maker = { ...host.maker, ctx, session: host.maker.session.with(ctx.signal) }, { session } = maker, source = { id: host.source.ImageId, name: host.source.Name ?? '' };
  if (props.skipCreateAmi) {
    ctx.note('No image is made: skipCreateAmi is set.');
    return imageArtifact(driver, session.access, { name: '', amis: {}, snapshots: {} }, source);
  }
  const plan: ImagePlan = { props, values: host.values.packer, key: ctx.key };
  const state = await host.stop(ctx);
  const createFirst: FirstImage = (name, until, tags) => make<string>(maker, 'image', { name, until }, async (_tags, mark) => {
    const { ImageId } = await session.ec2('CreateImage', defined({
      InstanceId: host.id, Name: name, Description: description(plan), NoReboot: state === 'stopped' ? true : undefined, TagSpecifications: tags(mark),
      BlockDeviceMappings: devices(props),
    }), { once: true });
    return { id: ImageId!, value: ImageId! };
  });
  const set = await makeImages(maker, plan, createFirst, () => host.running.remove());
  await retire(maker, props.retention, Object.keys(set.amis));
  return imageArtifact(driver, session.access, set, source);
}

/** Disks of the image that differ from the instance's. Letters b to z are where instance stores would be. */
function devices(props: Props) {
  const own = (props.amiBlockDeviceMappings ?? []).map(blockDevice);
  const stores = props.noEphemeral ? Array.from({ length: 25 }, (_, i) => ({ DeviceName: `/dev/sd${String.fromCharCode(98 + i)}`, NoDevice: '' })).filter(d => !own.some(o => o.DeviceName === d.DeviceName)) : [];
  return own.length + stores.length === 0 ? undefined : [...own, ...stores];
}

export default {
  preflight: (props, ctx) => preflightImage(driver, props, ctx),
  start,
  // An image of another build counts by its own key.
  identify: async (props, ctx) => (props.sourceAmi ?? (props.sourceAmiFilter === undefined ? null : withSession(props, ctx, async session => (await findSourceImage(session, props)).ImageId))),
  complete: (props, ctx) => withSession(props, ctx, async session => {
    if (props.skipCreateAmi || ctx.key === undefined) return undefined;
    const maker = makerFor(driver, props, session, ctx);
    const set = await completeImages(maker, { props, values: {}, key: ctx.key });
    if (set === undefined) return undefined;
    await retire(maker, props.retention, Object.keys(set.amis));
    const source = await findSourceImage(session, props);
    return imageArtifact(driver, session.access, set, { id: source.ImageId, name: source.Name ?? '' });
  }),
  boot: async (artifact, props, ctx) => {
    const { sourceAmiFilter: _filter, from: _from, ...rest } = props;
    return start({ ...rest, sourceAmi: String(artifact.outputs['amiId']) }, ctx);
  },
  present: imagesPresent,
  destroy: destroyImages,
  reap: reapThing,
  strays: () => findStrays(),
} satisfies SourceDriver<typeof amazonEbs>;
