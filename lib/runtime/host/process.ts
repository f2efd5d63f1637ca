/** Programs of this computer: each in a process group of its own, ended as a whole, its output passed on as it comes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { errors } from '../../errors.js';
import type { Exit } from '../driver.js';
import { cancellation } from '../retry.js';

const fail = errors('PROCESS', {
  NOT_FOUND: {
    message: (name: string) => `The program '${name}' is not installed (or not in PATH).`,
    remedy: (name: string) => packages[name] === undefined ? `Install it, or put it into PATH.` : `Install it: apt-get install ${packages[name]} (Debian, Ubuntu), or your system's package of it.`,
    explain: 'A step calls a program of this computer that is not there.',
  },
  NOT_STARTED: { message: (name: string, why: string) => `The program '${name}' cannot be started: ${why}.`, remedy: 'Look at its permissions and at the folder it is started in.' },
  FAILED: {
    message: (name: string, how: string, said: string) => `${name} ${how}${said === '' ? '.' : `: ${said}`}`,
    remedy: 'Run it by hand to see all that it says, in the folder and with the environment that it is given here.',
    explain: 'A program of this computer ended with an error; the message has the end of what it said.',
  },
  TOO_LONG: { message: (name: string, seconds: number) => `${name} did not end within ${seconds} s, and was stopped.`, remedy: 'Look at what it waits for; if it only needs longer, raise the timeout.' },
});

/** Which Debian package a program is in, where the name differs or is worth saying. */
const packages: { readonly [program: string]: string } = {
  'qemu-img': 'qemu-utils', 'qemu-nbd': 'qemu-utils', 'qemu-system-x86_64': 'qemu-system-x86', 'qemu-system-aarch64': 'qemu-system-arm', mmdebstrap: 'mmdebstrap', xorriso: 'xorriso',
  mcopy: 'mtools', 'mkfs.vfat': 'dosfstools', docker: 'docker.io', ssh: 'openssh-client', sshd: 'openssh-server', 'ssh-keygen': 'openssh-client', sftp: 'openssh-client', scp: 'openssh-client',
  'ansible-playbook': 'ansible', ansible: 'ansible', puppet: 'puppet', rsync: 'rsync', zstd: 'zstd', pigz: 'pigz', git: 'git', tar: 'tar', gzip: 'gzip', xz: 'xz-utils', bsdtar: 'libarchive-tools',
};

export interface ProcessOptions {
  readonly cwd?: string;
  /** The whole environment; this process's own when left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to standard input, which then ends. Nothing: empty. */
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Raw bytes as they come. Awaited: a slow reader slows the program. */
  readonly stdout?: (chunk: Buffer) => void | Promise<void>;
  readonly stderr?: (chunk: Buffer) => void | Promise<void>;
  /** Ends the whole group, then the promise is rejected. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds between TERM and KILL. @default 5000 */
  readonly grace?: number;
  /** Milliseconds until it is stopped, with PROCESS_TOO_LONG. */
  readonly timeout?: number | undefined;
  /** Called once it runs. */
  readonly started?: (child: ChildProcess) => void;
}

/** Runs a program to its end. Resolves for every way a program can end; throws when it cannot start, on cancellation and on timeout. */
export async function runProcess(file: string, args: readonly string[], options: ProcessOptions = {}): Promise<Exit> {
  const { signal, grace = 5000, timeout } = options;
  if (signal?.aborted) throw cancellation(signal);
  const child = await start(file, args, options);
  options.started?.(child);
  let stopped: unknown, ending: Promise<void> | undefined;
  const stop = (why: unknown): void => { stopped ??= why; ending ??= endGroup(child.pid!, grace); };
  const onAbort = (): void => stop(cancellation(signal!));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const timer = timeout === undefined ? undefined : setTimeout(() => stop(fail.TOO_LONG(file, Math.round(timeout / 100) / 10)), timeout);
  try {
    const ended = new Promise<Exit>(resolve => child.once('exit', (code, name) => resolve(code === null ? { how: 'signalled', signal: name! } : { how: 'exited', code })));
    const read = Promise.all([pass(child.stdout!, options.stdout), pass(child.stderr!, options.stderr), feed(child, options.stdin)]).catch(error => stop(error));
    const exit = await ended;
    await ending;
    // A daemon that the program left keeps the pipes open: what was said until now is enough.
    await Promise.race([read, new Promise(resolve => setTimeout(resolve, 1000).unref())]);
    if (stopped !== undefined) throw stopped;
    return exit;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    child.stdout!.destroy();
    child.stderr!.destroy();
  }
}

