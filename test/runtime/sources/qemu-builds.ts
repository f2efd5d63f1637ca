/**
 * Builds on real machines of QEMU with no system in them, for kills: whoever answers on the SSH port is taken for the guest, and writes to the
 * machine's disk through a monitor of its own. That brings a machine through its whole life, saved and resumed, in a second.
 * As a script, a build that kills itself: `qemu-builds.ts <folder> <port> <phase> <milliseconds> <byte>`.
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Duration, ImageBuild, QemuSource, type QemuSourceProps, Secret, Size } from '../../../lib/index.js';
import type { Event } from '../../../lib/events.js';
import { field, Provisioner, provisioner, type ProvisionerDriver } from '../../../lib/kit.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { run } from '../../../lib/runtime/run.js';
import { Qmp } from '../../../lib/runtime/sources/qemu/qmp.js';
import { synth } from '../../../lib/synth/synth.js';
import { faultServer } from '../../support/ssh-fault-server.js';

/** When the clock of a kill begins to run. */
export const phases = {
  saving: (e: Event) => e.type === 'step-start' && e.label === 'save',
  resuming: (e: Event) => e.type === 'step-start' && e.label === 'resume',
  flattening: (e: Event) => e.type === 'progress' && e.what.startsWith('writing'),
  pruning: () => false,
} satisfies { readonly [phase: string]: (event: Event) => boolean };
export type Phase = keyof typeof phases;

const mark = provisioner('@test/disk:mark', { slot: field.integer({ required: true }), byte: field.integer({ required: true }) }, { driver: async (): Promise<{ readonly default: unknown }> => ({ default: markDriver }) });
/** Writes a byte all over one of the disk's slots. */
class Mark extends Provisioner<typeof mark> { constructor(props: { readonly slot: number; readonly byte: number; readonly checkpoint?: 'always' }) { super(mark, props); } }
const markDriver: ProvisionerDriver<typeof mark> = {
  effects: 'guest',
  run: async ({ slot, byte }, guest) => {
    const exit = await guest.exec(`mark ${slot} ${byte}`);
    if (exit.how !== 'exited' || exit.code !== 0) throw new Error('the disk was not written to');
  },
};

const slotSize = 65_536, bytes = [0x11, 0x22];

export interface Place extends AsyncDisposable { readonly folder: string; readonly port: number }

