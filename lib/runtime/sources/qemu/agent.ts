/** The guest agent (qemu-guest-agent): commands to the guest's system without the network, where it is installed. */
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from '../../../errors.js';
import { isObject } from '../../../json.js';
import type { Qmp } from './qmp.js';

const fail = errors('AGENT', {
  SILENT: {
    message: (command: string, seconds: number) => `The guest agent did not answer '${command}' within ${seconds} s.`,
    remedy: 'Install qemu-guest-agent in the guest. Without it, everything goes through the communicator.',
  },
  REFUSED: { message: (command: string, reason: string) => `The guest agent refused '${command}': ${reason}.` },
});

/** Whether an agent holds its end of the line open, within the budget (milliseconds): one that is not there need not be waited for. */
export async function agentListens(qmp: Qmp, budget = 0): Promise<boolean> {
  for (const until = Date.now() + budget; ;) {
    const lines = await qmp.execute<readonly { readonly label: string; readonly 'frontend-open': boolean }[]>('query-chardev');
    if (lines.some(line => line.label === 'agent0' && line['frontend-open'])) return true;
    if (Date.now() >= until) return false;
    await sleep(20);
  }
}

/** A session with the agent. It takes one command at a time. */
export class Agent {
  #buffer = Buffer.alloc(0);
  #wake: (() => void) | undefined;
  #closed = false;
  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => { this.#buffer = Buffer.concat([this.#buffer, chunk]); this.#wake?.(); });
    socket.on('error', () => {});
    socket.on('close', () => { this.#closed = true; this.#wake?.(); });
  }

  /** Begins a session; undefined where no agent answers within the budget (milliseconds). */
  static async open(path: string, budget: number, signal?: AbortSignal): Promise<Agent | undefined> {
    const until = Date.now() + budget;
    const socket = createConnection(path);
    const agent = new Agent(socket);
    try {
      while (Date.now() < until) {
        signal?.throwIfAborted();
        const id = Math.floor(Math.random() * 1e9);
        // 0xFF throws away what an earlier session left half-said, here and there.
        socket.write(Buffer.concat([Buffer.from([0xff]), Buffer.from(`${JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } })}\n`)]));
        const again = Math.min(until, Date.now() + 2000);
        for (let line; (line = await agent.#line(again)) !== undefined;) if (line['return'] === id) return agent;
        if (agent.#closed) break;
      }
    } catch (error) { agent.close(); throw error; }
    agent.close();
    return undefined;
  }

  /** Runs a command of the agent. `budget` in milliseconds. */
  async execute<T = unknown>(command: string, args?: { readonly [key: string]: unknown }, budget = 20_000): Promise<T> {
    this.socket.write(`${JSON.stringify(args === undefined ? { execute: command } : { execute: command, arguments: args })}\n`);
    const answer = await this.#line(Date.now() + budget);
    if (answer === undefined) throw fail.SILENT(command, budget / 1000);
    if (isObject(answer['error'])) throw fail.REFUSED(command, String(answer['error']['desc']).replace(/\.$/, ''));
    return answer['return'] as T;
  }

  /** Runs a program in the guest, as root, and waits for its end. */
  async run(path: string, args: readonly string[], options: { readonly input?: Uint8Array; readonly budget?: number } = {}): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const until = Date.now() + (options.budget ?? 30_000);
    const { pid } = await this.execute<{ pid: number }>('guest-exec', { path, arg: args, 'capture-output': true, ...(options.input === undefined ? {} : { 'input-data': Buffer.from(options.input).toString('base64') }) });
    for (;;) {
      const status = await this.execute<{ exited: boolean; exitcode?: number; signal?: number; 'out-data'?: string; 'err-data'?: string }>('guest-exec-status', { pid });
      if (status.exited) return { code: status.exitcode ?? 128 + (status.signal ?? 0), stdout: text(status['out-data']), stderr: text(status['err-data']) };
      if (Date.now() > until) throw fail.SILENT(path, (options.budget ?? 30_000) / 1000);
      await sleep(20);
    }
  }

  close(): void { this.socket.destroy(); }

  async #line(until: number): Promise<{ readonly [key: string]: unknown } | undefined> {
    for (;;) {
      const end = this.#buffer.indexOf(0x0a);
      if (end >= 0) {
        const line = this.#buffer.subarray(0, end), sync = line.lastIndexOf(0xff);
        this.#buffer = this.#buffer.subarray(end + 1);
        try {
          const value = JSON.parse(line.subarray(sync + 1).toString('utf8')) as unknown;
          if (isObject(value)) return value;
        } catch { /* the rest of something older */ }
        continue;
      }
      const left = until - Date.now();
      if (left <= 0 || this.#closed) return undefined;
      await new Promise<void>(resolve => {
        const timer = setTimeout(done, left);
        const wake = this.#wake = (): void => { clearTimeout(timer); done(); };
        const self = this;
        function done(): void { if (self.#wake === wake) self.#wake = undefined; resolve(); }
      });
    }
  }
}
const text = (base64: string | undefined): string => base64 === undefined ? '' : Buffer.from(base64, 'base64').toString('utf8');
