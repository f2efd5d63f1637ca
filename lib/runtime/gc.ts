/** What dead runs left: listed, and removed by the drivers that made it. Several processes may do this at the same time. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.js';
import { isObject } from '../json.js';
import type { Leftover } from './driver.js';
import { appendToJournal, type JournalContent, readJournal, readJournals } from './journal.js';
import { withLock } from './host/lock.js';
import { liveness } from './host/process-identity.js';
import { makeRegistry, type Registry } from './registry.js';

export interface GcOptions {
  /** Only list. @default false */
  readonly dryRun?: boolean;
  /** Also what was kept on request. @default false */
  readonly kept?: boolean;
  /** Kinds whose platform is looked through for what no journal here knows: `source/amazon-ebs`. */
  readonly strays?: readonly string[];
  readonly registry?: Registry;
  readonly signal?: AbortSignal;
  /** Told of each thing before it is removed. */
  readonly onRemove?: (entry: RunLeftover) => void;
}
export interface RunLeftover extends Leftover { readonly run: string; readonly target: string; readonly kept: boolean }
export interface GcResult {
  /** Of dead runs: what was there (dry run: still is). */
  readonly found: readonly RunLeftover[];
  readonly removed: readonly RunLeftover[];
  readonly failed: readonly { readonly entry: RunLeftover; readonly error: string }[];
  /** Runs that are alive, or belong to another computer: untouched. */
  readonly alive: readonly { readonly run: string; readonly pid: number; readonly elsewhere: boolean }[];
}

/** Looks through the journals of `.bake`; without `dryRun`, removes what dead runs left, newest thing first. */
export async function collectGarbage(stateFolder: string, options: GcOptions = {}): Promise<GcResult> {
  const found: RunLeftover[] = [], removed: RunLeftover[] = [], failed: { entry: RunLeftover; error: string }[] = [], alive: { run: string; pid: number; elsewhere: boolean }[] = [];
  for (const { file, header } of await readJournals(stateFolder)) {
    const state = liveness(header.process);
    if (state !== 'dead') { alive.push({ run: header.run, pid: header.process.pid, elsewhere: state === 'elsewhere' }); continue; }
    const wanted = (entry: { readonly kept: boolean }): boolean => !entry.kept || options.kept === true;
    if (options.dryRun) { found.push(...leftoversOf(await readJournal(file)).filter(wanted)); continue; }
    const registry = options.registry ?? makeRegistry({ requires: header.requires, from: join(dirname(stateFolder), 'package.json') });
    const done = await reapEntries(file, registry, wanted, options);
    found.push(...done.found);
    removed.push(...done.removed);
    failed.push(...done.failed);
  }
  for (const key of options.strays ?? []) {
    const driver = await (options.registry ?? makeRegistry({})).driver(key), living = new Set(alive.map(a => a.run)), known = new Set(found.map(f => JSON.stringify(f.data)));
    for (const stray of await driver.strays?.() ?? []) {
      const entry = { ...stray, kept: false };
      // What a run here still works with is its own affair, whatever its date.
      if (living.has(stray.run) || known.has(JSON.stringify(stray.data))) continue;
      found.push(entry);
      if (options.dryRun) continue;
      options.onRemove?.(entry);
      try { await driver.reap?.(entry); removed.push(entry); } catch (error) { failed.push({ entry, error: messageOf(error) }); }
    }
  }
  return { found, removed, failed, alive };
}

interface Reaped { readonly found: readonly RunLeftover[]; readonly removed: readonly RunLeftover[]; readonly failed: readonly { readonly entry: RunLeftover; readonly error: string }[] }

/** Removes the entries of one journal that are wanted, under its lock; removes the journal when nothing is left in it. */
export async function reapEntries(file: string, registry: Registry, wanted: (entry: RunLeftover) => boolean, options: Pick<GcOptions, 'onRemove' | 'signal'> = {}): Promise<Reaped> {
  return withLock(`${file}.lock`, async () => {
    // Another process may have done it all while this one waited.
    const journal = await readJournal(file);
    const all = leftoversOf(journal), found = all.filter(wanted), removed: RunLeftover[] = [], failed: { entry: RunLeftover; error: string }[] = [];
    for (const entry of [...found].reverse()) {
      options.onRemove?.(entry);
      try {
        await reap(entry, registry, journal!.header.run);
        await appendToJournal(file, { op: 'gone', id: entry.id });
        removed.push(entry);
      } catch (error) {
        failed.push({ entry, error: messageOf(error) });
      }
    }
    if (journal && removed.length === all.length && liveness(journal.header.process) === 'dead') {
      await rm(journal.header.temporary, { recursive: true, force: true });
      await rm(file, { force: true });
    }
    return { found, removed, failed };
  }, { signal: options.signal, budget: 300_000 });
}

const leftoversOf = (journal: JournalContent | undefined): (RunLeftover & { readonly id: string })[] => (journal?.entries ?? []).map(entry => ({ ...entry, run: journal!.header.run }));

async function reap(entry: RunLeftover & { readonly id: string }, registry: Registry, run: string): Promise<void> {
  switch (entry.driver) {
    case 'host/process': return endMarked(`${run}:${entry.id}`);
    case 'host/path': return removePath(entry);
    default: {
      const driver = await registry.driver(entry.driver);
      if (!driver.reap) throw new Error(`${entry.driver} does not know how to remove it`);
      return driver.reap(entry);
    }
  }
}

async function removePath({ data }: Leftover): Promise<void> {
  if (!isObject(data) || typeof data['path'] !== 'string') return;
  const { path, target, replaced } = data as { readonly path: string; readonly target?: string; readonly replaced?: string };
  // The crash came between taking the old output away and putting the new one there.
  if (target !== undefined && replaced !== undefined && existsSync(replaced) && !existsSync(target)) await rename(replaced, target);
  await rm(path, { recursive: true, force: true });
}

/** Ends every process that carries this mark in its environment: what a step started, wherever it hides. */
async function endMarked(mark: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const find = (): number[] => readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try { return pid !== process.pid && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`BAKE_JOURNAL=${mark}`); } catch { return false; }
  });
  const send = (signal: NodeJS.Signals): void => { for (const pid of find()) { try { process.kill(pid, signal); } catch { /* It ended by itself. */ } } };
  send('SIGTERM');
  for (let i = 0; i < 40 && find().length > 0; i++) await new Promise(resolve => setTimeout(resolve, 50));
  for (let i = 0; i < 40 && find().length > 0; i++) { send('SIGKILL'); await new Promise(resolve => setTimeout(resolve, 50)); }
}
