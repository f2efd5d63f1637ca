/** Starts QEMU as a process of its own, so that it can be found, kept and ended by another process of ours. */
import { spawn } from 'node:child_process';
import { constants, readFileSync, readdirSync } from 'node:fs';
import { access, open, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { basename, delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from '../../../errors.js';
import { makeFolder } from '../../../make-folder.js';
import type { Json } from '../../../json.js';
import { capture } from '../../host/process.js';
import { liveness, type ProcessIdentity, startOf, thisWorld } from '../../host/process-identity.js';
import { sockets } from './command-line.js';
import { Qmp } from './qmp.js';

const fail = errors('QEMU', {
  NOT_STARTED: {
    message: (words: string) => `QEMU did not start: ${words}.`,
    remedy: 'Look at the value that it names, where it is one of qemuArgs: an option that this QEMU does not know, a file that is not there, a port that is taken. All that it said is in qemu.log, in the run\'s folder.',
    explain: 'QEMU\'s own words follow the colon; all of them stand in qemu.log, in the run\'s folder. An option in qemuArgs that it does not know is the usual reason.',
  },
  SURVIVES: { message: (pid: number) => `The QEMU process ${pid} does not end, not even by SIGKILL.`, remedy: 'It waits for a disk or the kernel. Look at the computer\'s own log (dmesg).' },
});

/** A running QEMU. */
export interface Running {
  readonly process: ProcessIdentity;
  readonly qmp: Qmp;
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>;
  alive(): boolean;
  /** Whether the process is gone, or goes within a moment: its connection goes first. */
  goes(): Promise<boolean>;
}

/** What is written down before a machine is made: enough to remove all of it, whatever was reached. */
export interface MachineRecord {
  /** A word of the command line that no other process has. */
  readonly marker: string;
  /** Folders that belong to the machine alone. */
  readonly folders: readonly string[];
  readonly process?: ProcessIdentity;
}

export interface LaunchOptions {
  readonly binary: string;
  readonly args: readonly string[];
  /** The folder of the sockets. */
  readonly folder: string;
  /** Gets all that QEMU says. */
  readonly log: string;
  /** A file that QEMU finds as descriptor 3. */
  readonly stateFile?: string;
  readonly signal: AbortSignal;
  readonly started: (identity: ProcessIdentity) => Promise<void>;
}

/** Starts QEMU and connects to it. Throws QEMU_NOT_STARTED with its words when it ends before that. */
export async function launch(options: LaunchOptions): Promise<Running> {
  await makeFolder(options.folder, 0o700);
  const log = await open(options.log, 'a'), before = (await log.stat()).size;
  const state = options.stateFile === undefined ? undefined : await open(options.stateFile, 'r');
  let gone = false;
  let child;
  try {
    // A session of its own: a Ctrl-C in the terminal is ours to answer, and QEMU outlives us where it is kept.
    child = spawn(options.binary, options.args, { detached: true, cwd: options.folder, stdio: ['ignore', log.fd, log.fd, ...(state === undefined ? [] : [state.fd])] });
    child.unref();
    const spawned = child;
    const exited = new Promise<void>(resolve => spawned.once('exit', () => { gone = true; resolve(); }));
    await new Promise<void>((resolve, reject) => { spawned.once('spawn', () => resolve()); spawned.once('error', error => reject(fail.NOT_STARTED(error.message))); });
    const pid = spawned.pid!, process: ProcessIdentity = { pid, start: startOf(pid) ?? '', world: thisWorld() };
    try {
      await options.started(process);
      const qmp = await Qmp.connect(join(options.folder, sockets.qmp), { signal: options.signal, alive: () => !gone, budget: 60_000 });
      return { process, qmp, exited, alive: () => !gone, goes: async () => { if (!qmp.isOpen) await Promise.race([exited, sleep(5000)]); return gone; } };
    } catch (error) {
      await endProcess(process);
      const said = await wordsSince(options.log, before);
      throw gone && said !== '' && !options.signal.aborted ? fail.NOT_STARTED(said, { cause: error }) : error;
    }
  } finally {
    await log.close();
    await state?.close();
  }
}

/** A machine that is off, and never was on here. */
export function noProcess(): Running {
  return { process: { pid: 2 ** 30, start: '', world: thisWorld() }, qmp: new Qmp(new Socket().destroy()), exited: Promise.resolve(), alive: () => false, goes: async () => true };
}

/** What QEMU said from a place in its log on: the last line, without its name. */
export async function wordsSince(log: string, from = 0): Promise<string> {
  const handle = await open(log, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { size } = await handle.stat(), bytes = Buffer.alloc(Math.min(Math.max(size - from, 0), 16_384));
    await handle.read(bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8').trim().split('\n').filter(line => !/ warning: |^VNC server running/.test(line)).at(-1)?.replace(/^\S*qemu-system-\w+: /, '').replace(/\.$/, '') ?? '';
  } finally { await handle.close(); }
}

/** Ends a QEMU process at once, if it is still the same one, and waits until it is gone. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  const until = Date.now() + 20_000;
  while (liveness(identity) === 'alive') {
    try { process.kill(identity.pid, 'SIGKILL'); } catch { return; }
    if (Date.now() > until) throw fail.SURVIVES(identity.pid);
    await sleep(20);
  }
}

/** Removes all that a machine is: its process, also where the number was not written down any more, then its folders. */
export async function removeMachine(record: MachineRecord): Promise<void> {
  if (record.process !== undefined) await endProcess(record.process);
  for (const pid of processesWith(record.marker)) await endProcess({ pid, start: startOf(pid) ?? '', world: thisWorld() });
  for (const folder of record.folders) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

export function recordOf(data: Json): MachineRecord { return data as unknown as MachineRecord; }

/** Processes whose command line has a word with this text in it. */
function processesWith(marker: string): number[] {
  if (process.platform !== 'linux' || marker.length < 8) return [];
  return readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid).map(Number).filter(pid => {
    try {
      const [binary = '', ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return /qemu|swtpm/.test(basename(binary)) && words.some(word => word.includes(marker));
    } catch { return false; }
  });
}

/** Where a program lies on the PATH; undefined: nowhere. */
export async function findProgram(name: string): Promise<string | undefined> {
  const places = name.includes('/') ? [name] : (process.env['PATH'] ?? '').split(delimiter).filter(p => p !== '').map(folder => join(folder, name));
  for (const place of places) if (await access(place, constants.X_OK).then(() => true, () => false)) return place;
  return undefined;
}

export interface QemuVersion { readonly text: string; readonly numbers: readonly number[] }
const versions = new Map<string, Promise<QemuVersion>>();
/** `7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`. Asked once a process. */
export function qemuVersion(binary: string): Promise<QemuVersion> {
  let answer = versions.get(binary);
  if (answer === undefined) {
    answer = capture(binary, ['--version']).then(said => {
      const text = /version (.*)$/m.exec(said)?.[1]?.trim() ?? '';
      return { text, numbers: (/^[\d.]+/.exec(text)?.[0] ?? '0').split('.').map(Number) };
    });
    answer.catch(() => versions.delete(binary));
    versions.set(binary, answer);
  }
  return answer;
}

const machines = new Map<string, Promise<readonly (readonly [name: string, aliasOf: string | undefined])[]>>();
/** The machine types that a QEMU knows, and what an alias stands for: `pc` is `pc-i440fx-7.2` here. */
export async function machineType(binary: string, name: string): Promise<string> {
  let known = machines.get(binary);
  if (known === undefined) {
    known = capture(binary, ['-machine', 'help']).then(said => said.split('\n').map(line => [line.split(/\s/)[0]!, /\(alias of (\S+)\)/.exec(line)?.[1]] as const));
    known.catch(() => machines.delete(binary));
    machines.set(binary, known);
  }
  return (await known).find(([n]) => n === name)?.[1] ?? name;
}
