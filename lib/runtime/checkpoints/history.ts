/** What a target was made of, and how long each part took, the last time it was built here: `.bake/last/<target>.json`. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileDigest, portableMode } from '../../file-digest.js';
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
  /**
   * What the files and folders that the props name were, by digest: each thing in a folder (a folder ends in a slash), and the file or folder
   * itself as ''. A file is `644 sha256:…`, a folder `755`, a link `link <target>`.
   */
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
    if (file !== undefined) folders[digest] = contentsOf(resolve(run.folders.files, file.path));
  }
  return { path: component.path, kind: component.kind, props: component.props, own: component.own as unknown as Json, late, folders, ...(took === undefined ? {} : { took }) };
}

/** A file, or everything below a folder; digests are remembered, so this costs a look. */
export function contentsOf(path: string): { [file: string]: string } {
  const out: { [file: string]: string } = {};
  // Gone meanwhile: there is nothing to compare then.
  try { look(path, '', statSync(path), out); } catch { /* see above */ }
  return out;
}

function look(root: string, inside: string, stats: Stats, out: { [file: string]: string }): void {
  const path = join(root, inside), mode = portableMode(stats.mode).toString(8);
  if (stats.isSymbolicLink()) out[inside] = `link ${readlinkSync(path)}`;
  else if (stats.isFile()) out[inside] = `${mode} ${fileDigest(path, stats)}`;
  else if (stats.isDirectory()) {
    // The mode of the folder itself is no part of its digest.
    if (inside !== '') out[`${inside}/`] = mode;
    for (const name of readdirSync(path).sort(byCodeUnit)) look(root, join(inside, name), lstatSync(join(path, name)), out);
  }
}
