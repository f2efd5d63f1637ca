/** For tests of one driver without a run around it: a real scope, a real journal, folders of its own, everything said kept as text. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody, Outcome } from '../../lib/events.js';
import type { Context } from '../../lib/runtime/driver.js';
import { openJournal, readJournals } from '../../lib/runtime/journal.js';
import { RunScope } from '../../lib/runtime/run-scope.js';

export interface DriverContext {
  readonly ctx: Context;
  /** The program's folder. */
  readonly folder: string;
  /** Notes, warnings and output, in order. */
  readonly said: string[];
  readonly events: EventBody[];
  readonly abort: AbortController;
  /** Names of what the journal has that is not gone. */
  left(): Promise<readonly string[]>;
  /** Ends the scope (clean-up runs), closes the journal and removes the folders. */
  end(outcome?: Outcome): Promise<void>;
  /** Ends the scope only. */
  endScope(outcome?: Outcome): Promise<void>;
}

export async function driverContext(settings: Partial<Context> & { readonly folder?: string } = {}): Promise<DriverContext> {
  const folder = settings.folder ?? mkdtempSync(join(tmpdir(), 'bake-program-')), temporaryFolder = mkdtempSync(join(tmpdir(), 'bt-'));
  const said: string[] = [], events: EventBody[] = [], abort = new AbortController();
  const scope = new RunScope(['test'], abort.signal, { emit: (_step, event) => { events.push(event); }, cleanupDeadline: 60_000, cancelGrace: 10_000 });
  const id = `test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`, state = join(folder, '.bake'), runFolder = join(state, 'runs', id, 'test');
  mkdirSync(runFolder, { recursive: true });
  const journal = await openJournal(state, id, temporaryFolder);
  let ended = false;
  const endScope = async (outcome: Outcome = 'done'): Promise<void> => { if (!ended) { ended = true; await scope.end({ outcome }); } };
  return {
    folder, said, events, abort, endScope,
    ctx: {
      scope, signal: abort.signal, target: 'test/it', path: 'test/it', build: { name: 'test', sourceName: 'it', sourceType: 'qemu' }, run: { id, uuid: '00000000-0000-4000-8000-000000000000', folder: runFolder }, hostValues: {}, environment: process.env, ask: async question => question.default,
      temporaryFolder, programFolder: folder, force: false, onFailure: 'cleanup', journal: journal.of('test/it'),
      note: message => { said.push(message); }, warn: message => { said.push(`warning: ${message}`); }, output: (_stream, chunk) => { said.push(Buffer.from(chunk).toString('utf8')); },
      progress: () => {}, secret: () => {}, fill: text => text, ...settings,
    } as Context,
    left: async () => (await readJournals(state)).flatMap(j => j.entries.map(e => e.name)),
    end: async outcome => {
      await endScope(outcome);
      await journal.close();
      rmSync(temporaryFolder, { recursive: true, force: true });
      if (settings.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
