/** Writes a plan and every file it names into one folder, which builds anywhere: the program is not needed any more. */
import { chmodSync, constants, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errors, exitCodes } from '../errors.js';
import { fileDigest, folderDigest } from '../file-digest.js';
import { canonicalJson } from '../json.js';
import { makeFolderSync } from '../make-folder.js';
import type { Plan, PlannedFile } from '../plan.js';

const fail = errors('SYNTH_OUT', {
  NOT_OURS: {
    message: (folder: string) => `The folder ${folder} is not empty, and it holds no plan.`, remedy: 'Name an empty folder, or one that bake synth wrote before.',
    explain: 'What lies in the folder and belongs to no plan is removed, so bake writes only where it wrote before.', exit: exitCodes.usage,
  },
  CHANGED: { message: (path: string) => `${path} changed while its plan was made.`, remedy: 'Run it again when nothing writes there.', exit: exitCodes.problems },
  NOT_WRITABLE: { message: (folder: string, why: string) => `The plan cannot be written to ${folder}: ${why}`, remedy: 'Look at the permissions and the space there.', exit: exitCodes.usage },
});

export interface WrittenPlan {
  /** The plan's file, absolute. */
  readonly file: string;
  /** As written: the paths of its files are relative to its own folder. */
  readonly plan: Plan;
}

/**
 * Writes `plan.json` and `files/<digest>` to a folder. `folder` is what the plan's file paths are relative to. The plan comes last, by a
 * rename: a folder that has one is whole. Files of an earlier plan that this one does not name are removed. Throws SYNTH_OUT_… errors.
 */
export function writePlan({ plan, folder }: { readonly plan: Plan; readonly folder: string }, out: string): WrittenPlan {
  const place = resolve(out), file = join(place, 'plan.json');
  if (existsSync(place) && !existsSync(file) && (!statSync(place).isDirectory() || readdirSync(place).length > 0)) throw fail.NOT_OURS(out);
  const files: { [digest: string]: PlannedFile } = {};
  for (const [digest, planned] of Object.entries(plan.files)) files[digest] = { ...planned, path: `files/${digest.replace(/^sha256:/, '')}` };
  const written: Plan = { ...plan, files };
  try {
    makeFolderSync(join(place, 'files'));
    for (const [digest, planned] of Object.entries(plan.files)) bring(resolve(folder, planned.path), join(place, files[digest]!.path), digest, planned);
    writeFileSync(`${file}.new`, `${canonicalJson(written, 2)}\n`);
    renameSync(`${file}.new`, file);
    const named = new Set(Object.values(files).map(f => f.path));
    for (const name of readdirSync(join(place, 'files'))) if (!named.has(`files/${name}`)) rmSync(join(place, 'files', name), { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw fail.NOT_WRITABLE(out, (error as Error).message, { cause: error });
  }
  return { file, plan: written };
}

/** Copied, where the file system can do so without copying bytes; never linked: an edit of the original would change the plan. */
function bring(from: string, to: string, digest: string, planned: PlannedFile): void {
  const digestOf = (path: string): string => (planned.kind === 'folder' ? folderDigest(path) : fileDigest(path));
  if (existsSync(to) && digestOf(to) === digest) return;
  const fresh = `${to}.new`;
  for (const old of [to, fresh]) rmSync(old, { recursive: true, force: true });
  copyTree(from, fresh);
  if (digestOf(fresh) !== digest) {
    rmSync(fresh, { recursive: true, force: true });
    throw fail.CHANGED(from);
  }
  renameSync(fresh, to);
}

function copyTree(from: string, to: string, stats = statSync(from)): void {
  if (stats.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (stats.isDirectory()) {
    mkdirSync(to);
    for (const name of readdirSync(from)) copyTree(join(from, name), join(to, name), lstatSync(join(from, name)));
    chmodSync(to, stats.mode & 0o7777);
  } else if (stats.isFile()) {
    copyFileSync(from, to, constants.COPYFILE_FICLONE);
    chmodSync(to, stats.mode & 0o7777);
  }
}
