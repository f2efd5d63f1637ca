/** Machines that stay after a failure, on request: written down, listed, entered and ended, from any process. */
import { readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errors, exitCodes } from '../errors.js';
import type { Json } from '../json.js';
import { makeFolder } from '../make-folder.js';
import type { Plan, Target } from '../plan.js';
import type { Endpoint, Leftover } from './driver.js';
import { reapEntries } from './gc.js';
import { journalFolder } from './journal.js';
import { withLock } from './host/lock.js';
import { makeRegistry, type Registry } from './registry.js';
import { fileNameOf, type RunState } from './run-state.js';

const fail = errors('KEPT', {
  NONE: { message: (run: string, target: string | undefined) => `Nothing is kept of ${target === undefined ? `run ${run}` : `${target} in run ${run}`}.`, remedy: '`bake gc --dry-run` lists what there is.', exit: exitCodes.usage },
  NO_SHELL: { message: (kind: string) => `A ${kind.replace('/', ' ')} has no shell to open.` },
});

export interface KeptMachine {
  readonly run: string;
  readonly target: string;
  /** Kind key of its source. */
  readonly kind: string;
  /** What its driver needs to enter it. */
  readonly data: Json;
  readonly endpoint?: Endpoint;
  readonly temporary: string;
  readonly since: number;
  readonly requires: Plan['requires'];
}

const fileOf = (stateFolder: string, run: string): string => join(stateFolder, 'runs', run, 'kept.json');

export async function keepMachine(run: RunState, target: Target, what: { readonly data: Json; readonly endpoint: Endpoint | undefined; readonly temporary: string }): Promise<void> {
  await run.journal.keep(target.path);
  const { endpoint, ...rest } = what;
  await change(run.folders.state, run.id, list => [...list, {
    run: run.id, target: target.path, kind: target.source.kind, ...rest, ...(endpoint === undefined ? {} : { endpoint }), since: Date.now(), requires: run.plan.requires,
  }]);
}

/** Every machine that is kept, oldest run first. */
export async function keptMachines(stateFolder: string): Promise<KeptMachine[]> {
  const runs = await readdir(join(stateFolder, 'runs')).catch(() => [] as string[]);
  return (await Promise.all(runs.sort().map(run => read(stateFolder, run)))).flat();
}

/** Ends kept machines of a run: one target's, or all. Returns what was ended; a failure to remove something throws and leaves it listed. */
export async function destroyKept(stateFolder: string, run: string, target?: string, registry?: Registry): Promise<KeptMachine[]> {
  const chosen = (await read(stateFolder, run)).filter(k => target === undefined || k.target === target);
  if (chosen.length === 0) throw fail.NONE(run, target);
  for (const machine of chosen) {
    const drivers = registry ?? makeRegistry({ requires: machine.requires, from: join(stateFolder, '..', 'package.json') });
    await reapEntries(join(journalFolder(stateFolder), `${run}.jsonl`), drivers, (entry: Leftover & { readonly target: string }) => entry.target === machine.target);
    await rm(machine.temporary, { recursive: true, force: true });
    // The run's own folder goes with its last target; with others still in it, this does nothing.
    await rmdir(dirname(machine.temporary)).catch(() => {});
    await change(stateFolder, run, list => list.filter(k => k.target !== machine.target));
  }
  return chosen;
}

/** Opens a shell on a kept machine, on this terminal; the shell's exit code. Without a target: the only one. */
export async function openKept(stateFolder: string, run: string, target?: string, registry?: Registry): Promise<number> {
  const machine = (await read(stateFolder, run)).find(k => target === undefined || k.target === target);
  if (!machine) throw fail.NONE(run, target);
  const driver = await (registry ?? makeRegistry({ requires: machine.requires, from: join(stateFolder, '..', 'package.json') })).driver(machine.kind);
  if (!driver.shell) throw fail.NO_SHELL(machine.kind);
  return driver.shell(machine.data);
}

/** Takes a picture of a kept machine's screen, as it is now; its file. Undefined where nothing with a screen is kept. */
export async function pictureOfKept(stateFolder: string, run: string, target?: string, registry?: Registry): Promise<string | undefined> {
  for (const machine of (await read(stateFolder, run)).filter(k => target === undefined || k.target === target)) {
    const driver = await (registry ?? makeRegistry({ requires: machine.requires, from: join(stateFolder, '..', 'package.json') })).driver(machine.kind);
    if (driver.picture === undefined) continue;
    const file = join(stateFolder, 'runs', run, fileNameOf(machine.target), 'screen-now.png');
    await driver.picture(machine.data, file);
    return file;
  }
  return undefined;
}

async function read(stateFolder: string, run: string): Promise<KeptMachine[]> {
  return readFile(fileOf(stateFolder, run), 'utf8').then(text => JSON.parse(text) as KeptMachine[], () => []);
}

/** Private: it may hold what opens the machine. */
async function change(stateFolder: string, run: string, edit: (list: KeptMachine[]) => KeptMachine[]): Promise<void> {
  const file = fileOf(stateFolder, run);
  await makeFolder(join(stateFolder, 'runs', run));
  await withLock(`${file}.lock`, async () => {
    const list = edit(await read(stateFolder, run));
    if (list.length === 0) return rm(file, { force: true });
    await writeFile(`${file}.new`, JSON.stringify(list, undefined, 2), { mode: 0o600 });
    await rename(`${file}.new`, file);
  });
}
