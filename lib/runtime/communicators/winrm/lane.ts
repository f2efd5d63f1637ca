/** One shell of the guest and the connection to it: one command at a time runs on it. */
import { messageOf } from '../../../errors.js';
import { readAnswer, commandIdOf, createShell, deleteShell, envelope, readReceived, receive, type Received, type Request, send, shellIdOf, signal as signalRequest, startCommand, WsmanFault } from './soap.js';
import type { Element } from './xml.js';
import { type Wire, WireFailure } from './wire.js';

/** Milliseconds for an answer that does not have to wait for anything in the guest: a new shell starts a process, which takes a slow guest seconds. */
const soon = 90_000;
/** Seconds after which the guest says that nothing has happened yet. */
const poll = 20;

export class Lane {
  shell: string | undefined;
  /** The second connection: for what is sent while the first waits for output. */
  private side: Wire | undefined;
  constructor(readonly wire: Wire, private readonly another: () => Wire) {}

  private async call(wire: Wire, request: Request, budget: number, signal?: AbortSignal): Promise<Element> {
    const { status, text } = await wire.post(envelope(wire.url, request), budget, signal);
    try { return readAnswer(text, status); } catch (error) { throw error instanceof WsmanFault ? error : new WireFailure('other', messageOf(error), true); }
  }
  private get beside(): Wire { return this.side ??= this.another(); }

  /** Opens the shell where it is not open. */
  async open(signal?: AbortSignal): Promise<string> {
    return this.shell ??= must(shellIdOf(await this.call(this.wire, createShell(), soon, signal)), 'it opens a shell and does not say which');
  }
  async start(line: string, signal?: AbortSignal): Promise<string> {
    return must(commandIdOf(await this.call(this.wire, startCommand(await this.open(signal), line), soon, signal)), 'it starts a command and does not say which');
  }
  /** What has come since the last time, however long that takes. */
  async receive(command: string, signal?: AbortSignal): Promise<Received> {
    for (;;) {
      try { return readReceived(await this.call(this.wire, receive(this.shell!, command, poll), poll * 1000 + soon, signal)); } catch (error) {
        // Nothing has come within that time; the command runs on.
        if (!(error instanceof WsmanFault && error.timedOut)) throw error;
      }
    }
  }
  /** Standard input; `beside`: while output is waited for. */
  async send(command: string, data: Uint8Array, end: boolean, beside: boolean, signal?: AbortSignal): Promise<void> {
    await this.call(beside ? this.beside : this.wire, send(this.shell!, command, data, end), soon, signal);
  }
  /** Lets the guest forget a command that has ended, or ends it. */
  async release(command: string): Promise<void> { await this.call(this.wire, signalRequest(this.shell!, command, 'terminate'), 10_000).catch(() => {}); }

  /** Ends a command and all that it started: it is asked to end, then its shell goes, which is a job that takes everything with it. What waits for its output is given up. */
  async kill(command: string | undefined): Promise<void> {
    this.wire.close();
    const { shell } = this, wire = this.beside;
    this.shell = undefined;
    if (shell === undefined) return;
    if (command !== undefined) await this.call(wire, signalRequest(shell, command, 'terminate'), 10_000).catch(() => {});
    await this.call(wire, deleteShell(shell), 10_000).catch(() => {});
  }

  /** Runs a command that does nothing. */
  async probe(signal: AbortSignal): Promise<void> {
    const command = await this.start('exit 0', signal);
    for (;;) {
      const { done, exitCode } = await this.receive(command, signal);
      if (done && exitCode === 0) break;
      if (done) throw new Error(`'exit 0' ended with ${exitCode ?? 'no exit code'}`);
    }
    await this.release(command);
  }

  /** Drops the connections; the shell stays in the guest until it is idle for too long. */
  drop(): void {
    this.wire.close();
    this.side?.close();
  }
  async close(): Promise<void> {
    if (this.shell !== undefined) await this.call(this.wire, deleteShell(this.shell), 5000).catch(() => {});
    this.shell = undefined;
    this.drop();
  }
}

function must(text: string | undefined, otherwise: string): string {
  if (text === undefined || text === '') throw new Error(otherwise);
  return text;
}
