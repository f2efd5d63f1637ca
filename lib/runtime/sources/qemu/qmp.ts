/** A client of QEMU's machine protocol (QMP): one JSON message a line, commands numbered, events between the answers. */
import { type Socket, createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from '../../../errors.js';
import { isObject } from '../../../json.js';

const fail = errors('QMP', {
  REFUSED: {
    message: (command: string, reason: string) => `QEMU refused '${command}': ${reason}.`,
    explain: 'The machine runs, but the command could not be carried out.',
  },
  GONE: {
    message: (command: string) => `QEMU went away before it answered '${command}'.`,
    remedy: 'Its last words stand in qemu.log, in the run\'s folder.',
    explain: 'The process ended: the guest switched itself off, QEMU crashed, or something killed it.',
  },
  NO_GREETING: {
    message: (path: string, reason: string) => `QEMU does not answer on ${path}: ${reason}.`,
    remedy: 'Its last words stand in qemu.log, in the run\'s folder.',
  },
});

export interface QmpEvent { readonly event: string; readonly data: { readonly [key: string]: unknown } }
interface Waiting { readonly command: string; readonly done: (value: unknown) => void; readonly failed: (error: unknown) => void }

/** A connection to one QEMU process. */
export class Qmp {
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(event: QmpEvent) => void>();
  #next = 1;
  #rest = '';
  #gone = false;

  constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', () => {});
    this.closed = new Promise(resolve => socket.once('close', () => {
      this.#gone = true;
      for (const { command, failed } of this.#waiting.values()) failed(fail.GONE(command));
      this.#waiting.clear();
      resolve();
    }));
  }

  /** Connects to the socket that QEMU listens on, trying again until it is there; `alive` says whether waiting still makes sense. Fails after `budget` milliseconds. */
  static async connect(path: string, options: { readonly budget?: number; readonly signal?: AbortSignal; readonly alive?: () => boolean } = {}): Promise<Qmp> {
    const until = Date.now() + (options.budget ?? 30_000);
    let reason = 'the socket never appeared';
    while (options.alive?.() !== false && Date.now() < until) {
      options.signal?.throwIfAborted();
      try {
        const qmp = new Qmp(await open(path));
        await qmp.execute('qmp_capabilities');
        return qmp;
      } catch (error) { reason = (error as Error).message; }
      await sleep(10);
    }
    throw fail.NO_GREETING(path, options.alive?.() === false ? 'the process has ended' : reason);
  }

  get isOpen(): boolean { return !this.#gone; }

  /** Runs a command and gives its return value. */
  execute<T = unknown>(command: string, args?: { readonly [key: string]: unknown }): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#gone) { reject(fail.GONE(command)); return; }
      const id = this.#next++;
      this.#waiting.set(id, { command, done: resolve as (value: unknown) => void, failed: reject });
      this.socket.write(`${JSON.stringify(args === undefined ? { execute: command, id } : { execute: command, arguments: args, id })}\n`);
    });
  }

  /** Runs a command of QEMU's human monitor and gives its text. */
  async monitor(line: string): Promise<string> {
    return this.execute<string>('human-monitor-command', { 'command-line': line });
  }

  /** Calls back for each event until the returned function is called. */
  on(listener: (event: QmpEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => { this.#listeners.delete(listener); };
  }

  /** Resolves with the first event that fits from now on; fails when QEMU goes or the signal aborts. Start it before the command that causes the event. */
  event(fits: (event: QmpEvent) => boolean, what: string, signal?: AbortSignal): Promise<QmpEvent> {
    const found = new Promise<QmpEvent>((resolve, reject) => {
      const off = this.on(event => { if (fits(event)) { off(); resolve(event); } });
      void this.closed.then(() => { off(); reject(fail.GONE(what)); });
      signal?.addEventListener('abort', () => { off(); reject(signal.reason as Error); }, { once: true });
    });
    // The command before it may fail first; then nobody waits for the event any more.
    found.catch(() => {});
    return found;
  }

  close(): void { this.socket.destroy(); }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') this.#message(JSON.parse(line) as unknown);
  }

  #message(message: unknown): void {
    if (!isObject(message)) return;
    if (typeof message['event'] === 'string') {
      const event = { event: message['event'], data: isObject(message['data']) ? message['data'] : {} };
      for (const listener of [...this.#listeners]) listener(event);
      return;
    }
    const id = message['id'];
    const waiting = typeof id === 'number' ? this.#waiting.get(id) : undefined;
    if (waiting === undefined) return;
    this.#waiting.delete(id as number);
    const error = message['error'];
    if (isObject(error)) waiting.failed(fail.REFUSED(waiting.command, String(error['desc']).replace(/\.$/, '')));
    else waiting.done(message['return']);
  }
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('error', reject);
    socket.once('connect', () => { socket.off('error', reject); resolve(socket); });
  });
}

/** What QMP's `info usernet` says of forwarded ports: the port on this computer for a port in the guest. */
export function forwardedPort(usernet: string, guestPort: number): number | undefined {
  for (const line of usernet.split('\n')) {
    const match = /^\s*TCP\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/.exec(line);
    if (match !== null && Number(match[2]) === guestPort) return Number(match[1]);
  }
  return undefined;
}
