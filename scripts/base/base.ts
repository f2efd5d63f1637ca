/**
 * The base system: one small Debian (or Ubuntu, on Ubuntu) from the distribution's packages alone, as a disk that boots, with its kernel
 * beside it, and as a container image. Made once, kept in the user's cache, shared by the quick start, the examples, the tests and the benchmarks.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../lib/cache-folder.js';
import { aptSources } from './apt-sources.js';
import { importContainer } from './container.js';
import { makeDisk } from './disk.js';
import { locked, run } from './processes.js';
import { hostRecipe, keyOf, rootPassword, type Recipe } from './recipe.js';

export interface Base {
  readonly key: string;
  /** All the base's files lie in here. */
  readonly folder: string;
  /** The whole system, as mmdebstrap wrote it. */
  readonly tar: string;
  /** qcow2, 4 GiB for the guest; BIOS, grub, one ext4 partition. Never write to it: make an overlay or a copy. */
  readonly disk: string;
  /** For `-kernel` and `-initrd`, which boot seconds faster; with `append` as the command line. */
  readonly kernel: string;
  readonly initrd: string;
  readonly append: string;
  /** SSH takes root with this password; so does the console. */
  readonly rootPassword: string;
}
export type Say = (message: string) => void;

/** The base system, made now (one to three minutes) if it never was. Safe to call from many processes. */
export async function base(say: Say = () => {}, recipe: Recipe = hostRecipe()): Promise<Base> {
  if (process.arch !== 'x64') throw new Error(`The base system is made for x86-64 only, and this computer is ${process.arch}. Build from a disk image of your distribution instead (diskImage).`);
  const key = keyOf(recipe), folder = join(cacheFolder(), 'base', key);
  const found = describe(key, folder, recipe);
  if (existsSync(folder)) return found;
  return locked(join(cacheFolder(), 'base', 'lock'), async () => {
    if (existsSync(folder)) return found;
    const started = Date.now(), unfinished = `${folder}.unfinished`;
    // Only the holder of the lock makes it: what lies there was left by a killed run.
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    try {
      say(`making the base system (${recipe.distribution} ${recipe.release}), once: one to three minutes`);
      await makeTar(recipe, join(unfinished, 'root.tar'), say);
      await makeDisk(recipe, unfinished, say);
      writeFileSync(join(unfinished, 'recipe.json'), JSON.stringify(recipe, undefined, 2) + '\n');
      renameSync(unfinished, folder);
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true });
      throw error;
    }
    say(`the base system is ready after ${Math.round((Date.now() - started) / 1000)} s: ${folder}`);
    return found;
  }, () => say('another process makes the base system: waiting for it'));
}

/** The base system as a container image; its reference (`imagebake-base:…`), imported now if the engine does not have it. */
export async function containerBase(say: Say = () => {}, recipe: Recipe = hostRecipe()): Promise<string> {
  const made = await base(say, recipe);
  return locked(join(cacheFolder(), 'base', 'lock'), () => importContainer(made.tar, made.key, say), () => say('another process imports the base system: waiting for it'));
}

function describe(key: string, folder: string, recipe: Recipe): Base {
  const at = (name: string) => join(folder, name);
  return {
    key, folder, rootPassword, tar: at('root.tar'), disk: at('disk.qcow2'), kernel: at('vmlinuz'), initrd: at('initrd.img'),
    append: `root=UUID=${recipe.rootUuid} rw console=tty0 console=ttyS0 quiet`,
  };
}

async function makeTar(recipe: Recipe, file: string, say: Say): Promise<void> {
  await run('mmdebstrap', [
    '--variant=minbase', ...recipe.dpkgOptions.map(option => `--dpkgopt=${option}`), `--include=${recipe.packages.join(',')}`,
    `--essential-hook=${recipe.before}`, `--customize-hook=${recipe.after}`, recipe.release, file, ...aptSources(recipe),
  ], {
    line: row => { if (/^I: (running apt-get update|downloading|installing|creating tarball|extracting)/.test(row)) say(`mmdebstrap: ${row.slice(3)}`); },
    env: { TMPDIR: roomyFolder() },
  });
}

/** mmdebstrap unpacks 400 MB there; /tmp may be small and in memory. Other users must be able to enter it. */
function roomyFolder(): string {
  const mounts = readFileSync('/proc/mounts', 'utf8');
  return / \/tmp tmpfs /.test(mounts) && existsSync('/var/tmp') ? '/var/tmp' : process.env['TMPDIR'] ?? '/tmp';
}
