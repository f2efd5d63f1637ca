/** A running virtual machine, as the runtime sees it. */
import { join } from 'node:path';
import type { qemu } from '../../../constructs/sources/qemu.js';
import { BakeError, errors, exitCodes, isBakeError, messageOf } from '../../../errors.js';
import type { Json } from '../../../json.js';
import type { Artifact, Communicator, Context, Endpoint, JournalEntry, Machine } from '../../driver.js';
import { cancellation } from '../../retry.js';
import { captureDisk } from './capture.js';
import { screenshot, serialTail } from './eyes.js';
import { removeKeys } from './key.js';
import { endProcess, launch, type MachineRecord, removeMachine, type Running, wordsSince } from './launch.js';
import { commandLine, type DiskSpec, sockets } from './command-line.js';
import { type Places, type Prepared, type Props, recordFor } from './prepare.js';
import { forwardedPort } from './qmp.js';
import { reach } from './reach.js';
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
  const { spec, accelerator } = prepared;
  ctx.note(`accelerator: ${accelerator.says}`);
  const record = recordFor(places);
  let process: MachineRecord['process'];
  const running = await launch({
    binary: spec.binary, args: commandLine(spec), folder: places.folder, log: places.log, signal: ctx.signal,
    started: async identity => { process = identity; await entry.made({ ...record, process: identity } as unknown as Json); },
  });
  return new QemuMachine(running, prepared, places, props, { ...record, ...(process === undefined ? {} : { process }) });
}

/** Writes down what is about to be made, and sees that it goes with the scope. */
export async function announce(places: Places, ctx: Context): Promise<{ readonly entry: JournalEntry; readonly machine: { current?: QemuMachine } }> {
  const record = recordFor(places), machine: { current?: QemuMachine } = {};
  const entry = await ctx.journal.intend({ driver: 'source/qemu', what: 'virtual machine', name: places.marker, data: record as unknown as Json });
  ctx.scope.defer('remove the machine', async ending => {
    if (ending.outcome === 'kept') return;
    machine.current?.running.qmp.close();
    await removeMachine(machine.current?.record ?? record);
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

  constructor(readonly running: Running, readonly prepared: Prepared, readonly places: Places, readonly props: Props, readonly record: MachineRecord) {
    this.serialLog = places.serialLog;
    this.disk = prepared.spec.disks[0];
  }

  async connect(ctx: Context): Promise<Communicator> {
    const guestPort = this.props.ssh?.port ?? 22;
    return this.#watched('while it was waited for', ctx, async signal => {
      const port = this.props.ssh?.host !== undefined ? guestPort : forwardedPort(await this.running.qmp.monitor('info usernet'), guestPort);
      if (port === undefined) throw fail.NO_PORT(guestPort);
      const host = this.props.ssh?.host ?? '127.0.0.1';
      this.hostValues = { ...this.hostValues, guestHost: host, guestPort: String(port), guestUser: this.props.ssh?.username ?? 'root' };
      return this.guest = await reach(this.prepared, this.props, { host, port }, signal, ctx);
    });
  }

  async capture(_props: unknown, ctx: Context): Promise<Artifact> {
    const { props, prepared } = this;
    if (!this.running.alive() && (prepared.keys !== undefined || this.guest === undefined)) throw await this.#wentOff('before its disk was taken');
    if (this.running.alive()) await this.#watched('before its disk was taken', ctx, async () => {
      if (prepared.keys !== undefined && this.guest !== undefined) await removeKeys(this.guest, prepared.keys, join(this.places.folder, sockets.agent), ctx);
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

  screenshot(file: string): Promise<string> { return screenshot(this.running.qmp, file); }

  async keep(): Promise<Json> {
    const kept: KeptMachine = { record: this.record, endpoint: this.guest?.endpoint ?? { type: 'none' }, serialLog: this.serialLog };
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
