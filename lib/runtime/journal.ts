/**
 * The write-ahead journal: what would outlive this process is written down before it is made. One file a run, `.bake/journal/<run>.jsonl`;
 * it is removed with the run's end if nothing is left.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errors, exitCodes, messageOf } from '../errors.js';
import type { Json } from '../json.js';
import { makeFolder } from '../make-folder.js';
import type { Plan } from '../plan.js';
import type { Journal, Leftover } from './driver.js';
import { type ProcessIdentity, thisProcess } from './host/process-identity.js';

const fail = errors('JOURNAL', {
  NOT_WRITABLE: {
    message: (folder: string, why: string) => `The journal, in ${folder}, cannot be written: ${why}`,
    remedy: 'Look at the permissions and the space of that folder. Nothing is built without a journal: a crash could leave things that nobody knows of.',
    exit: exitCodes.preflight,
  },
});

/** The first line: whose journal this is. */
export interface JournalHeader { readonly op: 'run'; readonly run: string; readonly process: ProcessIdentity; readonly time: number; /** The run's private folder outside the project. */ readonly temporary: string; /** Where the drivers of other packages are found again. */ readonly requires: Plan['requires'] }
type Line =
  | JournalHeader
  | { readonly op: 'intend'; readonly id: string; readonly target: string; readonly driver: string; readonly what: string; readonly name: string; readonly data: Json }
  | { readonly op: 'made'; readonly id: string; readonly data?: Json }
  | { readonly op: 'gone'; readonly id: string }
  /** The entries of this target stay, on request. */
  | { readonly op: 'kept'; readonly target: string };

/** What a run left, oldest first. */
export interface JournalContent { readonly file: string; readonly header: JournalHeader; readonly entries: readonly (Leftover & { readonly id: string; readonly target: string; readonly kept: boolean })[] }

export interface RunJournal {
  /** The journal as a target's drivers see it. */
  of(target: string): Journal;
  keep(target: string): Promise<void>;
  /** How many things a target has not removed yet. */
  left(target: string): number;
  /** Closes the file, and removes it if nothing is left. */
  close(): Promise<void>;
}

export const journalFolder = (stateFolder: string): string => join(stateFolder, 'journal');

export async function openJournal(stateFolder: string, run: string, temporary: string, requires: Plan['requires'] = {}): Promise<RunJournal> {
  const folder = journalFolder(stateFolder), path = join(folder, `${run}.jsonl`);
  const unwritable = (error: unknown): never => { throw fail.NOT_WRITABLE(folder, messageOf(error), { cause: error }); };
  const file = await makeFolder(folder, 0o700).then(() => open(path, 'ax', 0o600)).catch(unwritable);
  const writer = makeWriter(file), write = (line: Line, durable: boolean): Promise<void> => writer(line, durable).catch(unwritable);
  try { await write({ op: 'run', run, process: thisProcess(), time: Date.now(), temporary, requires }, true); }
  catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  await syncFolder(folder);
  const openEntries = new Map<string, string>();
  let kept = false;
  return {
    of: target => ({
      async intend({ driver, what, name, data, volatile = false }) {
        const id = randomUUID().slice(0, 8);
        openEntries.set(id, target);
        await write({ op: 'intend', id, target, driver, what, name, data }, !volatile);
        return {
          id: `${run}:${id}`,
          made: more => write({ op: 'made', id, ...(more === undefined ? {} : { data: more }) }, !volatile),
          gone: async () => {
            openEntries.delete(id);
            // Lost in a crash of the computer, this line costs a look at something that is not there any more.
            await write({ op: 'gone', id }, false);
          },
        };
      },
    }),
    keep: async target => { kept = true; await write({ op: 'kept', target }, true); },
    left: target => [...openEntries.values()].filter(t => t === target).length,
    async close() {
      await file.close();
      if (openEntries.size === 0 && !kept) await rm(path, { force: true });
    },
  };
}

/** Adds a line to the journal of another process's run. */
export async function appendToJournal(path: string, line: { readonly op: 'gone'; readonly id: string }): Promise<void> {
  const file = await open(path, 'a');
  try { await file.write(JSON.stringify(line) + '\n'); } finally { await file.close(); }
}

/** Every journal in the state folder. Lines cut off by a crash are passed over: what they announce was not begun. */
export async function readJournals(stateFolder: string): Promise<JournalContent[]> {
  const folder = journalFolder(stateFolder);
  const names = await readdir(folder).catch(() => [] as string[]);
  const all = await Promise.all(names.filter(n => n.endsWith('.jsonl')).sort().map(n => readJournal(join(folder, n))));
  return all.filter(j => j !== undefined);
}

export async function readJournal(path: string): Promise<JournalContent | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n').flatMap(line => {
    try { return line === '' ? [] : [JSON.parse(line) as Line]; } catch { return []; }
  });
  const header = lines.find(l => l.op === 'run');
  if (!header) return undefined;
  const entries = new Map<string, Leftover & { readonly id: string; readonly target: string }>(), kept = new Set<string>();
  for (const line of lines) {
    if (line.op === 'intend') { const { op: _op, ...entry } = line; entries.set(line.id, { ...entry, state: 'intended' }); }
    else if (line.op === 'made') { const entry = entries.get(line.id); if (entry) entries.set(line.id, { ...entry, state: 'made', data: line.data ?? entry.data }); }
    else if (line.op === 'gone') entries.delete(line.id);
    else if (line.op === 'kept') kept.add(line.target);
  }
  return { file: path, header, entries: [...entries.values()].map(e => ({ ...e, kept: kept.has(e.target) })) };
}

/** Lines are written in order; all that wait share one fsync. */
function makeWriter(file: FileHandle): (line: Line, durable: boolean) => Promise<void> {
  let waiting: { text: string; durable: boolean; done: Promise<void> } | undefined, last: Promise<void> = Promise.resolve(), cutOff = false;
  return (line, durable) => {
    const text = JSON.stringify(line) + '\n';
    if (waiting) { waiting.text += text; waiting.durable ||= durable; return waiting.done; }
    const batch: { text: string; durable: boolean; done: Promise<void> } = waiting = { text, durable, done: Promise.resolve() };
    batch.done = last = last.catch(() => {}).then(async () => {
      waiting = undefined;
      // What a full disk cut off must not swallow the line after it.
      const text = cutOff ? `\n${batch.text}` : batch.text;
      cutOff = true;
      await file.appendFile(text);
      cutOff = false;
      if (batch.durable) await file.datasync();
    });
    return batch.done;
  };
}

/** So that the file's name is on the disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try { await handle?.sync(); } catch { /* Some file systems cannot; there it is not needed. */ } finally { await handle?.close(); }
}
