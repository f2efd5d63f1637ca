/** A running virtual machine, as the runtime sees it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { qemu } from '../../../constructs/sources/qemu.js';
import { BakeError, errors, exitCodes, isBakeError, messageOf } from '../../../errors.js';
import type { Json } from '../../../json.js';
import type { Artifact, Communicator, Context, Endpoint, JournalEntry, Machine, Saved } from '../../driver.js';
import { cancellation } from '../../retry.js';
import { captureDisk } from './capture.js';
import { makeDisk } from './disk.js';
import { screenshot, serialTail } from './eyes.js';
import { removeKeys, trim } from './key.js';
import { endProcess, launch, type MachineRecord, removeMachine, type Running, wordsSince } from './launch.js';
import { commandLine, type DiskSpec, sockets } from './command-line.js';
import { type Places, type Prepared, type Props, recordFor } from './prepare.js';
import { Presence } from './presence.js';
import { forwardedPort } from './qmp.js';
import { reach } from './reach.js';
import { sayColdBoot, wakeOver } from './wake.js';
import { saveMachine } from './save.js';
import { shutDown } from './shutdown.js';

const fail = errors('GUEST', {
  WENT_OFF: {
    message: (doing: string, words: string) => `The machine switched itself off ${doing}${words === '' ? '' : `: ${words}`}.`,
    remedy: 'The serial log, in the run\'s folder, shows what the guest did last.',
    explain: 'The QEMU process ended while the build still needed it: the guest powered off, or QEMU crashed.',
  },
  NO_PORT: { message: (port: number) => `QEMU forwards no port to port ${port} of the guest.`, remedy: 'Take arguments for the network (-netdev, -nic) out of qemuArgs, or name the guest\'s address (ssh.host).' },
});

/** What `keep` writes down for other processes. */
export interface KeptMachine { readonly record: MachineRecord; readonly endpoint: Endpoint; readonly serialLog: string }

/** Starts a prepared machine. All that it needs is undone when `ctx.scope` ends, or stays where it was kept. */
export async function startMachine(prepared: Prepared, places: Places, props: Props, entry: JournalEntry, ctx: Context): Promise<QemuMachine> {
  ctx.note(`accelerator: ${prepared.accelerator.says}`);
  return new QemuMachine(await launchPrepared(prepared, places, entry, ctx), prepared, places, props, entry);
}

/** Starts QEMU and writes down which process it is. `stateFile`: what a machine with `incoming` finds as descriptor 3. */
export function launchPrepared({ spec }: Prepared, places: Places, entry: JournalEntry, ctx: Context, stateFile?: string): Promise<Running> {
  return launch({
    binary: spec.binary, args: commandLine(spec), folder: places.folder, log: places.log, signal: ctx.signal, ...(stateFile === undefined ? {} : { stateFile }),
    started: identity => entry.made({ ...recordFor(places), process: identity } as unknown as Json),
  });
}

/** Writes down what is about to be made, and sees that it goes with the scope. */
export async function announce(places: Places, ctx: Context): Promise<{ readonly entry: JournalEntry; readonly machine: { current?: QemuMachine } }> {
  const record = recordFor(places), machine: { current?: QemuMachine } = {};
  const entry = await ctx.journal.intend({ driver: 'source/qemu', what: 'virtual machine', name: places.marker, data: record as unknown as Json });
  ctx.scope.defer('remove the machine', async ending => {
    if (ending.outcome === 'kept') return;
    machine.current?.running.qmp.close();
    await removeMachine(machine.current === undefined ? record : { ...record, process: machine.current.running.process });
    await entry.gone();
  });
  return { entry, machine };
}

export class QemuMachine implements Machine<typeof qemu> {
  readonly serialLog: string;
  hostValues: { readonly [name: string]: string } = {};
  guest: Communicator | undefined;
  /** The disk as it is now: saving puts new layers on it. */
  disk: DiskSpec;
  node = 'disk0';
  /** Set where the machine goes on from a saved memory; `fresh`: its clock and random numbers are its own already. */
  restored: { readonly fresh: boolean } | undefined;

  constructor(public running: Running, readonly prepared: Prepared, readonly places: Places, readonly props: Props, readonly entry: JournalEntry) {
    this.serialLog = places.serialLog;
    this.disk = prepared.spec.disks[0];
  }

  async connect(ctx: Context): Promise<Communicator> {
    const { restored } = this, doing = 'while it was waited for';
    if (restored !== undefined) {
      this.restored = undefined;
      try {
        const guest = await this.#watched(doing, ctx, signal => this.#reach(signal, ctx, 60_000));
        if (!restored.fresh) await wakeOver(guest, ctx);
        return guest;
      } catch (error) {
        // A memory that does not fit the processor loads, and then hangs without a word.
        if (ctx.signal.aborted) throw error;
        sayColdBoot(messageOf(error).split('\n')[0]!, ctx);
        await this.#bootFromDisk(ctx);
      }
    }
    return this.#watched(doing, ctx, signal => this.#reach(signal, ctx));
  }

