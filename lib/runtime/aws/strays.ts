/** Looks through an account for what carries our tags and is past its date: left by runs whose journals are gone. */
import type { Filter, TagDescription } from '@aws-sdk/client-ec2';
import type { Json } from '../../json.js';
import type { Stray } from '../driver.js';
import { iamOf } from './iam.js';
import { markTags } from './marks.js';
import { isDenied } from './refusals.js';
import { type Access, openSession, type Session } from './session.js';
import { sortOf, type Thing, type ThingType, thingTypes } from './things.js';

export interface StrayOptions {
  /** @default the standard chain, and the regions of the account */
  readonly access?: Access;
  readonly regions?: readonly string[];
  /** Milliseconds since 1970: what is older is past its date. @default now */
  readonly now?: number;
}

/** Every stray, in the order in which they can be removed. One call a region, and a few for roles. */
export async function findStrays(options: StrayOptions = {}): Promise<readonly Stray[]> {
  const access = options.access ?? { region: process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1' }, session = openSession(access), now = options.now ?? Date.now();
  try {
    const regions = options.regions ?? ((await session.ec2('DescribeRegions', {})).Regions ?? []).flatMap(r => r.RegionName ?? []);
    const found = [...(await Promise.all(regions.map(region => inRegion(session.in(region), access, now)))).flat(), ...await roles(session, access, now)];
    const order = ({ data }: Stray): number => thingTypes.indexOf((data as unknown as { thing: Thing }).thing.type);
    return found.sort((a, b) => order(a) - order(b) || (a.name < b.name ? -1 : 1));
  } finally { session.close(); }
}

function stray(thing: Thing, tags: { readonly [key: string]: string }): Stray {
  return {
    driver: 'source/amazon-ebs', what: `${sortOf(thing.type).what} in ${thing.region}`, name: `${thing.id} (expired ${tags[markTags.expires]})`, state: 'made', data: { thing: thing as unknown as Json },
    run: tags[markTags.run] ?? 'unknown', target: tags[markTags.target] ?? 'unknown',
  };
}
const isType = (type: string | undefined): type is ThingType => thingTypes.some(t => t === type);

async function tagsIn(session: Session, Filters: Filter[]): Promise<TagDescription[]> {
  const all: TagDescription[] = [];
  let NextToken: string | undefined;
  do {
    const page = await session.ec2('DescribeTags', { Filters, ...(NextToken === undefined ? {} : { NextToken }) });
    all.push(...page.Tags ?? []);
    ({ NextToken } = page);
  } while (NextToken);
  return all;
}

async function inRegion(session: Session, access: Access, now: number): Promise<Stray[]> {
  const dated = (await tagsIn(session, [{ Name: 'key', Values: [markTags.expires] }])).filter(t => Date.parse(t.Value ?? '') < now);
  const things = new Map<string, { readonly type: string; readonly tags: { [key: string]: string } }>();
  for (let i = 0; i < dated.length; i += 100) {
    for (const { ResourceId = '', ResourceType = '', Key = '', Value = '' } of await tagsIn(session, [{ Name: 'resource-id', Values: dated.slice(i, i + 100).map(t => t.ResourceId!) }])) {
      const known = things.get(ResourceId) ?? { type: ResourceType === 'import-image-task' ? 'import-task' : ResourceType, tags: {} };
      known.tags[Key] = Value;
      things.set(ResourceId, known);
    }
  }
  // Network cards, fleets and the like go with what they were made with.
  const expired = [...things].filter(([, { type }]) => isType(type));
  // An instance that is terminated keeps its tags for an hour; a key pair is known by its name.
  const present = new Map<string, string>();
  for (const type of new Set(expired.map(([, t]) => t.type as ThingType))) {
    const marks = expired.filter(([, t]) => t.type === type).map(([, t]) => t.tags[markTags.mark] ?? '');
    for (const mark of new Set(marks)) for (const id of await sortOf(type).find(session, [{ Name: `tag:${markTags.mark}`, Values: [mark] }])) present.set(`${type} ${mark}`, id);
  }
  return expired.flatMap(([id, { type, tags }]) => {
    const mark = tags[markTags.mark] ?? '', there = present.get(`${type} ${mark}`);
    if (there === undefined) return [];
    return [stray({ type: type as ThingType, access: { ...access, region: session.region }, region: session.region, mark, id: type === 'key-pair' ? there : id }, tags)];
  });
}

/** Roles and profiles belong to no region. Who may not look for them has made none. */
async function roles(session: Session, access: Access, now: number): Promise<Stray[]> {
  const iam = iamOf(session), found: Stray[] = [];
  try {
    let Marker: string | undefined;
    do {
      const page = await iam('ListRoles', Marker === undefined ? {} : { Marker });
      for (const { RoleName } of page.Roles ?? []) {
        if (RoleName === undefined || !RoleName.startsWith('imagebake-')) continue;
        const tags = Object.fromEntries(((await iam('ListRoleTags', { RoleName })).Tags ?? []).map(t => [t.Key!, t.Value!]));
        if (!(Date.parse(tags[markTags.expires] ?? '') < now)) continue;
        for (const type of ['instance-profile', 'role'] as const) found.push(stray({ type, access, region: session.region, mark: tags[markTags.mark] ?? '', id: RoleName, name: RoleName }, tags));
      }
      Marker = page.IsTruncated ? page.Marker : undefined;
    } while (Marker !== undefined);
  } catch (error) {
    if (!isDenied(error) && (error as { readonly code?: string }).code !== 'AWS_NO_SDK') throw error;
  }
  return found;
}
