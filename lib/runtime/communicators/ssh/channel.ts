/** One command on one channel: input, output with back-pressure, and the three ways it can end. */
import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import type { ExecOptions, Exit } from '../../driver.js';
import { quote } from '../../guest/quote.js';

/** Milliseconds without output after the exit status: only then is a process that the command left behind still holding the channel. */
const lingering = 5000;
/** Milliseconds between asking the remote processes to end and ending them. */
const grace = 2000;

/** A channel whose end is watched from the moment it is open. */
export interface Started { readonly channel: ClientChannel; readonly closed: Promise<void>; exit(): Exit | undefined }

/** Opens a channel and starts the command line as it is. */
export function openExec(client: Client, line: string, pty: boolean): Promise<Started> {
  return new Promise((resolve, reject) => {
    const started = (error: Error | undefined, channel: ClientChannel): void => {
      if (error) { reject(error); return; }
      // Here and not after the promise: a quick command's start, status and end come in one packet, and are all told before any promise goes on.
      let exit: Exit | undefined;
      channel.on('exit', (code: number | null, signal?: string) => {
        exit = code === null ? { how: 'signalled', signal: (signal ?? 'unknown').replace(/^SIG/, '') } : { how: 'exited', code };
      });
      channel.on('error', () => {});
      const closed = new Promise<void>(done => { channel.once('close', () => done()); });
      resolve({ channel, closed, exit: () => exit });
    };
    try { client.exec(line, pty ? { pty: true } : {}, started); } catch (error) { reject(error as Error); }
  });
}

/** The command for any login shell; its first output is a line with the id of its process group, by which it can be ended. */
export function traceable(command: string): { readonly line: string; readonly mark: string } {
  const mark = `bake-${randomBytes(6).toString('hex')}`;
  return { line: `exec sh -c ${quote(`echo ${mark} $$\n${command}`)}`, mark };
}

/** Runs a channel to its end. `mark`: what `traceable` gave. Throws only when cancelled, or when a reader or the input throws. */
export async function runChannel(client: Client, { channel, closed, exit: ended }: Started, options: ExecOptions, mark: string | undefined, why: () => string | undefined): Promise<Exit> {
  let group: number | undefined, failure: { readonly error: unknown } | undefined;
  const broken = (error: unknown): void => { failure ??= { error }; void endRemote(client, channel, () => group, closed); };
  const plain = mark === undefined ? undefined : unmarked(mark, pid => { group = pid; }, options.stdout);
  const out = pump(channel, plain?.sink ?? options.stdout, broken);
  const err = pump(channel.stderr, options.stderr, broken);
  const input = feed(channel, options.stdin, closed).catch(broken);
  const cancel = (): void => broken(options.signal!.reason);
  if (options.signal?.aborted) cancel(); else options.signal?.addEventListener('abort', cancel, { once: true });
  const linger = setInterval(() => { if (ended() && out.quietFor() > lingering && err.quietFor() > lingering) channel.close(); }, 1000);
  try {
    await closed;
    await Promise.all([out.done(), err.done()]);
    await plain?.rest();
    // A process that ended without reading its input leaves the rest of it unsent; nobody waits for that.
    void input;
  } finally {
    clearInterval(linger);
    options.signal?.removeEventListener('abort', cancel);
  }
  if (failure) throw failure.error;
  return ended() ?? { how: 'disconnected', reason: why() ?? 'the channel was closed without an exit status' };
}

/** Passes chunks on one after the other; while a reader is busy the stream stands still, and with it the remote process. */
function pump(stream: Readable, sink: ExecOptions['stdout'], failed: (error: unknown) => void): { done(): Promise<void>; quietFor(): number } {
  let last = Date.now(), busy: Promise<void> | undefined;
  const ended = new Promise<void>(resolve => { stream.once('end', () => resolve()); });
  stream.on('error', () => {});
  stream.on('data', (chunk: Buffer) => {
    last = Date.now();
    if (!sink) return;
    try {
      const taken = sink(chunk);
      if (!taken) return;
      stream.pause();
      busy = taken.then(undefined, failed).then(() => { busy = undefined; last = Date.now(); stream.resume(); });
    } catch (error) { failed(error); }
  });
  return {
    async done() { await ended; while (busy) await busy; },
    quietFor: () => busy ? 0 : Date.now() - last,
  };
}

/** Takes the line with the process group out of the output. What comes before it (a login shell that greets) is passed on. */
function unmarked(mark: string, found: (group: number) => void, sink: ExecOptions['stdout']): { readonly sink: NonNullable<ExecOptions['stdout']>; rest(): void | Promise<void> } {
  let held: Buffer | undefined = Buffer.alloc(0);
  const release = (bytes: Buffer): void | Promise<void> => { held = undefined; return bytes.length > 0 ? sink?.(bytes) : undefined; };
  return {
    sink(chunk) {
      if (!held) return sink?.(chunk);
      held = Buffer.concat([held, chunk]);
      const at = held.indexOf(`${mark} `), end = at < 0 ? -1 : held.indexOf('\n', at);
      if (end < 0) return held.length > 65_536 ? release(held) : undefined;
      found(Number.parseInt(held.toString('latin1', at + mark.length + 1, end), 10));
      return release(Buffer.concat([held.subarray(0, at), held.subarray(end + 1)]));
    },
    rest: () => held && release(held),
  };
}

async function feed(channel: ClientChannel, stdin: ExecOptions['stdin'], closed: Promise<void>): Promise<void> {
  let open = true, wake = (): void => {};
  channel.on('drain', () => wake());
  void closed.then(() => { open = false; });
  if (stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array) { channel.end(stdin); return; }
  for await (const chunk of stdin) {
    if (!open) return;
    if (!channel.write(chunk)) await Promise.race([new Promise<void>(resolve => { wake = resolve; }), closed]);
  }
  channel.end();
}

/** Ends what runs on the channel: its process group by a second channel, since sshd neither forwards signals reliably nor kills on close. */
async function endRemote(client: Client, channel: ClientChannel, group: () => number | undefined, closed: Promise<void>): Promise<void> {
  const gone = closed.then(() => true);
  const within = (milliseconds: number): Promise<boolean> => Promise.race([gone, sleep(milliseconds, false, { ref: false })]);
  // The line with the group may still be on its way.
  for (let i = 0; group() === undefined && i < 20; i++) if (await within(50)) return;
  const id = group();
  const kill = async (command: string): Promise<void> => {
    try {
      const second = await openExec(client, command, false);
      second.channel.resume();
      second.channel.stderr.resume();
      await Promise.race([second.closed, sleep(grace, undefined, { ref: false })]);
    } catch { /* the connection is gone, or has no channel left: the channel itself is closed below */ }
  };
  if (id !== undefined && id > 1) {
    await kill(`kill -TERM -${id}`);
    if (await within(grace)) return;
    // What runs under sudo belongs to root, and takes no signal from us.
    await kill(`kill -KILL -${id}; sudo -n kill -KILL -${id}`);
    if (await within(grace)) return;
  }
  channel.close();
  if (await within(grace)) return;
  // A channel that is not even closed stands on a dead connection.
  channel.push(null);
  channel.stderr.push(null);
  channel.emit('close');
}
