/** The image to start from: by id, by filters, or made by another build. */
import type { Image } from '@aws-sdk/client-ec2';
import { errors } from '../../errors.js';
import type { BaseImage, ResolvedOf } from '../../fields.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import { amazonNames } from '../../amazon-names.js';
import { isGone } from './refusals.js';
import type { Session } from './session.js';

const fail = errors('AMI', {
  NO_SOURCE: {
    message: (what: string, region: string) => `There is no image ${what} in ${region}.`,
    remedy: 'An image id holds for one region. Look whether it is the right one, whether the image still exists, and whether it is shared with this account.',
  },
  SEVERAL_SOURCES: {
    message: (count: number, first: string) => `${count} images fit sourceAmiFilter, among them ${first}.`,
    remedy: 'Set mostRecent: true, or make the filters narrower.',
  },
  NOT_AVAILABLE: { message: (id: string, state: string) => `Image ${id} is ${state}.`, remedy: 'Wait until it is available, or take another.' },
  OTHER_VIRTUALIZATION: { message: (id: string, has: string, wanted: string) => `Image ${id} has ${has} virtualization, and amiVirtualizationType is ${wanted}.`, remedy: 'Take another image, or leave amiVirtualizationType out.' },
  FROM_ELSEWHERE: { message: (target: string, region: string, has: string) => `${target} has no image in ${region}; it has one in ${has}.`, remedy: (_target: string, region: string) => `Add '${region}' to its amiRegions.` },
});

type Wanted = Pick<ResolvedOf<AwsInstanceFields>, 'sourceAmi' | 'sourceAmiFilter' | 'from'>;

/** The id that is wanted, where it is known without a search. */
export function namedImage({ sourceAmi, from }: Wanted, region: string): string | undefined {
  if (from === undefined) return sourceAmi;
  const amis = amisOf(from);
  if (amis[region] === undefined) throw fail.FROM_ELSEWHERE(from.target, region, Object.keys(amis).join(', ') || 'none');
  return amis[region];
}
const amisOf = (from: BaseImage): { readonly [region: string]: string } => (from.outputs['amis'] ?? {}) as { readonly [region: string]: string };

/** Finds the image. Throws AMI_NO_SOURCE, AMI_SEVERAL_SOURCES, AMI_NOT_AVAILABLE. */
export async function findSourceImage(session: Session, wanted: Wanted): Promise<Image & { readonly ImageId: string }> {
  const id = namedImage(wanted, session.region);
  const found = id !== undefined ? await describeImage(session, id) : await newest(session, wanted.sourceAmiFilter!);
  if (found.State !== 'available') throw fail.NOT_AVAILABLE(found.ImageId!, found.State ?? 'unknown', { facts: { reason: found.StateReason?.Message } });
  return found as Image & { readonly ImageId: string };
}

export async function describeImage(session: Session, id: string): Promise<Image & { readonly ImageId: string }> {
  const answer = await session.ec2('DescribeImages', { ImageIds: [id], IncludeDeprecated: true }).catch(error => { if (isGone(error)) return undefined; throw error; });
  const image = answer?.Images?.[0];
  if (image === undefined) throw fail.NO_SOURCE(id, session.region);
  return image as Image & { readonly ImageId: string };
}

export interface ImageSearch { readonly filters: { readonly [name: string]: string }; readonly owners: readonly string[]; readonly mostRecent: boolean; readonly includeDeprecated: boolean }

/** The one image that fits, or the newest of those that do. */
export async function newest(session: Session, { filters, owners, mostRecent, includeDeprecated }: ImageSearch): Promise<Image> {
  const { Images = [] } = await session.ec2('DescribeImages', {
    Filters: Object.entries(filters).map(([Name, value]) => ({ Name, Values: [value] })), Owners: [...owners], ...(includeDeprecated ? { IncludeDeprecated: true } : {}),
  });
  // Images of one second are told apart by id, so that the same search finds the same one.
  const sorted = [...Images].sort((a, b) => (b.CreationDate ?? '').localeCompare(a.CreationDate ?? '') || (a.ImageId ?? '').localeCompare(b.ImageId ?? ''));
  if (sorted[0] === undefined) throw fail.NO_SOURCE(`that fits ${JSON.stringify(filters)}, owned by ${owners.join(', ')},`, session.region);
  if (sorted.length > 1 && !mostRecent) throw fail.SEVERAL_SOURCES(sorted.length, sorted.slice(0, 3).map(i => `${i.ImageId} (${i.Name})`).join(', '));
  return sorted[0];
}

export function checkVirtualization(image: Image, wanted: string | undefined): void {
  if (wanted !== undefined && image.VirtualizationType !== undefined && image.VirtualizationType !== wanted) throw fail.OTHER_VIRTUALIZATION(image.ImageId!, image.VirtualizationType, wanted);
}

/** What tags and names may say of the image: our host values, and Packer's words for them. */
export function sourceValues(image: Image, region: string): { readonly host: { readonly [name: string]: string }; readonly packer: { readonly [name: string]: string } } {
  const values = {
    sourceAmi: image.ImageId, sourceAmiName: image.Name, sourceAmiOwner: image.OwnerId, sourceAmiOwnerName: image.ImageOwnerAlias, sourceAmiCreationDate: image.CreationDate, buildRegion: region,
  };
  return {
    host: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? ''])),
    packer: {
      ...Object.fromEntries(Object.entries(amazonNames).map(([ours, theirs]) => [theirs, values[ours as keyof typeof values] ?? ''])),
      ...Object.fromEntries((image.Tags ?? []).map(({ Key, Value }) => [`SourceAMITags.${Key}`, Value ?? ''])),
    },
  };
}
