/** Programs in a Unix guest that set it up (ansible-playbook, puppet, salt-call …): a folder there for what they read, and the command line that runs them. */
import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { errors, messageOf } from '../../errors.js';
import { endedHow } from '../communicators/unix-files.js';
import type { Communicator, Context, Exit } from '../driver.js';
import { Tail } from '../host/script.js';
import { quotePath } from './quote.js';

const fail = errors('GUEST_PROGRAM', {
  FAILED: {
    message: (what: string, how: string, said: string) => `${what} ${how}${said === '' ? '. It printed nothing.' : `. It said:\n${said}`}`,
    remedy: 'Its whole output is in the log.',
    explain: 'A program that sets the guest up ended with an exit code that does not count as success, or by a signal.',
  },
  MISSING: {
    message: (what: string, said: string, _install: string) => `${what} ended with 127: the guest does not have a program that it needs${said === '' ? '.' : `. It said:\n${said}`}`,
    remedy: (_what: string, _said: string, install: string) => install,
  },
  DISCONNECTED: {
    message: (what: string, reason: string, said: string) => `The connection to the guest was lost while ${what} ran, so it is not known how it ended (${reason})${said === '' ? '.' : `. It had said:\n${said}`}`,
    remedy: 'Where it reboots the guest, let it not: put a RebootProvisioner behind it.',
    explain: 'A step has succeeded only if its exit status arrived.',
  },
  WINDOWS: { message: (what: string) => `${what} is for Unix guests, and this one runs Windows.` },
});

/** A folder in the guest for the time of a step. */
export class Staging {
  constructor(readonly path: string, private readonly guest: Communicator, private readonly ctx: Context) {}
  /** Sends a file or folder; where it lies then. `name`: its place in the folder, its own name when left out. */
  async send(from: string, kind: 'file' | 'folder', name = basename(from)): Promise<string> {
    const to = `${this.path}/${name}`, source = from.replace(/(?<=.)\/+$/, '');
    if (kind === 'folder') await this.guest.uploadFolder(source, to, { signal: this.ctx.signal });
    else await this.guest.upload(source, to, { signal: this.ctx.signal });
    return to;
  }
  /** Writes a text that nobody else may read; where it lies. */
  async write(text: string, name: string): Promise<string> {
    const to = `${this.path}/${name}`;
    await this.guest.upload(Buffer.from(text), to, { mode: 0o600, signal: this.ctx.signal });
    return to;
  }
}

/**
 * Makes a folder in the guest, works with it and removes it, whatever comes of the work. A `folder` that the user named is kept, unless `clean` says otherwise;
 * one of ours goes, unless `clean` is false.
 */
export async function staged<T>(what: string, where: { readonly folder?: string | undefined; readonly clean?: boolean | undefined }, guest: Communicator, ctx: Context, work: (staging: Staging) => Promise<T>): Promise<T> {
  if (guest.guest === 'windows') throw fail.WINDOWS(what);
  const path = where.folder?.replace(/(?<=.)\/+$/, '') ?? `/tmp/bake-${randomUUID().slice(0, 8)}`, ours = where.folder === undefined;
  await runInGuest(`making the folder ${path}`, `mkdir -p ${quotePath(path)}${ours ? ` && chmod 700 ${quotePath(path)}` : ''}`, guest, ctx, { quiet: true });
  try { return await work(new Staging(path, guest, ctx)); } finally {
    // What a program wrote there as root, root must remove. A cancelled step still cleans up, for a moment.
    if (where.clean ?? ours) await remove(path, guest).catch(error => { ctx.warn(`The folder ${path} could not be removed from the guest: ${messageOf(error)}`, 'STAGING_STAYS'); });
  }
}

async function remove(path: string, guest: Communicator): Promise<void> {
  const folder = quotePath(path), exit = await guest.exec(`rm -rf ${folder} 2>/dev/null || sudo -n rm -rf ${folder}`, { signal: AbortSignal.timeout(30_000) });
  if (exit.how === 'exited' && exit.code !== 0) throw new Error(`rm ended with ${exit.code}`);
}

export interface GuestRun {
  /** Exit codes that count as success. @default [0] */
  readonly accept?: readonly number[];
  /** Every other exit code passes too, with a warning of this code that names the option `by` which the user set. Undefined: none does. */
  readonly letPass?: { readonly by: string; readonly code: string } | undefined;
  /** How to get the program, for an error that says it is not there. */
  readonly install?: string;
  /** Its output is not shown. @default false */
  readonly quiet?: boolean;
  readonly read?: (text: string) => void;
  /** What an exit code means: `4` -> `some resources failed`. */
  readonly meaning?: (code: number) => string | undefined;
}

/** Runs lines of a shell script; what they run finds its input empty. Returns the exit code where it is accepted. Throws GUEST_PROGRAM_… with the end of what was said. */
export async function runInGuest(what: string, script: string, guest: Communicator, ctx: Context, options: GuestRun = {}): Promise<number> {
  if (guest.guest === 'windows') throw fail.WINDOWS(what);
  const tail = new Tail(), lines = `exec </dev/null\n${script}\n`;
  // The script travels by standard input, so that nothing of it stands in a command line; a terminal would echo it, and has none of its own.
  const file = `/tmp/.bake-${randomUUID().slice(0, 8)}`, terminal = guest.pty === true && options.quiet !== true;
  if (terminal) await guest.upload(Buffer.from(lines), file, { mode: 0o600, signal: ctx.signal });
  const exit: Exit = await guest.exec(terminal ? `eval "$(cat ${file}; rm -f ${file})"` : 'eval "$(cat)"', {
    ...(terminal ? { pty: true } : { stdin: lines }), signal: ctx.signal,
    ...tail.listen(ctx, options),
  });
  const meaning = exit.how === 'exited' ? options.meaning?.(exit.code) : undefined;
  if (exit.how === 'exited' && (options.accept ?? [0]).includes(exit.code)) return exit.code;
  if (exit.how === 'exited' && options.letPass !== undefined) {
    ctx.warn(`${what} ${endedHow(exit, meaning)}, which ${options.letPass.by} lets pass.`, options.letPass.code);
    return exit.code;
  }
  const said = tail.text(15), facts = { facts: { exit } };
  if (exit.how === 'disconnected') throw fail.DISCONNECTED(what, exit.reason ?? 'no reason known', said, facts);
  if (exit.how === 'exited' && exit.code === 127) throw fail.MISSING(what, said, options.install ?? 'Install it in an earlier step.', facts);
  throw fail.FAILED(what, endedHow(exit, meaning), said, facts);
}

/** What a command begins with to be run as root: nothing where it is root who is logged in, or where it shall not be. */
export async function becomeRoot(never: boolean, guest: Communicator, ctx: Context): Promise<'' | 'sudo '> {
  if (never) return '';
  let uid = '';
  await runInGuest('asking who is logged in', 'id -u', guest, ctx, { quiet: true, read: text => { uid += text; } });
  return uid.trim() === '0' ? '' : 'sudo ';
}