  async #reach(signal: AbortSignal, ctx: Context, budget?: number): Promise<Communicator> {
    const guestPort = this.props.ssh?.port ?? 22;
    const port = this.props.ssh?.host !== undefined ? guestPort : forwardedPort(await this.running.qmp.monitor('info usernet'), guestPort);
    if (port === undefined) throw fail.NO_PORT(guestPort);
    const host = this.props.ssh?.host ?? '127.0.0.1';
    this.hostValues = { ...this.hostValues, guestHost: host, guestPort: String(port), guestUser: this.props.ssh?.username ?? 'root' };
    const presence = this.props.ssh?.host === undefined ? new Presence(this.running.qmp, this.places.folder) : undefined;
    return this.guest = await reach(this.prepared, this.props, { host, port }, presence, signal, ctx, budget);
  }

  /** Starts over from the saved layers, without the memory. */
  async #bootFromDisk(ctx: Context): Promise<void> {
    this.running.qmp.close();
    await endProcess(this.running.process);
    await rm(this.places.memory, { force: true });
    await rm(this.disk.top, { force: true });
    await makeDisk(this.disk.top, this.prepared.diskSize);
    this.node = 'disk0';
    this.running = await launchPrepared(this.prepared, this.places, this.entry, ctx);
  }

  async capture(_props: unknown, ctx: Context): Promise<Artifact> {
    const { props, prepared } = this;
    if (!this.running.alive() && (prepared.keys !== undefined || this.guest === undefined)) throw await this.#wentOff('before its disk was taken');
    if (this.running.alive()) await this.#watched('before its disk was taken', ctx, async () => {
      if (this.guest === undefined) return;
      if (prepared.keys !== undefined) await removeKeys(this.guest, prepared.keys, join(this.places.folder, sockets.agent), ctx);
      if (props.diskDiscard === 'unmap') await trim(this.guest, ctx);
    });
    if (this.running.alive()) {
      ctx.note('switching the machine off');
      try {
        await shutDown(this.running, this.guest, { command: props.shutdown?.command, timeout: props.shutdown?.timeout?.$duration ?? 300_000 }, ctx);
      } catch (error) { throw await this.#seen(error, ctx); }
    }
    await this.guest?.[Symbol.asyncDispose]();
    await endProcess(this.running.process);
    return captureDisk(this, ctx);
  }

  save(ctx: Context): Promise<Saved> { return saveMachine(this, ctx); }

  screenshot(file: string): Promise<string> { return screenshot(this.running.qmp, file); }

  async keep(): Promise<Json> {
    const kept: KeptMachine = { record: { ...recordFor(this.places), process: this.running.process }, endpoint: this.guest?.endpoint ?? { type: 'none' }, serialLog: this.serialLog };
    return kept as unknown as Json;
  }

  /** A picture of the screen for whoever looks into the failure; none where the machine is off. */
  async leavePicture(ctx: Context): Promise<string | undefined> {
    if (!this.running.alive() || !this.running.qmp.isOpen) return undefined;
    try {
      const file = await this.screenshot(join(ctx.run.folder, 'failure.png'));
      ctx.note(`screenshot: ${file}`);
      return file;
    } catch { return undefined; }
  }

  /** Runs work that makes sense only while the machine runs; failures carry what could be seen of it. */
  async #watched<T>(doing: string, ctx: Context, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const off = new AbortController(), signal = AbortSignal.any([ctx.signal, off.signal]);
    void this.running.exited.then(() => off.abort());
    try { return await work(signal); }
    catch (error) {
      if (ctx.signal.aborted) throw cancellation(ctx.signal);
      throw off.signal.aborted ? await this.#wentOff(doing) : await this.#seen(error, ctx);
    }
  }

  async #wentOff(doing: string): Promise<BakeError> {
    const serial = await serialTail(this.serialLog);
    return withSerial(fail.WENT_OFF(doing, await wordsSince(this.places.log)), serial, undefined);
  }

  async #seen(error: unknown, ctx: Context): Promise<unknown> {
    return withSerial(error, await serialTail(this.serialLog), await this.leavePicture(ctx));
  }
}

/** The same error, saying also what the guest last wrote and where the picture of its screen is. */
function withSerial(error: unknown, serial: readonly string[], picture: string | undefined): BakeError {
  const known = isBakeError(error) ? error : undefined;
  const lines = [
    messageOf(error),
    ...(serial.length === 0 ? ['The serial console is silent.'] : ['The serial console ends with:', ...serial.map(line => `  ${line}`)]),
    ...(picture === undefined ? [] : [`Screenshot: ${picture}`]),
  ];
  return new BakeError(lines.join('\n'), {
    code: known?.code ?? 'GUEST_FAILED', remedy: known?.remedy, exit: known?.exit ?? exitCodes.failed, cause: error, retryable: known?.retryable,
    facts: { ...known?.facts, serial, ...(picture === undefined ? {} : { screenshot: picture }) },
  });
}
