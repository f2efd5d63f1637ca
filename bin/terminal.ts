/** Where the command line reads from and writes to. */
import type { Readable, Writable } from 'node:stream';

export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly env: NodeJS.ProcessEnv;
  /** Relative paths on the command line are relative to it. */
  readonly cwd: string;
}

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // `bake list | head` ends the pipe early: nobody reads any more, so nothing is left to say.
  stdout.on('error', error => { if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(process.exitCode ?? 0); });
  return { stdin, stdout, stderr, env, cwd: process.cwd() };
}
