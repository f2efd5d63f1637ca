/** Checksums as people write them: `sha256:…`, a bare sum, `file:` and a list such as SHA256SUMS, or `none`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errors } from '../../errors.js';
import { fetchReason } from './fetch-reason.js';
import { fetchHere, shownAddress } from './fetch.js';
import { cancellation, soon } from '../retry.js';

const fail = errors('CHECKSUM', {
  FORM: {
    message: (text: string) => `'${text}' is no checksum.`,
    remedy: 'Write sha256: and 64 hexadecimal digits (or md5, sha1, sha512), file: and the path or URL of a list, or none.',
  },
  LIST: { message: (list: string, why: string) => `The list of checksums ${list} cannot be read: ${why}.`, remedy: 'Check the path or the URL; relative paths are relative to the program\'s folder.' },
  NOT_LISTED: { message: (list: string, name: string) => `The list of checksums ${list} has no line for ${name}.`, remedy: 'Look at the names in the list, or give the checksum itself.' },
  WRONG: {
    message: (file: string, expected: string, found: string) => `The checksum of ${file} is wrong.\n  expected ${expected}\n  found    ${found}`,
    remedy: 'If the file was meant to change, write the new checksum; else get the file again from a source that you trust.',
    explain: 'The file is not the one that the program names: it was changed, replaced, or arrived incomplete.',
  },
});

export interface Checksum { readonly algorithm: 'md5' | 'sha1' | 'sha256' | 'sha512'; readonly hex: string }
const lengths = { 32: 'md5', 40: 'sha1', 64: 'sha256', 128: 'sha512' } as const;
export const checksumText = ({ algorithm, hex }: Checksum): string => `${algorithm}:${hex}`;

/** Reads a checksum as it is written in a program; undefined: nothing to check. `name` is the file's, for lists. Lists given by URL are fetched. */
export async function readChecksum(text: string | undefined, name: string, options: { readonly folder: string; readonly signal?: AbortSignal }): Promise<Checksum | undefined> {
  if (text === undefined || text === 'none' || text === '') return undefined;
  if (text.startsWith('file:')) return fromList(text.slice(5), name, options);
  return parse(text) ?? (() => { throw fail.FORM(text); })();
}

/** What is wrong with a checksum's form, without looking anything up. */
export function checksumProblem(text: string): string | undefined {
  return text === 'none' || text.startsWith('file:') || parse(text) !== undefined ? undefined : fail.FORM(text).message;
}

function parse(text: string): Checksum | undefined {
  const match = /^(?:(md5|sha1|sha256|sha512):)?([0-9a-f]+)$/i.exec(text.trim());
  if (match === null) return undefined;
  const hex = match[2]!.toLowerCase(), algorithm = lengths[hex.length as keyof typeof lengths];
  return algorithm === undefined || (match[1] !== undefined && match[1].toLowerCase() !== algorithm) ? undefined : { algorithm, hex };
}

async function fromList(list: string, name: string, { folder, signal }: { readonly folder: string; readonly signal?: AbortSignal }): Promise<Checksum> {
  let text: string;
  try {
    if (/^https?:/.test(list)) {
      const answer = await fetchHere(list, { signal: soon(60_000, signal) });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      text = await answer.text();
    } else text = await readFile(list.startsWith('//') ? fileURLToPath(`file:${list}`) : resolve(folder, list), 'utf8');
  } catch (error) { throw signal?.aborted ? cancellation(signal) : fail.LIST(shownAddress(list), (error as Error).name === 'TimeoutError' ? 'no answer within 60 s' : fetchReason(error), { cause: error }); }
  const found = linesOf(text).find(line => line.name === name) ?? linesOf(text).find(line => basename(line.name) === basename(name)) ?? only(linesOf(text));
  if (found === undefined) throw fail.NOT_LISTED(shownAddress(list), name);
  return found.sum;
}
/** A list of one sum without a name is that file's. */
const only = (lines: readonly Line[]): Line | undefined => lines.length === 1 && lines[0]!.name === '' ? lines[0] : undefined;

interface Line { readonly name: string; readonly sum: Checksum }
/** `sum  name`, `sum *name`, `SHA256 (name) = sum`, or a bare sum. */
function linesOf(text: string): Line[] {
  return text.split('\n').flatMap(line => {
    const bsd = /^\s*(MD5|SHA1|SHA256|SHA512) \((.*)\) = ([0-9a-f]+)\s*$/i.exec(line), gnu = /^\s*\\?([0-9a-f]{32,128})(?:\s+[* ]?(\S.*?))?\s*$/i.exec(line);
    const [name, hex] = bsd !== null ? [bsd[2]!, bsd[3]!] : gnu !== null ? [gnu[2] ?? '', gnu[1]!] : ['', ''];
    const sum = parse(hex);
    return sum === undefined ? [] : [{ name: name.replace(/^\.\//, ''), sum }];
  });
}

/** The sum of a file's contents, in hexadecimal. */
export async function hashFile(file: string, algorithm: Checksum['algorithm'] = 'sha256', options: { readonly signal?: AbortSignal; readonly progress?: (bytes: number) => void } = {}): Promise<string> {
  const hash = createHash(algorithm);
  let done = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    if (options.signal?.aborted) throw cancellation(options.signal);
    hash.update(chunk as Buffer);
    options.progress?.(done += (chunk as Buffer).length);
  }
  return hash.digest('hex');
}

/** Throws CHECKSUM_WRONG, with both sums, where a file is another. */
export async function checkFile(file: string, expected: Checksum, options: { readonly signal?: AbortSignal; readonly progress?: (bytes: number) => void } = {}): Promise<void> {
  const hex = await hashFile(file, expected.algorithm, options);
  if (hex !== expected.hex) throw fail.WRONG(file, checksumText(expected), checksumText({ algorithm: expected.algorithm, hex }));
}
