/** A lock that is a file: made exclusively, holding who has it; what a dead process left is taken over. */
import { randomUUID } from 'node:crypto';
import { link, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errors } from '../../errors.js';
import { makeFolder } from '../../make-folder.js';
import { liveness, type ProcessIdentity, thisProcess } from './process-identity.js';
import { sleep } from '../retry.js';

const fail = errors('LOCK', {
  BUSY: {
    message: (file: string, holder: string, seconds: number) => `${file} is locked by ${holder}, and stayed so for ${seconds} s.`,
    remedy: (file: string, holder: string) => `Wait until ${holder} is done. If it runs on another computer that is gone, remove ${file}.`,
  },
});

export interface LockOptions { readonly signal?: AbortSignal | undefined; /** How long to wait, in milliseconds. @default 60000 */ readonly budget?: number; /** Who may read it. @default 0o644 */ readonly mode?: number }
interface Holder extends ProcessIdentity { readonly token: string }

/** Runs work while holding the lock; waits for it within the budget. */
export async function withLock<T>(file: string, work: () => Promise<T>, options: LockOptions = {}): Promise<T> {
  const release = await lock(file, options);
  try { return await work(); } finally { await release(); }
}

/** Takes the lock and returns its release. Throws LOCK_BUSY after the budget. */
export async function lock(file: string, { signal, budget = 60_000, mode = 0o644 }: LockOptions = {}): Promise<() => Promise<void>> {
  const mine: Holder = { ...thisProcess(), token: randomUUID() };
  const temporary = `${file}.${mine.token}`;
  await makeFolder(dirname(file));
  try {
    // Written aside and linked into place, so that a lock is never seen empty.
    await writeFile(temporary, JSON.stringify(mine), { mode });
    const end = performance.now() + budget;
    for (let pause = 5; ; pause = Math.min(pause * 1.5, 50)) {
      if (await linked(temporary, file)) break;
      const holder = await read(file);
      if (holder && liveness(holder) === 'dead') { await breakLock(file, holder); continue; }
      if (performance.now() > end) throw fail.BUSY(file, holder ? `process ${holder.pid}` : 'another process', Math.round(budget / 1000));
      await sleep(pause * (0.5 + Math.random()), signal);
    }
  } finally {
    await unlink(temporary).catch(() => {});
  }
  return async () => { if ((await read(file))?.token === mine.token) await unlink(file).catch(() => {}); };
}

/** Two that find the same dead holder: the first to make `<lock>.<token>` breaks it, and looks once more before it does. */
async function breakLock(file: string, dead: Holder): Promise<void> {
  const claim = `${file}.${dead.token}.dead`;
  if (!await linked(file, claim)) {
    // A breaker that died half-way leaves its claim for good; after a while it counts as none.
    const age = await stat(claim).then(s => Date.now() - s.ctimeMs, () => 0);
    if (age > 10_000) await unlink(claim).catch(() => {});
    await sleep(20);
    return;
  }
  if ((await read(claim))?.token === dead.token) await unlink(file).catch(() => {});
  await unlink(claim).catch(() => {});
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  }
}

async function read(file: string): Promise<Holder | undefined> {
  try { return JSON.parse(await readFile(file, 'utf8')) as Holder; } catch { return undefined; }
}
