/** The communicator to this computer: for sources without a machine, and what runs commands here. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Communicator, ExecOptions, Exit } from '../driver.js';
import * as unix from './unix-files.js';

/** Milliseconds between asking the processes to end and ending them. */
const grace = 2000;
/** Milliseconds without output after the command ended: only then is a process that it left behind still holding the pipes. */
const lingering = 5000;

/** This computer as a guest. `folder`: where commands run. `environment`: what they see; this process' own when left out. */
export function localCommunicator(options: { readonly folder?: string; readonly environment?: NodeJS.ProcessEnv } = {}): Communicator {
  const exec = (command: string, how: ExecOptions = {}): Promise<Exit> => runLocal(spawn('/bin/sh', ['-c', command], {
    detached: true, stdio: 'pipe', ...(options.folder === undefined ? {} : { cwd: options.folder }), ...(options.environment ? { env: options.environment } : {}),
  }), how);
  return {
    guest: 'unix', endpoint: { type: 'local' }, exec: async (command, how) => { how?.signal?.throwIfAborted(); return exec(command, how); },
    upload: (from, to, how) => unix.uploadFile(exec, from, to, how),
    download: (from, to, how) => unix.downloadFile(exec, from, to, how),
    uploadFolder: (from, to, how) => unix.uploadFolder(exec, from, to, how),
    downloadFolder: (from, to, how) => unix.downloadFolder(exec, from, to, how),
    reconnect: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Follows a process that was started as the leader of its own group (`detached`) to its end. Throws when cancelled or it cannot start. */
export async function runLocal(child: ChildProcess, options: ExecOptions): Promise<Exit> {
  let failure: { readonly error: unknown } | undefined, last = Date.now(), busy = 0;
  const kill = (signal: NodeJS.Signals): void => { if (child.pid) try { process.kill(-child.pid, signal); } catch { /* all have ended */ } };
  const end = async (error: unknown): Promise<void> => {
    failure ??= { error };
    kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await Promise.race([new Promise(resolve => { child.once('exit', resolve); }), sleep(grace, undefined, { ref: false })]);
    kill('SIGKILL');
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const pump = async (stream: Readable | null, sink: ExecOptions['stdout']): Promise<void> => {
    try {
      for await (const chunk of stream ?? []) {
        last = Date.now();
        busy += 1;
        try { await sink?.(chunk as Buffer); } catch (error) { void end(error); } finally { busy -= 1; last = Date.now(); }
      }
    } catch { /* the pipes were closed by `end` */ }
  };
  const cancel = (): void => { void end(options.signal!.reason); };
  if (options.signal?.aborted) cancel(); else options.signal?.addEventListener('abort', cancel, { once: true });
  const out = Promise.all([pump(child.stdout, options.stdout), pump(child.stderr, options.stderr)]);
  void feed(child, options.stdin).catch(end);
  let linger: NodeJS.Timeout | undefined;
  try {
    const exit = await new Promise<Exit>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code === null ? { how: 'signalled', signal: (signal ?? 'unknown').replace(/^SIG/, '') } : { how: 'exited', code }));
    });
    last = Date.now();
    linger = setInterval(() => { if (busy === 0 && Date.now() - last > lingering) { child.stdout?.destroy(); child.stderr?.destroy(); } }, 1000);
    await out;
    if (failure) throw failure.error;
    return exit;
  } finally {
    clearInterval(linger);
    options.signal?.removeEventListener('abort', cancel);
  }
}

async function feed(child: ChildProcess, stdin: ExecOptions['stdin']): Promise<void> {
  const pipe = child.stdin;
  if (!pipe) return;
  let open = true;
  // A process may end without reading its input.
  pipe.on('error', () => { open = false; }).on('close', () => { open = false; });
  if (stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array) { pipe.end(stdin); return; }
  for await (const chunk of stdin) {
    if (!open) return;
    if (!pipe.write(chunk)) await new Promise<void>(resolve => {
      const on = (): void => { pipe.off('drain', on).off('close', on); resolve(); };
      pipe.on('drain', on).on('close', on);
    });
  }
  pipe.end();
}

