/** One script for a Unix guest, as one text for its shell: writes the script, sets its variables, runs it, removes it. */
import { isUtf8 } from 'node:buffer';
import { fillTemplate } from '../formats/go-template.js';
import { exports, quote, quotePath } from './quote.js';

export interface Script {
  readonly content: Buffer;
  /** Where it lies in the guest while it runs. */
  readonly path: string;
  /** Run by the kernel, not by what its first line names. */
  readonly asIs: boolean;
  /** The user's variables: may be secret. */
  readonly environment: { readonly [name: string]: string };
  /** Ours: never secret. */
  readonly ours: { readonly [name: string]: string };
  /** How to run it: a template that knows `scriptTemplateNames`. */
  readonly executeCommand?: string;
  readonly envVarFile: boolean;
  readonly keep: boolean;
  /** Its exit status must outlive the connection. */
  readonly survives: boolean;
}

export interface Wrapper {
  /** What the guest's shell is given, on its standard input. */
  readonly text: string;
  /** What must be uploaded to the script's path before: the content, where it is too large for the text, or no text. */
  readonly upload: Buffer | undefined;
  /** Variables stand in a command line of the guest. */
  readonly exposes: boolean;
  /** Prints the exit status that the script has left, `running`, or nothing; removes it. */
  readonly status: string;
  /** Removes what is left. */
  readonly clean: string;
}

/** What an `executeCommand` may name. */
export const scriptTemplateNames = ['Path', 'Vars', 'EnvVarFile'] as const;

/** Larger than that a shell takes long to read. */
const largest = 256 * 1024;

/** Whether a shell can hold the bytes in a variable. */
export function isText(content: Uint8Array): boolean { return !content.includes(0); }

export function wrapperOf(script: Script): Wrapper {
  const path = quotePath(script.path), envFile = quotePath(`${script.path}.env`), mine = Object.keys(script.environment).length > 0;
  const words = shebang(script.content), forShell = isText(script.content) && (words === undefined || /^((ba|da|k|mk|z|a)?sh|busybox)$/.test(interpreterOf(words)));
  const custom = script.executeCommand, exposes = custom !== undefined && mine && !script.envVarFile && !forShell && /\{\{[^}]*\.Vars\b/.test(custom);
  const content = custom !== undefined && forShell && mine ? withVariables(script.content, envFile) : script.content;
  const upload = content.length > largest || !isText(content) || !isUtf8(content);
  // What runs as somebody else than root must be able to read what we write.
  const others = custom !== undefined && /\b(su|runuser|doas)\b|\bsudo\b[^|;&]*\s(-u|--user)/.test(custom);
  const unwritten = `|| { echo ${quote(`The script could not be written to ${script.path}: look at the space left in the guest, and at the folder's permissions.`)} >&2; exit 1; }`;
  const set = exports({ ...script.ours, ...script.environment });
  const lines = [
    `trap 'exit 130' INT; trap 'exit 143' TERM; ${script.survives ? `trap '' HUP` : `trap 'exit 129' HUP`}`,
    script.keep ? '' : `trap ${quote(`rm -f ${path} ${envFile} ${quotePath(`${script.path}.run`)}`)} EXIT`,
    script.survives ? `rm -f ${statusFile(script)}; echo $$ >${pidFile(script)}` : '',
    upload ? '' : `(umask ${custom === undefined ? '077' : '022'} && printf %s ${quote(content.toString())} >${path}) ${unwritten}`,
    custom === undefined ? '' : `chmod 755 ${path} || exit`,
    custom !== undefined && (mine || script.envVarFile) ? `(umask ${others ? '022' : '077'} && printf %s ${quote(set)} >${envFile}) ${unwritten}` : '',
    set.trimEnd(),
    custom === undefined ? `${runLine(script, words, path)} </dev/null` : `(${fill(custom, script, exposes)}\n) </dev/null`,
    'code=$?',
    script.survives ? `echo $code >${statusFile(script)}; rm -f ${pidFile(script)}` : '',
    'exit $code',
  ];
  return {
    text: lines.filter(line => line !== '').join('\n') + '\n', upload: upload ? content : undefined, exposes,
    status: `if [ -s ${statusFile(script)} ]; then cat ${statusFile(script)}; elif [ -s ${pidFile(script)} ] && kill -0 "$(cat ${pidFile(script)})" 2>/dev/null; then echo running; fi`,
    clean: script.keep ? ':' : `rm -f ${path} ${envFile} ${quotePath(`${script.path}.run`)} ${statusFile(script)} ${pidFile(script)}`,
  };
}

const statusFile = (script: Script): string => quotePath(`${script.path}.status`);
const pidFile = (script: Script): string => quotePath(`${script.path}.pid`);

/** The words of the first line, as the kernel reads it: the program, and at most one argument. */
function shebang(content: Buffer): readonly string[] | undefined {
  const first = content.toString('latin1', 0, 512).split('\n', 1)[0]!;
  const match = /^#!\s*(\S+)(?:\s+(.*?))?\s*$/.exec(first);
  return match ? [match[1]!, ...(match[2] ? [match[2]] : [])] : undefined;
}

/** By what the first line names, so that nothing needs to be executable: /tmp may be mounted without. */
function runLine(script: Script, words: readonly string[] | undefined, path: string): string {
  if (script.asIs || (words === undefined && !isText(script.content))) return `chmod 755 ${path} && ${path}`;
  return `${(words ?? ['/bin/sh']).map(quote).join(' ')} ${path}`;
}

/** The program that reads the script: `bash` of `/usr/bin/env -S bash -e`. */
function interpreterOf(words: readonly string[]): string {
  const name = (word: string): string => word.slice(word.lastIndexOf('/') + 1);
  if (name(words[0]!) !== 'env') return name(words[0]!);
  return name((words[1] ?? '').split(/\s+/).find(word => !word.startsWith('-') && !word.includes('=')) ?? '');
}

/** The script with a line that reads its variables; after the first line, which must stay the first. */
function withVariables(content: Buffer, envFile: string): Buffer {
  const end = content.toString('latin1', 0, 2) === '#!' ? content.indexOf('\n') + 1 : 0;
  return Buffer.concat([content.subarray(0, end), Buffer.from(`. ${envFile}\n`), content.subarray(end)]);
}

function fill(template: string, script: Script, exposes: boolean): string {
  const variables = script.envVarFile ? {} : exposes ? { ...script.ours, ...script.environment } : script.ours;
  const vars = Object.entries(variables).map(([name, value]) => `${name}='${value.replaceAll(`'`, `'"'"'`)}' `).join('');
  return fillTemplate(template, { Vars: vars, Path: script.path, EnvVarFile: `${script.path}.env` });
}
