/**
 * Puts an output in its place whole, or not at all: it is written in a hidden folder beside its target and renamed into place. An existing
 * output is replaced only with `force`, and only after success.
 */
import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, rename, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errors } from '../../errors.js';
import { makeFolder } from '../../make-folder.js';
import type { Context, PreflightProblem } from '../driver.js';

const fail = errors('OUTPUT', {
  EXISTS: {
    message: (path: string) => `The output ${path} exists already.`,
    remedy: 'Remove it, name another place, or run with --force, which replaces it after success.',
    explain: 'A build never overwrites what another one made, unless it is told to.',
  },
  NOT_WRITABLE: { message: (path: string, why: string) => `The output ${path} cannot be written: ${why}`, remedy: 'Look at the permissions and the space of its folder.' },
});

/** An output that is being made. */
export interface Placement {
  /** The hidden folder to write in. */
  readonly folder: string;
  /** Where in it the output itself is to be: put a file there, or make it a folder. */
  readonly path: string;
  /** Moves the output into its place and removes the hidden folder. */
  commit(): Promise<void>;
}

/** Begins an output. Without `commit`, everything of it is removed when the scope ends. Journalled. */
export async function placeOutput(target: string, ctx: Pick<Context, 'scope' | 'journal' | 'force'>): Promise<Placement> {
  const final = resolve(target), parent = dirname(final), name = basename(final);
  const folder = join(parent, `.${name}.bake-${randomUUID().slice(0, 8)}`);
  // Where a folder that is replaced waits; gc moves it back if the new one never came.
  const replaced = join(folder, '.replaced');
  const entry = await ctx.journal.intend({ driver: 'host/path', what: 'unfinished output', name: folder, data: { path: folder, target: final, replaced } });
  let madeParent: string | undefined;
  try {
    madeParent = await makeFolder(parent);
    await mkdir(folder, { mode: 0o755 });
  } catch (error) {
    await entry.gone();
    throw fail.NOT_WRITABLE(final, (error as Error).message, { cause: error });
  }
  let placed = false;
  ctx.scope.defer(`remove the unfinished ${name}`, async () => {
    if (placed) return;
    await rm(folder, { recursive: true, force: true });
    if (madeParent !== undefined) await removeEmpty(parent, madeParent);
    await entry.gone();
  });
  return {
    folder, path: join(folder, name),
    commit: async () => {
      await syncFiles(join(folder, name));
      await moveInto(join(folder, name), final, replaced, ctx.force);
      await rm(folder, { recursive: true, force: true });
      placed = true;
      await entry.gone();
    },
  };
}

/** For preflight: what is wrong with an output's place. One that is not known yet is no problem. */
export async function outputProblem(target: string | undefined, force: boolean, field: string): Promise<PreflightProblem | undefined> {
  if (target === undefined) return undefined;
  const final = resolve(target);
  if (!force && await exists(final)) {
    const { code, message, remedy } = fail.EXISTS(final);
    return { code, message, ...(remedy === undefined ? {} : { remedy }), field };
  }
  return undefined;
}

/** A file in place of a file goes in one step. A folder has to leave first: it waits in the hidden folder until the new one is there. */
async function moveInto(from: string, to: string, replaced: string, force: boolean): Promise<void> {
  const isFolder = (await lstat(from)).isDirectory();
  if (!force) {
    if (!isFolder) {
      // Unlike rename, link refuses to replace.
      try { await link(from, to); } catch (error) { throw existing(error, to); }
      await unlink(from);
      return;
    }
    if (await exists(to)) throw fail.EXISTS(to);
    return rename(from, to);
  }
  const there = await lstat(to).catch(() => undefined);
  if (there && (isFolder || there.isDirectory())) {
    await rename(to, replaced);
    try { await rename(from, to); } catch (error) { await rename(replaced, to); throw error; }
    return;
  }
  await rename(from, to);
}

const existing = (error: unknown, path: string): unknown => ((error as NodeJS.ErrnoException).code === 'EEXIST' ? fail.EXISTS(path, { cause: error }) : error);
const exists = (path: string): Promise<boolean> => lstat(path).then(() => true, () => false);

/** Contents reach the disk before the name does, so that a crash of the computer leaves no empty image. */
async function syncFiles(path: string): Promise<void> {
  const stats = await lstat(path);
  if (stats.isDirectory()) { for (const name of await readdir(path)) await syncFiles(join(path, name)); return; }
  if (!stats.isFile()) return;
  const file = await open(path, 'r');
  try { await file.datasync(); } finally { await file.close(); }
}

/** Removes the folders that were made for an output that did not come, as far as they are empty. */
async function removeEmpty(from: string, upTo: string): Promise<void> {
  for (let folder = from; folder.startsWith(upTo); folder = dirname(folder)) {
    try { await rmdir(folder); } catch { return; }
  }
}
