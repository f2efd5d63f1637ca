/** A running virtual machine, as the runtime sees it. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { qemu } from '../../../constructs/sources/qemu.js';
import { BakeError, errors, exitCodes, isBakeError, messageOf } from '../../../errors.js';
import type { Json } from '../../../json.js';
import type { Artifact, Communicator, Context, Endpoint, JournalEntry, Machine, Saved } from '../../driver.js';
import { cancellation, within } from '../../retry.js';
import { addressOnBridge } from './bridge.js';
import { captureDisk } from './capture.js';
import { imageInfo, makeDisk } from './disk.js';
import { lastPicture, missedRequests, screenshot, serialTail, watchScreen } from './eyes.js';
import { installerDone, typeBootCommand, type Values } from './install.js';
import { removeKeys, seal, trim } from './key.js';
import { endProcess, launch, type MachineRecord, removeMachine, type Running, wordsSince } from './launch.js';
import { noCommunicator } from '../../communicators/none.js';
import { commandLine, type DiskSpec, sockets } from './command-line.js';
import { type Places, recordFor } from './places.js';
import type { Prepared, Props } from './prepare.js';
import { Presence } from './presence.js';
import { forwardedPort } from './qmp.js';
import { doorOf, reach } from './reach.js';
import { sayColdBoot, wakeOver } from './wake.js';
import { saveDisks, saveMachine } from './save.js';
import { shutDown } from './shutdown.js';
import { startTpm } from './tpm.js';

const fail = errors('GUEST', {
  WENT_OFF: {
    message: (doing: string, words: string) => `The machine switched itself off ${doing}${words === '' ? '' : `: ${words}`}.`,
    remedy: 'The serial log, in the run\'s folder, shows what the guest did last.',
    explain: 'The QEMU process ended while the build still needed it: the guest powered off, or QEMU crashed.',
  },
  NOTHING: {
    message: () => 'The installer is gone, and has written nothing to the disk.',
    remedy: 'Its last words, on the serial console or on the screen, say why: an answer that it could not fetch, a disk that it did not find (diskInterface), an argument of its kernel (kernelBoot.append).',
  },
  NO_PORT: { message: (port: number) => `QEMU forwards no port to port ${port} of the guest.`, remedy: 'Take arguments for the network (-netdev, -nic) out of qemuArgs, or name the guest\'s address (ssh.host, winrm.host).' },
});

/** What `keep` writes down for other processes. */
export interface KeptMachine { readonly record: MachineRecord; readonly endpoint: Endpoint; readonly serialLog: string }

/** Starts a prepared machine. All that it needs is undone when `ctx.scope` ends, or stays where it was kept. */
export async function startMachine(prepared: Prepared, places: Places, props: Props, values: Values, entry: JournalEntry, ctx: Context, installed = false): Promise<QemuMachine> {
  ctx.note(`accelerator: ${prepared.accelerator.says}`);
  const machine = new QemuMachine(await launchPrepared(prepared, places, entry, ctx), prepared, places, props, values, entry);
  machine.installed = installed;
  await machine.sayScreen(ctx);
  return machine;
}

/** Starts QEMU, with a TPM where it has one, and writes down which process it is. `stateFile`: what a machine with `incoming` finds as descriptor 3. */
export async function launchPrepared({ spec }: Prepared, places: Places, entry: JournalEntry, ctx: Context, stateFile?: string): Promise<Running> {
  if (spec.tpm !== undefined) await startTpm(places.folder, spec.tpm.version1, join(ctx.run.folder, 'swtpm.log'), ctx.signal);
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
    machine.current?.stopWatching();
    // Also of a machine that stays: it keeps this process from ending, and others from asking the machine anything.
    machine.current?.running.qmp.close();
    if (ending.outcome === 'kept') return;
    await removeMachine(machine.current === undefined ? record : { ...record, process: machine.current.running.process });
    await entry.gone();
  });
  return { entry, machine };
}

