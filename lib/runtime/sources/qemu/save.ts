/** Saves a running machine, disk and memory at one moment, and says what another must be like to go on from there. */
import { createHash } from 'node:crypto';
import { chmod, copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../../errors.js';
import type { Json } from '../../../json.js';
import type { Communicator, Context, FileRef, Saved } from '../../driver.js';
import { capture } from '../../host/process.js';
import { quote } from '../../guest/quote.js';
import { sleep } from '../../retry.js';
import { Agent, agentListens } from './agent.js';
import { diskNode, type DiskSpec, type Layer, machineArguments, sockets } from './command-line.js';
import { makeDisk } from './disk.js';
import type { Running } from './launch.js';
import type { Places } from './places.js';
import { diskFile, type Prepared } from './prepare.js';
import type { Qmp } from './qmp.js';
import type { SeedKeys } from './seed.js';
import { saveTpm } from './tpm.js';

const fail = errors('SAVE', {
  FAILED: { message: (reason: string) => `The machine's memory could not be saved: ${reason}.`, explain: 'The machine runs on; the build goes on without this checkpoint.' },
});

/** What is beside the files: small, and needed to go on. For each disk, its size and how many layers it has above what it started from. `off`: the machine was switched off, and there is no memory. */
export interface SavedData { readonly instance: string; readonly off?: true; readonly disks: readonly { readonly size: number; readonly layers: number }[] }
/** Blobs: the layers of each disk (bottom first), the memory, the devices, our keys, the firmware's variables and what the TPM keeps, where there are any. */
export const blobNames = { layer: (disk: number, n: number) => `disk-${disk}-${n}`, memory: 'memory', devices: 'devices', keys: 'keys', vars: 'efivars', tpm: 'tpm' } as const;

/** The machine as far as saving changes it. */
export interface Saving {
  readonly running: Running; readonly prepared: Prepared; readonly places: Places; readonly guest: Communicator | undefined;
  disks: readonly [DiskSpec, ...DiskSpec[]];
  /** QEMU's names of each disk's uppermost layer. */
  nodes: readonly string[];
  /** How often it was saved. */
  saves: number;
}

/** Saves; the guest stands still for a moment and then runs on, on new layers of its disks. */
export async function saveMachine(machine: Saving, ctx: Context): Promise<Saved> {
  const { running: { qmp }, prepared, places } = machine, number = ++machine.saves;
  const memory = join(places.work, `memory-${number}`), devices = join(places.work, `devices-${number}`);
  const next = machine.disks.map((disk, i): DiskSpec => ({ ...disk, under: [...disk.under, { path: disk.top, format: 'qcow2' }], top: join(places.work, diskFile(i, number)) })) as [DiskSpec, ...DiskSpec[]];
  const nodes = next.map((_, i) => `disk${i}-${number}`);
  for (const [i, disk] of next.entries()) await makeDisk(disk.top, prepared.diskSizes[i]!);
  // What the last one left has long been stored.
  for (const old of ['memory', 'devices']) await rm(join(places.work, `${old}-${number - 1}`), { force: true });
  await flush(qmp, join(places.folder, sockets.agent), machine.guest, ctx);
  await qmp.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }, { capability: 'events', state: true }] });
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 });
  for (const [i, disk] of next.entries()) await qmp.execute('blockdev-add', diskNode(disk, nodes[i]!, null));
  const blobs: { [name: string]: FileRef } = {};
  await qmp.execute('stop');
  try {
    // All or none: a disk that got no layer would be written to below what was saved.
    await qmp.execute('transaction', { actions: nodes.map((overlay, i) => ({ type: 'blockdev-snapshot', data: { node: machine.nodes[i], overlay } })) });
    machine.disks = next;
    machine.nodes = nodes;
    await saveDevices(qmp, devices, ctx.signal);
    // Holes stay holes; on a file system that can, nothing is copied at all.
    await capture('cp', ['--sparse=always', '--reflink=auto', '--', places.memory, memory], { signal: ctx.signal });
    if (prepared.vars !== undefined) {
      await copyFile(prepared.vars, join(places.work, `efivars-${number}.fd`));
      blobs[blobNames.vars] = await ref(join(places.work, `efivars-${number}.fd`));
    }
    await keepTpm(machine, number, blobs);
  } catch (error) {
    // Half a memory is of no use, and on a full disk the guest needs its place.
    for (const half of [memory, devices]) await rm(half, { force: true });
    throw error;
  } finally { await goOn(qmp); }

  blobs[blobNames.memory] = await ref(memory);
  blobs[blobNames.devices] = await ref(devices);
  return { fits: await fits(prepared), ...await layersOf(machine, next.map(disk => disk.under), blobs), boots: true };
}

/** Saves a machine that has switched itself off: its disks, whole as they are. */
export async function saveDisks(machine: Saving): Promise<Saved> {
  const blobs: { [name: string]: FileRef } = {}, { vars } = machine.prepared;
  if (vars !== undefined) blobs[blobNames.vars] = await ref(vars);
  await keepTpm(machine, ++machine.saves, blobs);
  const { data } = await layersOf(machine, machine.disks.map(disk => [...disk.under, { path: disk.top, format: 'qcow2' }]), blobs);
  return { fits: 'off', data: { ...data as object, off: true } as unknown as Json, blobs, boots: true };
}

