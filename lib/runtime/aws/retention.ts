/** What becomes of earlier generations of an image: known by the tag of their family, never by name. */
import type { Image } from '@aws-sdk/client-ec2';
import { messageOf } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { AwsImageFields } from '../../constructs/shared/aws-image.js';
import type { Maker } from './making.js';
import { markTags, tagsOf } from './marks.js';
import type { Session } from './session.js';
import { removeThing } from './things.js';

export type Retention = NonNullable<ResolvedOf<AwsImageFields>['retention']>;

/** The images of a family that may go, oldest first. */
export async function retired(session: Session, { family, keep, olderThan, exceptInUse }: Retention, now = Date.now()): Promise<readonly Image[]> {
  const { Images = [] } = await session.ec2('DescribeImages', { Owners: ['self'], Filters: [{ Name: `tag:${markTags.family}`, Values: [family] }], IncludeDeprecated: true });
  const finished = Images.filter(i => i.State === 'available' && tagsOf(i.Tags)[markTags.expires] === undefined);
  const newestFirst = [...finished].sort((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? ''));
  let candidates = newestFirst.slice(keep).filter(i => olderThan === undefined || now - Date.parse(i.CreationDate ?? '') > olderThan.$duration);
  if (exceptInUse && candidates.length > 0) {
    const used = await inUse(session, candidates.map(i => i.ImageId!));
    candidates = candidates.filter(i => !used.has(i.ImageId!));
  }
  return candidates.reverse();
}

/** Which of the images an instance or a launch template (its newest or its default version) stands on. */
async function inUse(session: Session, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const used = new Set<string>(), Filters = [{ Name: 'image-id', Values: [...ids] }];
  const { Reservations = [] } = await session.ec2('DescribeInstances', { Filters: [...Filters, { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] }] });
  for (const instance of Reservations.flatMap(r => r.Instances ?? [])) if (instance.ImageId !== undefined) used.add(instance.ImageId);
  const { LaunchTemplateVersions = [] } = await session.ec2('DescribeLaunchTemplateVersions', { Versions: ['$Latest', '$Default'], Filters });
  for (const version of LaunchTemplateVersions) if (version.LaunchTemplateData?.ImageId !== undefined) used.add(version.LaunchTemplateData.ImageId);
  return used;
}

/** Removes them, in every region that the new image is in. What cannot be removed is a warning: the new image is good. */
export async function retire(maker: Maker, retention: Retention | undefined, regions: readonly string[]): Promise<void> {
  if (retention === undefined) return;
  for (const region of regions) {
    const session = maker.session.in(region);
    try {
      for (const image of await retired(session, retention)) {
        maker.ctx.note(`Removing ${image.ImageId} (${image.Name}) in ${region}: ${retention.keep} newer ones of '${retention.family}' are there.`);
        await removeThing(session, { type: 'image', access: session.access, region, mark: '', id: image.ImageId! });
      }
    } catch (error) {
      maker.ctx.warn(`Earlier images of '${retention.family}' in ${region} could not be removed: ${messageOf(error)}`, 'AMI_RETENTION');
    }
  }
}