export class QemuMachine implements Machine<typeof qemu> {
  readonly serialLog: string;
  guest: Communicator | undefined;
  /** The disks as they are now: saving puts new layers on them. */
  disks: readonly [DiskSpec, ...DiskSpec[]];
  nodes: readonly string[];
  saves = 0;
  /** Nothing has to be typed, and no installer waited for. */
  installed = false;
  /** Ends looking at the screen now and then. */
  stopWatching = (): void => {};
  /** Set where the machine goes on from a saved memory; `fresh`: its clock and random numbers are its own already. */
  restored: { readonly fresh: boolean } | undefined;

  /** `hostValues` grows with what the machine comes to know. */
  constructor(public running: Running, readonly prepared: Prepared, readonly places: Places, readonly props: Props, readonly hostValues: Values, readonly entry: JournalEntry) {
    this.serialLog = places.serialLog;
    this.disks = prepared.spec.disks;
    this.nodes = this.disks.map((_, i) => `disk${i}`);
  }

  async connect(ctx: Context): Promise<Communicator> {
    const { restored, props } = this, doing = 'while it was waited for', began = Date.now(), budget = doorOf(props).budget;
    if (restored !== undefined) {
      this.restored = undefined;
      try {
        const guest = await this.#watched(doing, ctx, signal => this.#reach(signal, ctx, { budget: 120_000, before: true }));
        if (!restored.fresh && guest.guest === 'unix') await wakeOver(guest, ctx);
        return guest;
      } catch (error) {
        // A memory that does not fit the processor loads, and then hangs without a word.
        if (ctx.signal.aborted) throw error;
        sayColdBoot(messageOf(error).split('\n')[0]!, ctx);
        await this.#startOver(ctx, this.prepared, true);
      }
    }
    // It was saved when it had switched itself off.
    if (!this.running.alive() && this.prepared.base === undefined && props.communicator === 'none') return noCommunicator();
    const anew = !this.installed;
    if (anew) await this.#install(budget, ctx);
    if (props.communicator === 'none') {
      if (this.prepared.base === undefined && this.running.alive()) await this.#untilOff(props.shutdown!.timeout.$duration, ctx);
      return noCommunicator();
    }
    const installer = this.#installerRuns(anew);
    const guest = await this.#watched(doing, ctx, signal => this.#reach(signal, ctx, { budget: budget - (Date.now() - began), patient: () => installer.runs })).finally(installer.stop);
    await this.#picture('connected', ctx);
    return guest;
  }

  /** How the screen looks as a phase begins: `screen-typing.png`. */
  async #picture(phase: string, ctx: Context): Promise<void> { await screenshot(this.running.qmp, join(ctx.run.folder, `screen-${phase}.png`)).catch(() => {}); }