/** A folder with a disk, and the guest of its machines; the first build is done and saved. */
export async function makePlace(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'bake-marks-')), disk = join(folder, 'base.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M']);
  execFileSync('qemu-io', ['-c', 'write -P 0x5a 1M 48M', disk], { stdio: 'ignore' });
  const guest = await faultServer({ password: 'root:hunter2', run: (command, channel) => {
    void answer(command, folder).then(code => { channel.exit(code); channel.end(); }, () => { channel.exit(1); channel.end(); });
  } });
  const place = {
    folder, port: guest.port,
    [Symbol.asyncDispose]: async () => {
      await collectGarbage(join(folder, '.bake'));
      await guest[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  const wrong = await buildAndLook(place, 1);
  if (wrong.length > 0) { await place[Symbol.asyncDispose](); throw new Error(wrong.join('\n')); }
  return place;
}

async function answer(command: string, folder: string): Promise<number> {
  const [, slot, byte] = /mark (\d+) (\d+)/.exec(command) ?? [], off = command.includes('switch off');
  if (slot === undefined && !off) return 0;
  const qmp = await Qmp.connect(`/proc/${machinesOf(folder)[0]}/cwd/test.sock`, { budget: 10_000 });
  try {
    // Unlike a kill, this writes down what QEMU holds of the disk.
    if (off) { await qmp.execute('quit'); return 0; }
    // What it says otherwise goes to QEMU's own output.
    return await qmp.monitor(`qemu-io -d /machine/peripheral/disk0-device/virtio-backend "write -P ${byte} ${Number(slot) * slotSize} ${slotSize}"`) === '' ? 0 : 1;
  } finally { qmp.close(); }
}

export const storeIn = (folder: string): CheckpointStore => new CheckpointStore(join(folder, 'store'));

/** Props of the source that a build changes. */
type Change = Partial<QemuSourceProps>;

async function build({ folder, port }: Pick<Place, 'folder' | 'port'>, byte: number, listen: (event: Event) => void = () => {}, change: Change = {}): Promise<number> {
  const app = new App();
  new ImageBuild(app, 'web', {
    sources: [new QemuSource({
      diskImage: 'base.qcow2', outputDirectory: 'out', format: 'raw', memory: Size.mib(64), cloudInit: { enabled: false }, shutdown: { command: 'switch off' },
      ssh: { host: '127.0.0.1', port, username: 'root', password: Secret.env('GUEST_PASSWORD'), timeout: Duration.minutes(2) },
      qemuArgs: [['-chardev', 'socket,id=test0,path=test.sock,server=on,wait=off'], ['-mon', 'chardev=test0,mode=control']], ...change,
    })],
    provisioners: [...bytes, byte].map((value, slot) => new Mark({ slot, byte: value, checkpoint: 'always' })),
  });
  const { exit } = await run(synth(app, { folder }).plan, { programFolder: folder, kinds: [mark], force: true, checkpoints: { store: storeIn(folder) }, environment: { ...process.env, GUEST_PASSWORD: 'hunter2' }, listen });
  return exit;
}

export interface Seen { readonly wrong: readonly string[]; /** Steps that really ran, notes and warnings, in order. */ readonly ran: readonly string[]; readonly notes: readonly string[]; readonly warnings: readonly string[] }
/** A whole build in this process; `wrong`: with its end, its disk, the store, or what is left; nothing: all is well. */
export async function buildAnd(place: Pick<Place, 'folder' | 'port'>, byte: number, change: Change = {}): Promise<Seen> {
  const { folder } = place, wrong: string[] = [], said: string[] = [], ran: string[] = [], notes: string[] = [], warnings: string[] = [];
  const exit = await build(place, byte, e => {
    if (e.type === 'step-end' && e.error && e.label !== 'resume') said.push(e.error.message);
    if (e.type === 'step-end' && e.outcome === 'done' && /^(start|resume|capture)$|mark/.test(e.label)) ran.push(e.label);
    if (e.type === 'warning') warnings.push(e.message);
    if (e.type === 'note') notes.push(e.message);
  }, change);
  if (exit !== 0 || said.length > 0) wrong.push(`the next build ended with ${exit}: ${said.join('; ')}`);
  const disk = await readFile(join(folder, 'out/web.raw')).catch(() => Buffer.alloc(0));
  for (const [slot, value] of [...bytes, byte].entries()) {
    if (!disk.subarray(slot * slotSize, (slot + 1) * slotSize).equals(Buffer.alloc(slotSize, value))) wrong.push(`slot ${slot} of the disk is ${disk[slot * slotSize]}, not ${value}`);
  }
  if (disk.length !== 64 * 1024 ** 2 || disk[1024 ** 2] !== 0x5a || disk[49 * 1024 ** 2 - 1] !== 0x5a) wrong.push('what the disk began as is not on it');
  return { wrong: [...wrong, ...await lookAfter(folder)], ran, notes, warnings };
}

/** What is wrong with a build that has nothing to warn of. */
async function buildAndLook(place: Pick<Place, 'folder' | 'port'>, byte: number): Promise<string[]> {
  const { wrong, warnings } = await buildAnd(place, byte);
  return [...wrong, ...warnings];
}

async function lookAfter(folder: string): Promise<string[]> {
  const wrong: string[] = [], verified = await storeIn(folder).verify();
  if (verified.damaged.length + verified.records.length > 0) wrong.push(`the store: ${JSON.stringify(verified)}`);
  const left = readdirSync(folder).filter(name => !['.bake', 'base.qcow2', 'out', 'store'].includes(name));
  if (left.length > 0) wrong.push(`left behind: ${left.join(', ')}`);
  if (machinesOf(folder).length > 0) wrong.push('a machine still runs');
  return wrong;
}

/** Kills a build, `milliseconds` into a phase, and looks at what is left, at the store and at the next build. `byte`: what its last step writes, another each time. */
export async function killMachineAndLook(place: Place, phase: Phase, milliseconds: number, byte: number): Promise<{ readonly killed: boolean; readonly wrong: readonly string[] }> {
  const { folder, port } = place, state = join(folder, '.bake');
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, String(port), phase, String(milliseconds), String(byte)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { out += String(chunk); });
  const [code, signal] = await new Promise<[number | null, string | null]>(resolve => child.once('close', (c, s) => resolve([c, s])));
  const wrong = signal === null && code !== 0 ? [`it failed by itself: ${out}`] : [];
  const { failed } = await collectGarbage(state);
  for (const { entry, error } of failed) wrong.push(`gc: ${entry.what} ${entry.name}: ${error}`);
  if (readdirSync(join(state, 'journal')).length > 0) wrong.push('gc left a journal');
  wrong.push(...await lookAfter(folder), ...await buildAndLook(place, byte));
  return { killed: signal === 'SIGKILL', wrong };
}

/** QEMUs of a folder. */
function machinesOf(folder: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try { const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8'); return line.startsWith('qemu-system') && line.includes(folder); } catch { return false; }
  });
}

const script = fileURLToPath(import.meta.url);
if (process.argv[1] === script && existsSync(process.argv[2] ?? '')) {
  const [folder, port, phase, milliseconds, byte] = process.argv.slice(2) as [string, string, Phase, string, string];
  const dieSoon = (): void => { setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(milliseconds)); };
  let begun = false;
  process.exitCode = await build({ folder, port: Number(port) }, Number(byte), event => {
    if (begun || !phases[phase](event)) return;
    begun = true;
    dieSoon();
  });
  if (phase === 'pruning') { dieSoon(); await storeIn(folder).prune({ all: true }); }
}
