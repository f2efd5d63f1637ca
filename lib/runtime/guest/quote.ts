/** Quoting for POSIX shells: text in, one word out that means exactly this text. */
import { errors } from '../../errors.js';

const fail = errors('QUOTE', {
  NUL: { message: (what: string) => `${what} contains a NUL character, which no command line or environment can carry.`, remedy: 'Take the character out, or put the value into a file and upload that.' },
  NAME: { message: (name: string) => `'${name}' is no name of an environment variable.`, remedy: 'Use letters, digits and underscores, and do not begin with a digit.' },
});

/** One word for `sh`, `bash`, `dash`, `zsh`, `ksh` and busybox: single quotes, or as it is where nothing in it is special. */
export function quote(text: string): string {
  if (text.includes('\0')) throw fail.NUL('A command line');
  return /^[\w@%+=:,./-]+$/.test(text) && !/^\w*=/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A path as one word that no command takes for an option. */
export function quotePath(path: string): string {
  return quote(path.startsWith('-') ? `./${path}` : path);
}

/** `NAME='value'` for a shell. */
export function assignment(name: string, value: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) throw fail.NAME(name);
  if (value.includes('\0')) throw fail.NUL(`The value of ${name}`);
  return `${name}='${value.replaceAll("'", `'\\''`)}'`;
}

/** Shell lines that set and export each variable; empty text for none. */
export function exports(environment: { readonly [name: string]: string }): string {
  return Object.entries(environment).map(([name, value]) => `export ${assignment(name, value)}\n`).join('');
}