/** Runs a program and returns its standard output. Any other end than 0 throws PROCESS_FAILED with the end of what it said. */
export async function capture(file: string, args: readonly string[], options: Omit<ProcessOptions, 'stdout' | 'stderr'> = {}): Promise<string> {
  const out: Buffer[] = [], err: Buffer[] = [];
  const exit = await runProcess(file, args, { ...options, stdout: chunk => { out.push(chunk); }, stderr: chunk => { err.push(chunk); } });
  const text = Buffer.concat(out).toString('utf8');
  if (exit.how === 'exited' && exit.code === 0) return text;
  const said = (Buffer.concat(err).toString('utf8').trim() || text.trim()).split('\n').slice(-5).join('\n');
  throw fail.FAILED(file, describeExit(exit), said, { facts: { exit } });
}

/** `ended with code 7`, `was ended by SIGKILL`, `lost its connection`. */
export function describeExit(exit: Exit): string {
  switch (exit.how) {
    case 'exited': return `ended with code ${exit.code}`;
    case 'signalled': return `was ended by ${exit.signal}`;
    case 'disconnected': return `lost its connection${exit.reason === undefined ? '' : ` (${exit.reason})`}`;
  }
}

/** Ends a process group: TERM, and KILL for what is still there after the grace. Resolves when the group is gone. */
export async function endGroup(pid: number, grace = 5000): Promise<void> {
  if (!signalGroup(pid, 'SIGTERM')) return;
  // A stopped process takes its TERM only when it goes on.
  signalGroup(pid, 'SIGCONT');
  const end = performance.now() + grace;
  for (let killed = false; groupLives(pid);) {
    if (!killed && performance.now() > end) { signalGroup(pid, 'SIGKILL'); killed = true; }
    else if (killed && performance.now() > end + 5000) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Whether anything of a group still runs. The dead whom nobody buried (a container without an init) do not count. */
function groupLives(group: number): boolean {
  if (!signalGroup(group, 0)) return false;
  if (process.platform !== 'linux') return true;
  return readdirSync('/proc').some(name => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8'), columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return columns[2] === String(group) && columns[0] !== 'Z' && columns[0] !== 'X';
    } catch { return false; }
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try { return process.kill(-pid, signal); } catch { return false; }
}

function start(file: string, args: readonly string[], options: ProcessOptions): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...(options.cwd === undefined ? {} : { cwd: options.cwd }), env: options.env ?? process.env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    child.once('spawn', () => resolve(child));
    child.once('error', (error: NodeJS.ErrnoException) => reject(
      error.code === 'ENOENT' && (error.path === undefined || error.path === file) && !cwdMissing(options.cwd) ? fail.NOT_FOUND(file, { cause: error })
        : fail.NOT_STARTED(file, cwdMissing(options.cwd) ? `its folder ${options.cwd} does not exist` : error.message, { cause: error })));
  });
}

const cwdMissing = (cwd: string | undefined): boolean => cwd !== undefined && !existsSync(cwd);

async function pass(stream: NodeJS.ReadableStream, to: ((chunk: Buffer) => void | Promise<void>) | undefined): Promise<void> {
  try {
    for await (const chunk of stream) await to?.(chunk as Buffer);
  } catch (error) {
    // The stream is destroyed on purpose when the program is done and a daemon still holds it.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function feed(child: ChildProcess, input: ProcessOptions['stdin']): Promise<void> {
  const stdin = child.stdin!;
  // A program that does not read its input is no error.
  stdin.on('error', () => {});
  if (input !== undefined && (typeof input === 'string' || input instanceof Uint8Array)) { stdin.end(input); return; }
  if (input !== undefined) {
    for await (const chunk of input) {
      if (stdin.destroyed) break;
      if (!stdin.write(chunk)) await new Promise<void>(resolve => {
        const go = (): void => { stdin.off('drain', go).off('close', go); resolve(); };
        stdin.on('drain', go).on('close', go);
      });
    }
  }
  stdin.end();
}