/** The memory has it too; whoever boots from the disk needs it by itself. */
async function keepTpm({ prepared: { spec: { tpm } }, places }: Saving, number: number, blobs: { [name: string]: FileRef }): Promise<void> {
  const file = join(places.work, `tpm-${number}`);
  if (tpm !== undefined && await saveTpm(places.folder, tpm.version1, file)) blobs[blobNames.tpm] = await ref(file);
}

async function layersOf({ prepared, places }: Saving, disks: readonly (readonly Layer[])[], blobs: { [name: string]: FileRef }): Promise<Pick<Saved, 'data' | 'blobs'>> {
  const layers = disks.map((all, i) => all.slice(i === 0 && prepared.base !== undefined ? 1 : 0));
  for (const [i, own] of layers.entries()) for (const [n, layer] of own.entries()) blobs[blobNames.layer(i, n)] = await ref(layer.path);
  if (prepared.keys !== undefined) {
    const file = join(places.work, 'keys.json');
    await writeFile(file, JSON.stringify(prepared.keys), { mode: 0o600 });
    blobs[blobNames.keys] = await ref(file);
  }
  const data: SavedData = { instance: prepared.instance, disks: layers.map((own, i) => ({ size: prepared.diskSizes[i]!, layers: own.length })) };
  return { data: data as unknown as Json, blobs };
}

/** What must be equal for the memory to load: the program, the processor, the accelerator, all that the guest sees of the machine. */
export async function fits({ spec, version }: Prepared): Promise<Json> {
  return {
    qemu: version.text, accelerator: spec.accelerator,
    // Under KVM the guest sees the host's own processor.
    processor: spec.accelerator === 'tcg' ? spec.cpu : `${spec.cpu} ${await hostProcessor()}`,
    machine: machineArguments(spec).map(([flag, value]) => value === undefined ? flag : `${flag} ${value}`),
  };
}

async function hostProcessor(): Promise<string> {
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => ''), line = (name: string): string => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  return `${line('model name')} ${createHash('sha256').update(line('flags')).digest('hex').slice(0, 12)}`;
}

/** The first word in which two differ, for the reason why a memory does not fit. */
export function difference(a: Json, b: Json): string {
  const [one, other] = [a, b] as { readonly [name: string]: Json }[];
  for (const [name, what] of [['qemu', 'QEMU'], ['accelerator', 'the accelerator'], ['processor', 'the processor']] as const) {
    if (one![name] !== other![name]) return `${what} was ${JSON.stringify(one![name])}, and is ${JSON.stringify(other![name])}`;
  }
  const [then = [], now = []] = [one!['machine'], other!['machine']] as (readonly string[])[];
  return `the machine is another: ${[...then.filter(x => !now.includes(x)).map(x => `no ${x} any more`), ...now.filter(x => !then.includes(x)).map(x => `${x} is new`)].join('; ')}`;
}

export const readKeys = async (file: FileRef | undefined): Promise<SeedKeys | undefined> => file === undefined ? undefined : JSON.parse(await readFile(file.path, 'utf8')) as SeedKeys;

/** The contents on the disk are whole by themselves too: for a boot from them, where the memory does not fit. */
async function flush(qmp: Qmp, agentSocket: string, guest: Communicator | undefined, ctx: Context): Promise<void> {
  const agent = await agentListens(qmp) ? await Agent.open(agentSocket, 2000, ctx.signal) : undefined;
  if (agent !== undefined) {
    try {
      await agent.execute('guest-fsfreeze-freeze');
      return;
    } catch { /* without this right, the guest's own sync does it */ }
    finally {
      await agent.execute('guest-fsfreeze-thaw').catch(() => {});
      agent.close();
    }
  }
  // Windows has no such command; its file system is asked to by the agent, or recovers by its journal.
  if (guest?.guest === 'unix') await guest.exec('sync', { signal: ctx.signal });
}

async function saveDevices(qmp: Qmp, file: string, signal: AbortSignal): Promise<void> {
  const ended = qmp.event(e => e.event === 'MIGRATION' && ['completed', 'failed', 'cancelled'].includes(String(e.data['status'])), 'migrate', signal);
  await qmp.execute('migrate', { uri: `exec:umask 077; cat > ${quote(file)}` });
  if ((await ended).data['status'] !== 'completed') {
    const said = await qmp.execute<{ 'error-desc'?: string }>('query-migrate');
    throw fail.FAILED(said['error-desc'] ?? 'QEMU gives no reason');
  }
}

/** Lets the guest run again, also after a save that failed. */
async function goOn(qmp: Qmp): Promise<void> {
  // Right after the event, the state is still "finish-migrate" now and then, and would refuse.
  for (let i = 0; i < 400; i++) {
    const { status } = await qmp.execute<{ status: string }>('query-status');
    if (status === 'running') return;
    if (status !== 'finish-migrate') break;
    await sleep(5);
  }
  await qmp.execute('cont');
}

/** The store finds out the digest. */
const ref = async (path: string): Promise<FileRef> => { await chmod(path, 0o600); return { path, digest: '', size: (await stat(path)).size, mode: 0o600 }; };
