/** Where a machine's files lie. */
import { randomBytes } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { Context } from '../../driver.js';
import type { MachineRecord } from './launch.js';

/** All but the logs is the machine's alone. */
export interface Places {
  readonly marker: string;
  /** Sockets, keys and seeds: a short path, private. */
  readonly folder: string;
  /** Disks, on the file system of the output. */
  readonly work: string;
  /** The guest's memory, as a file. */
  readonly memory: string;
  readonly serialLog: string;
  readonly log: string;
}

/** Chooses the places; makes nothing yet. `beside`: the folder whose file system the disks should be on; `memory` in bytes. */
export async function choosePlaces(beside: string, memory: number, ctx: Context): Promise<Places> {
  const id = randomBytes(5).toString('hex');
  // Unix sockets have paths of at most 107 bytes.
  const short = tmpdir().length < 60 ? tmpdir() : '/tmp', work = join(await existing(dirname(resolve(beside))), `.${basename(beside)}.bake-${id}`);
  // In memory where there is room (a container's /dev/shm often has none): on a disk, the kernel would write the guest's memory out all the time.
  const shm = await statfs('/dev/shm').then(({ bavail, bsize }) => bavail * bsize > memory * 1.5, () => false);
  return {
    marker: `bake-${id}`, folder: join(short, `bake-${id}`), work, memory: shm ? `/dev/shm/bake-${id}` : join(work, 'memory'),
    serialLog: join(ctx.run.folder, 'serial.log'), log: join(ctx.run.folder, 'qemu.log'),
  };
}

/** What is written down of them, for whoever has to remove them. */
export const recordFor = (places: Places): MachineRecord => ({ marker: places.marker, folders: [places.folder, places.work, places.memory] });

/** A folder that is there: itself, or the nearest above it. */
export async function existing(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(at).then(s => s.isDirectory(), () => false) || at === dirname(at)) return at;
  }
}
