/** What a run was started with, kept in its folder, so that it can be tried again without saying it all again. Secrets are not among it: --var takes none. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, Listener } from '../lib/events.js';
import type { LookArgs, RunArgs } from './build-flags.js';

/** Not --from and --no-cache: what was done again then need not be once more. */
const kept = ['program', 'var', 'var-file', 'targets', 'only', 'except', 'checkpoint', 'until', 'frozen', 'force'] as const;
export type LastCommand = Partial<Pick<LookArgs & RunArgs, (typeof kept)[number]>>;

/** A listener that writes it down once the run has a folder. */
export function remember(args: LookArgs & Partial<RunArgs>): Listener {
  return event => {
    if (event.type !== 'run-start') return;
    const said = Object.fromEntries(kept.filter(name => args[name] !== undefined).map(name => [name, args[name]]));
    writeFileSync(join(event.folder, 'command.json'), JSON.stringify(said), { mode: 0o600 });
  };
}

export interface LastRun {
  readonly run: string;
  readonly command: LastCommand;
  /** Targets that it was to build and did not, in its order. */
  readonly unfinished: readonly string[];
}

/** The latest run of a state folder, or the one named; undefined where there is none. */
export function lastRun(stateFolder: string, run?: string): LastRun | undefined {
  const folder = join(stateFolder, 'runs'), runs = existsSync(folder) ? readdirSync(folder).sort() : [];
  const id = run === undefined ? runs.filter(r => existsSync(join(folder, r, 'command.json'))).at(-1) : runs.find(r => r === run);
  if (id === undefined) return undefined;
  const events = readFileSync(join(folder, id, 'events.jsonl'), 'utf8').split('\n').flatMap((line): Event[] => {
    // The last line of a run that was killed may be cut off.
    try { return line === '' ? [] : [JSON.parse(line) as Event]; } catch { return []; }
  });
  const start = events.find(e => e.type === 'run-start'), finished = new Set(events.flatMap(e => (e.type === 'step-end' && e.step.length === 1 && (e.outcome === 'done' || e.outcome === 'cached') ? [e.step[0]!] : [])));
  return { run: id, command: readCommand(join(folder, id, 'command.json')), unfinished: (start?.type === 'run-start' ? start.targets : []).filter(t => !finished.has(t)) };
}

function readCommand(file: string): LastCommand {
  try { return JSON.parse(readFileSync(file, 'utf8')) as LastCommand; } catch { return {}; }
}
