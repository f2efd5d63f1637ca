/** What a target was made of, and how long each part took, the last time it was built here: `.bake/last/<target>.json`. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileDigest } from '../../file-digest.js';
import { byCodeUnit, type Json } from '../../json.js';
import { makeFolder } from '../../make-folder.js';
import type { PlannedComponent } from '../../plan.js';
import { filesIn } from '../../planned-props.js';
import { fileNameOf, type RunState } from '../run-state.js';

/** One component, as it was. */
export interface Part {
  readonly path: string;
  readonly kind: string;
  readonly props: Json;
  readonly own: Json;
  /** What only the run knew: bases, outputs, data, files that it made; name -> a text that changes with the thing. */
  readonly late: { readonly [name: string]: string };
  /** Files inside the folders that the props name, by folder digest. */
  readonly folders: { readonly [digest: string]: { readonly [file: string]: string } };
  /** Milliseconds; missing where it has not run. */
  readonly took?: number;
}
export interface History {
  readonly target: string;
  /** Source first, then the steps that were done, in order. */
  readonly parts: readonly Part[];
  /** The last stage, in milliseconds. */
  readonly capture?: number;
  /** From start to connected, in milliseconds. */
  readonly start?: number;
  readonly identity?: Json;
}

const place = (stateFolder: string, target: string): string => join(stateFolder, 'last', `${fileNameOf(target)}.json`);

export async function readHistory(stateFolder: string, target: string): Promise<History | undefined> {
  try {
    return JSON.parse(await readFile(place(stateFolder, target), 'utf8')) as History;
  } catch {
    return undefined;
  }
}

/** Times of parts that did not run this time are kept from before. */
export async function writeHistory(stateFolder: string, history: History): Promise<void> {
  const before = await readHistory(stateFolder, history.target);
  const parts = history.parts.map(part => {
    const took = part.took ?? before?.parts.find(p => p.path === part.path)?.took;
    return took === undefined ? part : { ...part, took };
  });
  const start = history.start ?? before?.start, capture = history.capture ?? before?.capture;
  const file = place(stateFolder, history.target);
  await makeFolder(join(file, '..'), 0o700);
  await writeFile(`${file}.${process.pid}`, JSON.stringify({ ...history, parts, ...(start === undefined ? {} : { start }), ...(capture === undefined ? {} : { capture }) }), { mode: 0o600 });
  await rename(`${file}.${process.pid}`, file);
}

export function partOf(run: RunState, component: PlannedComponent, late: { readonly [name: string]: string }, took: number | undefined): Part {
  const folders: { [digest: string]: { [file: string]: string } } = {};
  for (const digest of filesIn(component.props)) {
    const file = run.plan.files[digest];
    if (file?.kind === 'folder') folders[digest] = contentsOf(resolve(run.folders.files, file.path));
  }
  return { path: component.path, kind: component.kind, props: component.props, own: component.own as unknown as Json, late, folders, ...(took === undefined ? {} : { took }) };
}

/** Every file below a folder with its digest; digests are remembered, so this costs a look. */
export function contentsOf(folder: string, below = ''): { [file: string]: string } {
  const out: { [file: string]: string } = {};
  try {
    for (const name of readdirSync(join(folder, below)).sort(byCodeUnit)) {
      const path = join(folder, below, name), stats = statSync(path, { throwIfNoEntry: false });
      if (stats?.isDirectory()) Object.assign(out, contentsOf(folder, join(below, name)));
      else if (stats?.isFile()) out[join(below, name)] = fileDigest(path, stats);
    }
  } catch { /* gone meanwhile: there is nothing to compare then */ }
  return out;
}
