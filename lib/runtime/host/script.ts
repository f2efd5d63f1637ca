/** Runs scripts on this computer, for the shell-local provisioner and post-processor. */
import { chmod, readFile, stat, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { ShellLocalFields } from '../../constructs/shared/shell-local.js';
import { errors } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { Context, PreflightProblem } from '../driver.js';
import { fillTemplate, templateProblems } from '../formats/go-template.js';
import { packerVariables } from '../packer-names.js';
import { describeExit, runProcess } from './process.js';

const fail = errors('SHELL_LOCAL', {
  FAILED: {
    message: (what: string, how: string, said: string) => `${what} ${how}${said === '' ? '.' : `. It said:\n${said}`}`,
    remedy: 'Its whole output is in the log. Other exit codes can be allowed with validExitCodes.',
    explain: 'A script on this computer ended with an exit code that does not count as success.',
  },
  NAME: { message: (name: string) => `'${name}' is no name of an environment variable.`, remedy: 'Use letters, digits and underscores.' },
});

type Props = ResolvedOf<ShellLocalFields>;

/** Go's names of operating systems beside Node's. */
const systems: { readonly [node: string]: readonly string[] } = { win32: ['win32', 'windows'], linux: ['linux'], darwin: ['darwin'], freebsd: ['freebsd'], openbsd: ['openbsd'] };

export function scriptProblems(props: Partial<Props>): PreflightProblem[] {
  const names = Object.keys(props.environment ?? {}).filter(name => !/^[A-Za-z_]\w*$/.test(name)).map(name => {
    const { code, message, remedy } = fail.NAME(name);
    return { code, message, field: `environment.${name}`, ...(remedy === undefined ? {} : { remedy }) };
  });
  return [...names, ...(props.executeCommand ?? []).flatMap((word, i) => templateProblems(word, ['Script', 'Command', 'Vars'], `executeCommand[${i}]`))];
}

/** Runs what the props say. Throws SHELL_LOCAL_FAILED with the end of the output. */
export async function runHostScripts(props: Props, ctx: Context, more: { readonly [name: string]: string }): Promise<void> {
  const here = systems[process.platform] ?? [process.platform];
  if (props.onlyOn !== undefined && !props.onlyOn.some(name => here.includes(name))) {
    ctx.note(`Skipped: it runs on ${props.onlyOn.join(', ')} only.`);
    return;
  }
  const inline = props.inline ?? (props.command === undefined ? undefined : [props.command]);
  const scripts = inline ? [await writeScript(inline, props, ctx)] : props.scripts ?? [props.script!];
  for (const script of scripts) await runOne(script, inline ? 'The script' : script, props, ctx, more);
}

/** The lines as a file, so that the script's own shebang and the user's executeCommand mean what they say. */
async function writeScript(lines: readonly string[], props: Props, ctx: Context): Promise<string> {
  const file = join(ctx.temporaryFolder, `script-${randomUUID().slice(0, 8)}${props.tempfileExtension ?? ''}`);
  // Asked in a subshell: a shell without pipefail must not end here.
  const careful = props.inlineShebang === undefined ? '(set -o pipefail) 2>/dev/null && set -o pipefail\n' : '';
  await writeFile(file, `#!${(props.inlineShebang ?? '/bin/sh -e').replace(/^#!/, '')}\n${careful}${lines.join('\n')}\n`, { mode: 0o700 });
  await chmod(file, 0o700);
  return file;
}

async function runOne(script: string, what: string, props: Props, ctx: Context, more: { readonly [name: string]: string }): Promise<void> {
  const [program, ...args] = await commandOf(script, props);
  // Volatile: the process is gone with this computer. It is found by the mark in its environment.
  const entry = await ctx.journal.intend({ driver: 'host/process', what: 'script on this computer', name: ctx.path, data: {}, volatile: true });
  const tail = new Tail();
  const exit = await runProcess(program!, args, {
    cwd: ctx.programFolder, signal: ctx.signal,
    env: {
      ...ctx.environment, ...packerVariables(ctx), PACKER_RUN_UUID: ctx.run.uuid,
      BAKE_TARGET: ctx.target, BAKE_BUILD: ctx.build.name, BAKE_SOURCE: ctx.build.sourceName, BAKE_RUN: ctx.run.id, ...more, ...props.environment, BAKE_JOURNAL: entry.id,
    },
    ...tail.listen(ctx),
  }).finally(() => entry.gone());
  if (exit.how === 'exited' && props.validExitCodes.includes(exit.code)) return;
  throw fail.FAILED(what, describeExit(exit), tail.text(), { facts: { exit } });
}

async function commandOf(script: string, props: Props): Promise<string[]> {
  if (props.executeCommand !== undefined) return props.executeCommand.map(word => fillTemplate(word, { Script: script, Command: script, Vars: '' }).trim()).filter(word => word !== '');
  if (((await stat(script)).mode & 0o111) !== 0) return [script];
  // Not executable, as files from an archive or from Windows often are: its first line says what reads it.
  const first = (await readFile(script, 'utf8')).split('\n', 1)[0]!.trim();
  return first.startsWith('#!') ? [...first.slice(2).trim().split(/\s+/), script] : ['/bin/sh', script];
}

/** The last lines of an output, for the error's message. */
export class Tail {
  #text = '';
  push(chunk: Uint8Array): void { this.#text = (this.#text + Buffer.from(chunk).toString('utf8')).slice(-4096); }
  /** Where a command's output goes: it is remembered here, and shown and written to the log, unless it is `quiet`. `read` is given what comes on standard output. */
  listen(ctx: Pick<Context, 'output'>, { quiet = false, read }: { readonly quiet?: boolean | undefined; readonly read?: ((text: string) => void) | undefined } = {}): { readonly stdout: (chunk: Uint8Array) => void; readonly stderr: (chunk: Uint8Array) => void } {
    const hear = (stream: 'stdout' | 'stderr') => (chunk: Uint8Array): void => {
      this.push(chunk);
      if (stream === 'stdout') read?.(Buffer.from(chunk).toString('utf8'));
      if (!quiet) ctx.output(stream, chunk);
    };
    return { stdout: hear('stdout'), stderr: hear('stderr') };
  }
  /** Without what only a terminal understands; of a very long line its end. */
  text(lines = 8): string {
    const plain = stripVTControlCharacters(this.#text).replaceAll('\r\n', '\n').replace(/[^\P{Cc}\n\t]/gu, '\uFFFD').trimEnd();
    return plain.split('\n').slice(-lines).map(line => (line.length > 600 ? `… ${line.slice(-600)}` : line)).join('\n');
  }
}
