/** A guest behind WinRM: as many shells as commands run at once, each on a connection of its own. */
import { setTimeout as wait } from 'node:timers/promises';
import { errors, messageOf } from '../../../errors.js';
import type { Communicator, Endpoint, ExecOptions, Exit, UploadOptions } from '../../driver.js';
import { Slots } from '../ssh/slots.js';
import * as windows from '../windows-files.js';
import { type Address, connectWinrm, type WinrmConnectOptions } from './connect.js';
import { feed } from './feed.js';
import type { Lane } from './lane.js';
import { WsmanFault } from './soap.js';
import { WireFailure } from './wire.js';

const fail = errors('WINRM', {
  FAULT: {
    message: (said: string) => `The WinRM service of the guest does not run the command: ${said.replace(/\.$/, '')}.`,
    remedy: 'Look at the quotas of its WinRM service (`winrm get winrm/config/winrs`), and at the event log of the guest (Windows Remote Management).',
    explain: 'The service itself refused the command, which was not started.',
  },
});

export interface WinrmOptions extends WinrmConnectOptions {
  /** What other programs are told of a guest at this address. */
  readonly endpoint: (address: Address) => Endpoint;
  /** Milliseconds in which a guest that is away must come back when the next command needs it. @default 10 s */
  readonly comeback?: number;
  /** Milliseconds that `reconnect` may take. @default 5 min */
  readonly reconnectBudget?: number;
  /** Where the guest fetches large files from by itself: an address to listen on here, and how the guest sees it. Left out: this end of the connection. */
  readonly pull?: { readonly listen: string; readonly seenAs: string } | false;
}

/** Shells of one user at once: the oldest services allow five. */
const lanes = 5;

export class WinrmCommunicator implements Communicator {
  readonly guest = 'windows';
  readonly endpoint: Endpoint;
  private idle: Lane[];
  private readonly busy = new Set<Lane>();
  private readonly slots = new Slots(lanes);
  private readonly files: windows.Transfers;
  private constructor(private readonly options: WinrmOptions, first: Lane, private address: Address) {
    this.idle = [first];
    this.endpoint = options.endpoint(address);
    const here = first.wire.localAddress;
    this.files = new windows.Transfers(this.exec, options.pull === false ? undefined : options.pull ?? (here === undefined ? undefined : { listen: here, seenAs: here }));
  }

  /** Waits for the guest and logs in. Rejects with WINRM_TIMEOUT, WINRM_REFUSED, WINRM_CERTIFICATE, WINRM_METHOD, WINRM_NOT_WINRM. */
  static async open(options: WinrmOptions): Promise<WinrmCommunicator> {
    const { lane, address } = await connectWinrm(options);
    return new WinrmCommunicator(options, lane, address);
  }

  readonly exec = async (command: string, options: ExecOptions = {}): Promise<Exit> => {
    options.signal?.throwIfAborted();
    const release = await this.slots.take(options.signal);
    let lane: Lane | undefined;
    try {
      const started = await this.start(command, options.signal);
      if ('how' in started) return started;
      ({ lane } = started);
      this.busy.add(lane);
      const exit = await follow(lane, started.id, options);
      if (exit.how === 'exited') this.idle.push(lane); else lane.drop();
      return exit;
    } finally {
      if (lane) this.busy.delete(lane);
      release();
    }
  };

  /** Starts the command, never twice: where it is not known whether it was started, the connection counts as lost. In an open shell, or a new one where that is gone; a guest that is away has a while to come back. */
  private async start(command: string, signal: AbortSignal | undefined): Promise<{ readonly lane: Lane; readonly id: string } | Exit> {
    const until = Date.now() + (this.options.comeback ?? 10_000);
    for (;;) {
      let lane = this.idle.pop(), asked = false;
      try {
        lane ??= await this.another(Math.max(1000, until - Date.now()), signal, true);
        await lane.open(signal);
        asked = true;
        return { lane, id: await lane.start(command, signal) };
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof WsmanFault) {
          if (error.shellGone && lane?.shell !== undefined) { lane.shell = undefined; this.idle.push(lane); continue; }
          if (error.quota && this.slots.inUse > 1) { if (lane) this.idle.push(lane); await this.slots.narrow(); continue; }
          if (asked && error.timedOut) { lane!.drop(); return { how: 'disconnected', reason: error.message }; }
          if (lane) this.idle.push(lane);
          throw fail.FAULT(error.message, { cause: error });
        }
        lane?.drop();
        const reason = messageOf(error);
        if (asked && !(error instanceof WireFailure && !error.sent)) return { how: 'disconnected', reason };
        if (Date.now() >= until) return { how: 'disconnected', reason, started: false };
        // The other connections are as dead as this one.
        for (const other of this.idle.splice(0)) other.drop();
        await wait(200, undefined, signal === undefined ? {} : { signal });
      }
    }
  }

  private async another(budget: number, signal: AbortSignal | undefined, further: boolean): Promise<Lane> {
    const { lane, address } = await connectWinrm({ ...this.options, ...(further ? { address: this.address } : {}), entered: () => {}, budget, signal, further });
    this.address = address;
    return lane;
  }

  upload(from: string | Uint8Array, to: string, options?: UploadOptions): Promise<void> { return this.files.upload(from, to, options); }
  download(from: string, to: string, options?: { readonly signal?: AbortSignal }): Promise<void> { return this.files.download(from, to, options); }
  uploadFolder(from: string, to: string, options?: UploadOptions): Promise<void> { return this.files.uploadFolder(from, to, options); }
  downloadFolder(from: string, to: string, options?: { readonly signal?: AbortSignal }): Promise<void> { return this.files.downloadFolder(from, to, options); }

  async reconnect(options: { readonly budget?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    for (const lane of [...this.idle.splice(0), ...this.busy]) lane.drop();
    this.idle.push(await this.another(options.budget ?? this.options.reconnectBudget ?? 300_000, options.signal, false));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.idle.splice(0), ...this.busy].map(lane => lane.close()));
  }
}

/** Follows a command to its end. Its exit code arrives, or the connection counts as lost. */
async function follow(lane: Lane, command: string, options: ExecOptions): Promise<Exit> {
  const input = new AbortController();
  let failure: { readonly error: unknown } | undefined;
  const end = async (error: unknown): Promise<void> => { failure ??= { error }; input.abort(); await lane.kill(command); };
  let killing: Promise<void> | undefined;
  const cancel = (): void => { killing ??= end(options.signal!.reason); };
  options.signal?.addEventListener('abort', cancel, { once: true });
  if (options.signal?.aborted) cancel();
  let feeding: Promise<void> | undefined;
  try {
    feeding = (await feed(lane, command, options.stdin, input.signal, error => { killing ??= end(error); })).done;
    for (;;) {
      const { chunks, done, exitCode } = await lane.receive(command);
      for (const { stream, data } of chunks) {
        if (failure) break;
        try { await options[stream]?.(data); } catch (error) { killing ??= end(error); }
      }
      if (failure) break;
      if (!done) continue;
      input.abort();
      await feeding;
      await lane.release(command);
      return exitCode === undefined ? { how: 'disconnected', reason: 'the service says that the command has ended, and not how' } : { how: 'exited', code: exitCode };
    }
  } catch (error) {
    if (!failure) {
      if (error instanceof WireFailure) return { how: 'disconnected', reason: error.message };
      if (error instanceof WsmanFault) return { how: 'disconnected', reason: error.message };
      throw error;
    }
  } finally {
    input.abort();
    options.signal?.removeEventListener('abort', cancel);
    await killing;
    await feeding?.catch(() => {});
  }
  throw failure!.error;
}
