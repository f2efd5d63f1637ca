/** Packs folders and files as tar streams: what they travel in to guests and container engines. `untar.ts` is the way back. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setImmediate as breathe } from 'node:timers/promises';
import { errors } from '../../errors.js';

const fail = errors('TAR', {
  CHANGED: { message: (path: string) => `${path} changed while it was read.`, remedy: 'Let nothing write to it while it is sent.' },
});

export interface PackOptions {
  /** Owner of all entries. @default 0 */
  readonly uid?: number;
  /** Group of all entries. @default 0 */
  readonly gid?: number;
  /** Modification time of all entries, in seconds; each file's own when left out. */
  readonly mtime?: number;
  /** Put in front of every name: `srv/www/`. */
  readonly prefix?: string;
}

const smallFile = 256 * 1024;
const chunkSize = 512 * 1024;
/** What comes behind the last file. */
export const endOfArchive = Buffer.alloc(1024);
type Kind = '0' | '2' | '5';

/**
 * Packs what a folder holds, not the folder itself, sorted by name: files, links and folders with their modes. Names may be any bytes.
 * Sockets, pipes and devices are left out.
 */
export async function* packFolder(folder: string, options: PackOptions = {}): AsyncGenerator<Buffer, void, undefined> {
  let held: Buffer[] = [], size = 0;
  const hold = (...parts: Buffer[]): void => { for (const part of parts) { held.push(part); size += part.length; } };
  const take = (): Buffer => { const out = Buffer.concat(held); held = []; size = 0; return out; };
  for (const { path, name } of walk(Buffer.from(folder), Buffer.from(options.prefix ?? ''))) {
    const stat = lstatSync(path);
    const head = (kind: Kind, bytes: number, link?: Buffer): Buffer => header(name, kind, stat.mode, options.mtime ?? stat.mtimeMs / 1000, bytes, options, link);
    if (stat.isDirectory()) hold(head('5', 0));
    else if (stat.isSymbolicLink()) hold(head('2', 0, readlinkSync(path, { encoding: 'buffer' })));
    else if (!stat.isFile()) continue;
    else if (stat.size <= smallFile) {
      // Many small files one asynchronous call at a time take longer to read than to send.
      const content = readFileSync(path);
      hold(head('0', content.length), content, padding(content.length));
    } else {
      hold(head('0', stat.size));
      yield take();
      yield* contentOf(await open(path, 'r'), path.toString(), stat.size);
      hold(padding(stat.size));
    }
    if (size >= chunkSize) { yield take(); await breathe(); }
  }
  hold(endOfArchive);
  yield take();
}

/** Packs one file, given by its path or its content. `mode`: the file's own (0644 for content) when left out. */
export async function* packFile(name: string, from: string | Uint8Array, options: PackOptions & { readonly mode?: number } = {}): AsyncGenerator<Buffer, void, undefined> {
  if (typeof from !== 'string') {
    const bytes = Buffer.from(from.buffer, from.byteOffset, from.byteLength);
    yield Buffer.concat([header(Buffer.from(name), '0', options.mode ?? 0o644, options.mtime ?? 0, bytes.length, options), bytes, padding(bytes.length), endOfArchive]);
    return;
  }
  const handle = await open(from, 'r');
  const stat = await handle.stat();
  yield header(Buffer.from(name), '0', options.mode ?? stat.mode, options.mtime ?? stat.mtimeMs / 1000, stat.size, options);
  yield* contentOf(handle, from, stat.size);
  yield Buffer.concat([padding(stat.size), endOfArchive]);
}

function* walk(folder: Buffer, prefix: Buffer): Generator<{ readonly path: Buffer; readonly name: Buffer }> {
  for (const child of readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).sort((a, b) => Buffer.compare(bytesOf(a), bytesOf(b)))) {
    const path = Buffer.concat([folder, slash, bytesOf(child)]), name = Buffer.concat([prefix, bytesOf(child)]);
    if (!child.isDirectory()) { yield { path, name }; continue; }
    yield { path, name: Buffer.concat([name, slash]) };
    yield* walk(path, Buffer.concat([name, slash]));
  }
}
const slash = Buffer.from('/');
const bytesOf = (entry: { readonly name: unknown }): Buffer => entry.name as Buffer;

async function* contentOf(handle: FileHandle, path: string, size: number): AsyncGenerator<Buffer, void, undefined> {
  try {
    let left = size;
    while (left > 0) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(chunkSize, left)), 0);
      if (bytesRead === 0) throw fail.CHANGED(path);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally { await handle.close(); }
}

/** What fills up the last block of a file of so many bytes. */
export function padding(size: number): Buffer { return Buffer.alloc((512 - size % 512) % 512); }

/** What comes before the content of a file, for those who read it themselves. `mtime` in seconds. */
export const fileHeader = (name: string, size: number, mode: number, mtime: number): Buffer => header(Buffer.from(name), '0', mode, mtime, size, {});

/** A ustar header; what does not fit (long names, names that are not ASCII, sizes from 8 GiB) goes into a pax header before it. */
function header(name: Buffer, kind: Kind, mode: number, mtime: number, size: number, owner: PackOptions, link: Buffer = Buffer.alloc(0)): Buffer {
  const records: Buffer[] = [];
  if (name.length > 100 || !isAscii(name)) records.push(paxRecord('path', name));
  if (link.length > 100 || !isAscii(link)) records.push(paxRecord('linkpath', link));
  if (size >= 8 ** 11) records.push(paxRecord('size', Buffer.from(String(size))));
  const main = ustar(name, kind, mode, mtime, size, owner, link);
  if (records.length === 0) return main;
  const pax = Buffer.concat(records);
  return Buffer.concat([ustar(Buffer.from('PaxHeader'), 'x', 0o644, mtime, pax.length, owner, Buffer.alloc(0)), pax, padding(pax.length), main]);
}

function ustar(name: Buffer, kind: Kind | 'x', mode: number, mtime: number, size: number, owner: PackOptions, link: Buffer): Buffer {
  const out = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number): void => { out.write(`${Math.max(0, Math.floor(value)).toString(8).padStart(width - 1, '0').slice(-(width - 1))}\0`, at, 'latin1'); };
  name.copy(out, 0, 0, 100);
  octal(mode & 0o7777, 100, 8);
  octal(owner.uid ?? 0, 108, 8);
  octal(owner.gid ?? 0, 116, 8);
  octal(size < 8 ** 11 ? size : 0, 124, 12);
  octal(mtime, 136, 12);
  out.write('        ', 148, 'latin1');
  out.write(kind, 156, 'latin1');
  link.copy(out, 157, 0, 100);
  out.write('ustar\u000000', 257, 'latin1');
  octal(out.reduce((sum, byte) => sum + byte, 0), 148, 8);
  return out;
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}
const isAscii = (bytes: Buffer): boolean => bytes.every(byte => byte < 0x80);