  /** Types at the machine; where an installer's own kernel was booted, waits for its end and boots what it installed. */
  async #install(budget: number, ctx: Context): Promise<void> {
    const { props, prepared } = this;
    await this.#watched('while its boot command was typed', ctx, signal => typeBootCommand(this.running, props, this.hostValues, this.places.folder, signal, phase => this.#picture(phase, ctx), ctx));
    this.installed = true;
    if (!prepared.spec.noReboot) return;
    try { await installerDone(this.running, budget, ctx.signal, ctx); } catch (error) {
      if (ctx.signal.aborted) throw error;
      throw await this.#seen(error, ctx);
    }
    if ((await imageInfo(this.disks[0].top)).actualSize < 1024 ** 2) throw await this.#seen(fail.NOTHING(), ctx);
    // Nobody will talk to what was installed: its first boot is not ours.
    if (props.communicator === 'none') return endProcess(this.running.process);
    await this.#startOver(ctx, { ...prepared, spec: { ...prepared.spec, kernel: undefined, noReboot: false } }, false);
  }

  /** Whether an installer that was typed at may still be running: until it restarts the machine. */
  #installerRuns(anew: boolean): { readonly runs: boolean; readonly stop: () => void } {
    const { base, spec } = this.prepared, state = { runs: anew && base === undefined && !spec.noReboot, stop: (): void => {} };
    state.stop = this.running.qmp.on(event => { if (event.event === 'RESET' && event.data['guest'] === true) state.runs = false; });
    return state;
  }

  async #reach(signal: AbortSignal, ctx: Context, how: { readonly budget: number; readonly before?: boolean; readonly patient?: () => boolean }): Promise<Communicator> {
    const door = doorOf(this.props), { bridge, mac } = this.prepared.spec.net;
    if (bridge !== undefined && door.host === undefined) {
      const find = async (wanted: AbortSignal): Promise<{ host: string; port: number }> => {
        const host = await addressOnBridge(join(this.places.folder, sockets.agent), mac!, bridge, wanted);
        this.#sayWhere(host, door.port);
        return { host, port: door.port };
      };
      return this.guest = await reach(this.prepared, this.props, find, undefined, signal, ctx, how);
    }
    const port = door.host !== undefined ? door.port : forwardedPort(await this.running.qmp.monitor('info usernet'), door.port);
    if (port === undefined) throw fail.NO_PORT(door.port);
    const host = door.host ?? '127.0.0.1';
    this.#sayWhere(host, port);
    const presence = door.host === undefined ? new Presence(this.running.qmp, this.places.folder) : undefined;
    return this.guest = await reach(this.prepared, this.props, { host, port }, presence, signal, ctx, how);
  }

  #sayWhere(host: string, port: number): void {
    Object.assign(this.hostValues, { guestHost: host, guestPort: String(port), guestUser: doorOf(this.props).user });
  }

  /** Starts QEMU anew; `afresh`: on empty layers, as if what it wrote since it was started had never been. */
  async #startOver(ctx: Context, prepared: Prepared, afresh: boolean): Promise<void> {
    this.running.qmp.close();
    await endProcess(this.running.process);
    await rm(this.places.memory, { force: true });
    if (afresh) {
      for (const [i, disk] of this.disks.entries()) {
        await rm(disk.top, { force: true });
        await makeDisk(disk.top, this.prepared.diskSizes[i]!);
      }
    }
    this.nodes = this.disks.map((_, i) => `disk${i}`);
    this.running = await launchPrepared(prepared, this.places, this.entry, ctx);
  }

  /** Where people can look at the screen. */
  async sayScreen(ctx: Context): Promise<void> {
    this.stopWatching = watchScreen(() => this.running.qmp, ctx.run.folder);
    if (this.prepared.spec.vnc === undefined) return;
    const { host, service } = await this.running.qmp.execute<{ host?: string; service?: string }>('query-vnc').catch(() => ({ host: undefined, service: undefined })), { vncPassword } = this.prepared;
    if (vncPassword !== undefined && this.props.vnc?.password !== undefined) ctx.secret(vncPassword);
    if (service !== undefined) ctx.note(`screen: vnc://${host}:${service}${vncPassword === undefined ? '' : ` (password: ${this.props.vnc?.password === undefined ? vncPassword : 'as set'})`}`);
    const forwards = this.props.portForwards ?? [];
    if (forwards.length === 0) return;
    const usernet = await this.running.qmp.monitor('info usernet');
    for (const { guest } of forwards) {
      const port = forwardedPort(usernet, guest);
      if (port !== undefined) { this.hostValues[`port${guest}`] = String(port); ctx.note(`port ${guest} of the guest: 127.0.0.1:${port}`); }
    }
  }

  async capture(_props: unknown, ctx: Context): Promise<Artifact> {
    const { props, prepared } = this;
    if (props.communicator !== 'none' && !this.running.alive() && (prepared.keys !== undefined || this.guest === undefined)) throw await this.#wentOff('before its disk was taken', ctx);
    if (this.running.alive()) await this.#watched('before its disk was taken', ctx, async () => {
      if (this.guest === undefined) return;
      const agent = join(this.places.folder, sockets.agent);
      if (props.seal) await seal(this.guest, agent, ctx);
      if (prepared.keys !== undefined) await removeKeys(this.guest, prepared.keys, agent, ctx);
      if (props.diskDiscard === 'unmap') await trim(this.guest, ctx);
    });
    if (this.running.alive()) {
      await this.#picture('switching-off', ctx);
      ctx.note('switching the machine off');
      try {
        await shutDown(this.running, this.guest, { command: props.shutdown?.command, timeout: props.shutdown?.timeout?.$duration ?? 300_000 }, ctx);
      } catch (error) { throw await this.#seen(error, ctx); }
    }
    await this.guest?.[Symbol.asyncDispose]();
    await endProcess(this.running.process);
    return captureDisk(this, ctx);
  }

  /** An installation that nobody can talk to is done when the machine goes off. */
  async #untilOff(budget: number, ctx: Context): Promise<void> {
    ctx.note('waiting for the machine to switch itself off');
    try { await within(budget, 'the machine to switch itself off (shutdown.timeout)', ctx.signal, signal => Promise.race([this.running.exited, new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }))])); }
    catch (error) { throw ctx.signal.aborted ? error : await this.#seen(error, ctx); }
  }

  save(ctx: Context): Promise<Saved> { return this.running.alive() ? saveMachine(this, ctx) : saveDisks(this); }

  screenshot(file: string): Promise<string> { return screenshot(this.running.qmp, file); }

  async keep(): Promise<Json> {
    const kept: KeptMachine = { record: { ...recordFor(this.places), process: this.running.process }, endpoint: this.guest?.endpoint ?? { type: 'none' }, serialLog: this.serialLog };
    return kept as unknown as Json;
  }

  /** A picture of the screen for whoever looks into the failure; none where the machine is off. */
  async leavePicture(ctx: Context): Promise<string | undefined> {
    if (!this.running.alive() || !this.running.qmp.isOpen) return undefined;
    return this.screenshot(join(ctx.run.folder, 'failure.png')).catch(() => undefined);
  }

  /** Runs work that makes sense only while the machine runs; failures carry what could be seen of it. */
  async #watched<T>(doing: string, ctx: Context, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const off = new AbortController(), signal = AbortSignal.any([ctx.signal, off.signal]);
    void this.running.exited.then(() => off.abort());
    try { return await work(signal); }
    catch (error) {
      if (ctx.signal.aborted) throw cancellation(ctx.signal);
      throw await this.running.goes() ? await this.#wentOff(doing, ctx) : await this.#seen(error, ctx);
    }
  }

  async #wentOff(doing: string, ctx: Context): Promise<BakeError> {
    const serial = await serialTail(this.serialLog);
    return withSerial(fail.WENT_OFF(doing, await wordsSince(this.places.log)), serial, await lastPicture(ctx.run.folder), await missedRequests(join(ctx.run.folder, 'http.log')));
  }

  async #seen(error: unknown, ctx: Context): Promise<unknown> {
    return withSerial(error, await serialTail(this.serialLog), await this.leavePicture(ctx), await missedRequests(join(ctx.run.folder, 'http.log')));
  }
}

/** The same error, saying also what the guest last wrote, what it asked for in vain, and where the picture of its screen is. */
function withSerial(error: unknown, serial: readonly string[], picture: string | undefined, missed: string | undefined): BakeError {
  const known = isBakeError(error) ? error : undefined;
  const lines = [
    messageOf(error),
    ...(serial.length === 0 ? ['The serial console is silent.'] : ['The serial console ends with:', ...serial.map(line => `  ${line}`)]),
    ...(missed === undefined ? [] : [missed]), ...(picture === undefined ? [] : [`Screenshot: ${picture}`]),
  ];
  return new BakeError(lines.join('\n'), {
    code: known?.code ?? 'GUEST_FAILED', remedy: known?.remedy, exit: known?.exit ?? exitCodes.failed, cause: error, retryable: known?.retryable,
    facts: { ...known?.facts, serial, ...(picture === undefined ? {} : { screenshot: picture }) },
  });
}
