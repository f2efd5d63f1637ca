/** Images as artifacts: what of them is written down, and what can be done with them from there alone. */
import type { Artifact, Leftover } from '../driver.js';
import { isObject, type Json } from '../../json.js';
import { imageThere } from './host.js';
import type { ImageSet } from './images.js';
import { type Access, accessJson, openSession, type Session } from './session.js';
import { removeThing, type Thing } from './things.js';

interface ImageData { readonly access: Access; readonly amis: { readonly [region: string]: string } }
const dataOf = (artifact: Artifact): ImageData => artifact.data as unknown as ImageData;

export function imageArtifact(madeBy: string, access: Access, set: ImageSet, source: { readonly id: string; readonly name: string }): Artifact {
  const regions = Object.keys(set.amis).sort((a, b) => Number(b === access.region) - Number(a === access.region) || (a < b ? -1 : 1));
  return {
    madeBy, id: regions.map(region => `${region}:${set.amis[region]}`).join(','), files: [],
    data: { access: accessJson(access), amis: set.amis, snapshots: set.snapshots as unknown as Json },
    outputs: { amiId: set.amis[regions[0]!] ?? '', amiName: set.name, amis: set.amis, snapshots: set.snapshots, region: access.region, sourceAmi: source.id, sourceAmiName: source.name },
  };
}

async function withSession<T>(access: Access, work: (session: Session) => Promise<T>): Promise<T> {
  const session = openSession(access);
  try { return await work(session); } finally { session.close(); }
}

/** Whether every image is still there. An artifact without images (skipCreateAmi) never is. */
export function imagesPresent(artifact: Artifact): Promise<boolean> {
  const { access, amis } = dataOf(artifact), all = Object.entries(amis);
  return all.length === 0 ? Promise.resolve(false) : withSession(access, async s => (await Promise.all(all.map(([region, id]) => imageThere(s, region, id)))).every(Boolean));
}
export function destroyImages(artifact: Artifact): Promise<void> {
  const { access, amis } = dataOf(artifact);
  return withSession(access, async s => { for (const [region, id] of Object.entries(amis)) await removeThing(s, { type: 'image', access, region, mark: '', id }); });
}

/** Removes one thing that a dead run left, by the journal alone. */
export async function reapThing(entry: Leftover): Promise<void> {
  const thing = isObject(entry.data) ? entry.data['thing'] as unknown as Thing | undefined : undefined;
  if (thing === undefined) return;
  await withSession(thing.access, s => removeThing(s, thing));
}
