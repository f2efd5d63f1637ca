/** From a machine to images: the first one in the region it was built in, copies elsewhere at the same time, everything set on each, and all or as many as possible kept. */
import type { Image, ResourceType } from '@aws-sdk/client-ec2';
import { errors, messageOf } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { AwsImageFields } from '../../constructs/shared/aws-image.js';
import { throwIfAborted } from '../retry.js';
import { settle } from './image-settings.js';
import { defined } from './instance.js';
import { type Made, type Maker, make } from './making.js';
import { markTags, newMark, tagList, tagsOf } from './marks.js';
import type { Session } from './session.js';
import { removeThing } from './things.js';
import { awaitState } from './wait.js';

const fail = errors('AMI', {
  COPIES: {
    message: (failed: string, kept: string) => `Not all images could be made. ${failed} Kept: ${kept}.`,
    remedy: 'Mend what the message speaks of and build again: what is there is kept, and only the missing copies are made.',
    explain: 'The image in the region it was built in is good, and so are the copies that are named; they carry all that the source says.',
  },
});

export type ImageProps = ResolvedOf<AwsImageFields>;
export interface ImageSet { readonly name: string; readonly amis: { readonly [region: string]: string }; readonly snapshots: { readonly [region: string]: readonly string[] } }

/** What the images are to be, apart from how the first one is made. */
export interface ImagePlan {
  readonly props: ImageProps;
  /** Packer's words in names and tags: `{{ .SourceAMI }}`. */
  readonly values: { readonly [name: string]: string };
  /** What went into it, as a digest; by it a later run knows the image again. */
  readonly key: string | undefined;
  /** An image that is there already: its copies are called as it is. */
  readonly like?: Image;
}
export const nameOf = ({ props, values, like }: ImagePlan): string => like?.Name ?? filled(props.amiName, values);
export const description = ({ props, values, like }: ImagePlan): string | undefined => like?.Description ?? (props.amiDescription === undefined ? undefined : filled(props.amiDescription, values));
const filled = (text: string, values: { readonly [name: string]: string }): string => text.replace(/\{\{-?\s*\.([\w.:/-]+?)\s*-?\}\}/g, (whole, name: string) => values[name] ?? whole);

/** Milliseconds for one image to become available. Large disks take hours. */
const imageBudget = 6 * 3_600_000;

export type FirstImage = (name: string, until: 'always' | 'failure', tags: Tags) => Promise<Made<string>>;
/** Tags of an image and its snapshots, for the call that makes it. */
export type Tags = (mark: string) => { ResourceType: ResourceType; Tags: { Key?: string | undefined; Value?: string | undefined }[] }[];

/** The regions that an image is to be in. */
export function regionsOf(props: ImageProps, home: string): readonly string[] {
  return [...new Set([...(props.skipSaveBuildRegion ? [] : [home]), ...props.amiRegions ?? []])];
}

/** Makes all images. `ready`: called when the machine is not needed any more. Throws AMI_COPIES where only some succeeded; those stay. */
export async function makeImages(maker: Maker, plan: ImagePlan, createFirst: FirstImage, ready: () => Promise<void>): Promise<ImageSet> {
  const { session, ctx } = maker, { props } = plan, home = session.region, regions = regionsOf(props, home), name = nameOf(plan);
  // What is encrypted with another key, or is not to stay, is a copy of an image that goes.
  const passing = props.encryptBoot === true || !regions.includes(home);
  if (!passing) await freeName(maker, session, plan);
  const first = await createFirst(passing ? `imagebake-${newMark()}` : name, passing ? 'always' : 'failure', imageTags(maker, plan));
  ctx.note(`Image ${first.id} in ${home}${passing ? ', to be copied' : ''}.`);
  await available(maker, session, first.id);
  const [done] = await Promise.all([
    Promise.allSettled(regions.map(async region => {
      const made = region === home && !passing ? first : await copyImage(maker, plan, { region, from: first.id, fromRegion: home });
      return { region, made, snapshots: await settle(maker.session.in(region), made.id, plan.props, maker) };
    })),
    ready(),
  ]);
  throwIfAborted(ctx.signal);
  if (passing) await first.remove();
  return finish(maker, plan, regions, done, {});
}

