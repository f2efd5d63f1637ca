/** A script of a step in a Windows guest: run through PowerShell's standard input, and judged by its exit code. */
import { errors } from '../../errors.js';
import { endedHow } from '../communicators/unix-files.js';
import type { Communicator, Context, ExecOptions } from '../driver.js';
import { atStart, startInGuest } from './scripts.js';
import { Tail } from '../host/script.js';
import { powershellInput } from './powershell.js';
import { removeText } from './windows-script.js';

const fail = errors('WINDOWS', {
  FAILED: {
    message: (what: string, how: string, said: string) => `${atStart(what)} ${how}${said === '' ? '. It printed nothing.' : `. It said:\n${said}`}`,
    remedy: 'Its whole output is in the log. Other exit codes can be allowed with validExitCodes.',
    explain: 'A script in the guest ended with an exit code that does not count as success.',
  },
  DISCONNECTED: {
    message: (what: string, reason: string, said: string) => `The connection to the guest was lost while ${what} ran, so it is not known how it ended (${reason})${said === '' ? '.' : `. It had said:\n${said}`}`,
    remedy: 'Where the script restarts the guest or its network, let it end first, and restart with the windows-restart provisioner.',
    explain: 'A step has succeeded only if its exit status arrived.',
  },
  NOT_STARTED: { message: (what: string, seconds: number, reason: string) => `${atStart(what)} could not be started: the guest was not there for ${seconds} s (${reason}).`, remedy: 'Look at a screenshot of it. startRetryTimeout says how long a guest may be away.' },
  UNIX: { message: (type: string) => `The ${type} provisioner is for Windows guests, and this one is none.`, remedy: 'Use the shell provisioner.' },
});

export interface WindowsStep {
  /** For messages: `the script`, `the script setup.ps1`. */
  readonly what: string;
  readonly validExitCodes: readonly number[];
  readonly startRetryTimeout: { readonly $duration: number };
  readonly script: NonNullable<ExecOptions['script']>;
}

/** Throws WINDOWS_UNIX where the guest runs something else. */
export function mustBeWindows(guest: Communicator, type: string): void { if (guest.guest !== 'windows') throw fail.UNIX(type); }

/** Runs what PowerShell is given (`text`), or a command line, and judges its end. `before` is done whenever it is tried. Throws WINDOWS_FAILED, WINDOWS_DISCONNECTED, WINDOWS_NOT_STARTED. */
export async function runWindowsStep(step: WindowsStep, run: { readonly text: string; readonly executionPolicy?: string } | { readonly command: string }, guest: Communicator, ctx: Context, before: () => Promise<void> = async () => {}): Promise<void> {
  const tail = new Tail(), line: { readonly command: string; readonly stdin?: string } = 'text' in run ? powershellInput(run.text, run) : run;
  const exit = await startInGuest(step.startRetryTimeout, guest, ctx, (seconds, reason) => fail.NOT_STARTED(step.what, seconds, reason), async () => {
    await before();
    return guest.exec(line.command, {
      ...(line.stdin === undefined ? {} : { stdin: line.stdin }), signal: ctx.signal, script: step.script,
      ...tail.listen(ctx),
    });
  });
  if (exit.how === 'disconnected') throw fail.DISCONNECTED(step.what, exit.reason ?? 'no reason known', tail.text());
  if (exit.how === 'exited' && step.validExitCodes.includes(exit.code >>> 0)) return;
  throw fail.FAILED(step.what, endedHow(exit), tail.text(12), { facts: { exit } });
}

/** Removes what a step has left in the guest; a guest that is gone keeps it. */
export async function removeFiles(guest: Communicator, paths: readonly string[]): Promise<void> {
  const { command, stdin } = powershellInput(removeText(paths));
  await guest.exec(command, { stdin }).catch(() => {});
}