/** Makes the copies that an earlier run could not make. Undefined where there is nothing to go on from. */
export async function completeImages(maker: Maker, plan: ImagePlan & { readonly key: string }): Promise<ImageSet | undefined> {
  const { session } = maker, { props } = plan, home = session.region, regions = regionsOf(props, home);
  const there = new Map<string, Image>();
  await Promise.all(regions.map(async region => {
    const { Images = [] } = await session.in(region).ec2('DescribeImages', { Owners: ['self'], Filters: [{ Name: `tag:${markTags.key}`, Values: [plan.key] }] });
    const finished = Images.find(i => i.State === 'available' && tagsOf(i.Tags)[markTags.expires] === undefined);
    if (finished) there.set(region, finished);
  }));
  const from = there.has(home) ? home : [...there.keys()][0];
  if (from === undefined) return undefined;
  const missing = regions.filter(region => !there.has(region));
  const amis = Object.fromEntries([...there].map(([region, image]) => [region, image]));
  maker.ctx.note(`${[...there].map(([region, i]) => `${i.ImageId} in ${region}`).join(', ')} ${there.size === 1 ? 'is' : 'are'} there from an earlier run${missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`}.`);
  const alike = { ...plan, like: there.get(from)! };
  const done = await Promise.allSettled(missing.map(async region => {
    const made = await copyImage(maker, alike, { region, from: alike.like.ImageId!, fromRegion: from });
    return { region, made, snapshots: await settle(session.in(region), made.id, props, maker) };
  }));
  throwIfAborted(maker.ctx.signal);
  return finish(maker, alike, missing, done, amis);
}

type Job = { readonly region: string; readonly made: Made<string>; readonly snapshots: readonly string[] };

/** Takes the date of expiry off what is good, then says whether that is all. */
async function finish(maker: Maker, plan: ImagePlan, regions: readonly string[], done: readonly PromiseSettledResult<Job>[], before: { readonly [region: string]: Image }): Promise<ImageSet> {
  const good = done.flatMap(d => (d.status === 'fulfilled' ? [d.value] : [])), home = maker.session.region;
  const bad = done.flatMap((d, i) => (d.status === 'rejected' ? [{ region: regions[i]!, error: d.reason as unknown }] : []));
  // Where not even the image itself came about, nothing is worth keeping.
  const lost = bad.find(b => b.region === home);
  if (lost || (bad.length > 0 && good.length === 0 && Object.keys(before).length === 0)) throw (lost ?? bad[0]!).error;
  await maker.ctx.scope.shield(async () => {
    for (const { region, made, snapshots } of good) {
      await maker.session.in(region).with(undefined).ec2('DeleteTags', { Resources: [made.id, ...snapshots], Tags: [{ Key: markTags.expires }] });
      await made.keep();
    }
  });
  const snapshotsOf = (image: Image): string[] => (image.BlockDeviceMappings ?? []).flatMap(d => d.Ebs?.SnapshotId ?? []);
  const set: ImageSet = {
    name: nameOf(plan),
    amis: { ...Object.fromEntries(Object.entries(before).map(([r, i]) => [r, i.ImageId!])), ...Object.fromEntries(good.map(g => [g.region, g.made.id])) },
    snapshots: { ...Object.fromEntries(Object.entries(before).map(([r, i]) => [r, snapshotsOf(i)])), ...Object.fromEntries(good.map(g => [g.region, g.snapshots])) },
  };
  if (bad.length === 0) return set;
  throw fail.COPIES(bad.map(b => `${b.region}: ${messageOf(b.error)}`).join(' '), Object.entries(set.amis).map(([r, id]) => `${id} (${r})`).join(', '), {
    cause: bad[0]!.error, facts: { kept: set.amis, failed: Object.fromEntries(bad.map(b => [b.region, messageOf(b.error)])) },
  });
}

async function copyImage(maker: Maker, plan: ImagePlan, { region, from, fromRegion }: { readonly region: string; readonly from: string; readonly fromRegion: string }): Promise<Made<string>> {
  const { props } = plan, session = maker.session.in(region), name = nameOf(plan), home = maker.session.region;
  await freeName(maker, session, plan);
  const key = region === home ? props.kmsKeyId : props.regionKmsKeyIds?.[region];
  const made = await make<string>(maker, 'image', { name, session, until: 'failure' }, async (_tags, mark) => {
    const { ImageId } = await session.ec2('CopyImage', defined({
      SourceImageId: from, SourceRegion: fromRegion, Name: name, ClientToken: mark, TagSpecifications: imageTags(maker, plan)(mark),
      Description: description(plan),
      Encrypted: props.encryptBoot === true || key !== undefined ? true : undefined, KmsKeyId: key === '' ? undefined : key,
      SnapshotCopyCompletionDurationMinutes: props.snapshotCopyDuration === undefined ? undefined : Math.round(props.snapshotCopyDuration.$duration / 60_000),
    }));
    return { id: ImageId!, value: ImageId! };
  });
  maker.ctx.note(`Copy ${made.id} in ${region}.`);
  await available(maker, session, made.id);
  return made;
}

/** Waits until an image can be used. */
export async function available(maker: Maker, session: Session, id: string): Promise<void> {
  await awaitState({
    what: `Image ${id} in ${session.region}`, access: session.access, signal: maker.ctx.signal, note: message => maker.ctx.note(message), budget: imageBudget, wanted: ['available'], failed: ['failed', 'error', 'invalid', 'deregistered', 'disabled'],
    look: async () => {
      const image = (await session.ec2('DescribeImages', { ImageIds: [id] })).Images?.[0];
      return image === undefined ? undefined : { state: image.State ?? 'unknown', reason: image.StateReason?.Message, value: undefined };
    },
  });
}

/** Deregisters the image that has the name, where the source says so. */
async function freeName(maker: Maker, session: Session, plan: ImagePlan): Promise<void> {
  const { props } = plan;
  if (!props.forceDeregister && !maker.ctx.force) return;
  for (const image of await imagesNamed(session, nameOf(plan))) {
    maker.ctx.note(`Deregistering ${image.ImageId} in ${session.region}, which has the name '${image.Name}'.`);
    if (image.DeregistrationProtection?.startsWith('enabled')) await session.ec2('DisableImageDeregistrationProtection', { ImageId: image.ImageId });
    await removeThing(session, { type: 'image', access: session.access, region: session.region, mark: '', id: image.ImageId!, ...(props.forceDeleteSnapshot ? {} : { keepSnapshots: true as const }) });
  }
}
/** The account's own images of exactly this name: one at most, says EC2. */
export async function imagesNamed(session: Session, name: string): Promise<readonly Image[]> {
  const { Images = [] } = await session.ec2('DescribeImages', { Owners: ['self'], Filters: [{ Name: 'name', Values: [name.replace(/[*?\\]/g, '\\$&')] }], IncludeDeprecated: true });
  return Images.filter(i => i.Name === name);
}

export function imageTags(maker: Maker, { props, values, key, like }: ImagePlan): Tags {
  const fill = (tags: { readonly [key: string]: string } | undefined): { [key: string]: string } => Object.fromEntries(Object.entries(tags ?? {}).map(([k, v]) => [filled(k, values), filled(v, values)]));
  return mark => {
    const ours = {
      [markTags.run]: maker.owner.run, [markTags.target]: maker.owner.target, [markTags.expires]: maker.owner.expires, [markTags.mark]: mark,
      ...(props.retention === undefined ? {} : { [markTags.family]: props.retention.family }), ...(key === undefined ? {} : { [markTags.key]: key }),
    };
    // Tags that speak of the source image were complete when the first image was made.
    const image = like === undefined ? { ...(props.skipAmiRunTags ? {} : maker.tags), ...fill(props.tags) }
      : Object.fromEntries(Object.entries(tagsOf(like.Tags)).filter(([name]) => !name.startsWith('imagebake:') && !name.startsWith('aws:')));
    return [{ ResourceType: 'image', Tags: tagList({ ...image, ...ours }) }, { ResourceType: 'snapshot', Tags: tagList({ ...image, ...fill(props.snapshotTags), ...ours }) }];
  };
}
