/** Unpacks a tar stream into a folder of this computer: what folders come in from guests and container engines. */
import { chmodSync, lstatSync, linkSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { errors } from '../../errors.js';
import { makeFolderSync } from '../../make-folder.js';

const fail = errors('UNTAR', {
  TRUNCATED: { message: () => 'The archive ended in the middle.', remedy: 'The sender stopped early: look at its own message.' },
  UNSAFE: { message: (name: string) => `The archive holds '${name}', which would lie outside of the folder it is unpacked into.`, remedy: 'Do not unpack this archive: whoever made it means harm, or packed absolute or parent paths.' },
  FORMAT: { message: (what: string) => `This is no tar archive: ${what}.` },
});

export interface UnpackOptions {
  /** Called for each entry's name (bytes as latin1) before it is written: another name, or undefined to leave it out. */
  readonly rename?: (name: string) => string | undefined;
  readonly progress?: (bytes: number) => void;
}
/** Files (three spellings), hard links, symbolic links, folders. */
const written = new Set(['0', '\0', '7', '1', '2', '5']);
interface Entry { name: string; link: string; size: number; mode: number; kind: string }

/**
 * Unpacks an archive (ustar, pax or GNU) into a folder, which is made. Modes, links and empty folders are kept; owners are not; folders that
 * were there before keep their mode. Devices and pipes are left out.
 */
export async function unpackFolder(archive: AsyncIterable<Uint8Array>, folder: string, options: UnpackOptions = {}): Promise<void> {
  const reader = new Reader(archive, options.progress);
  const made = new Map<string, number>(), links = new Set<string>();
  const root = Buffer.from(`${folder}/`);
  const pathOf = (name: string): Buffer => Buffer.concat([root, Buffer.from(name, 'latin1')]);
  const makeFolder = (name: string, mode?: number): void => {
    if (made.has(name)) { if (mode !== undefined) made.set(name, mode); return; }
    if (isFolder(pathOf(name))) return;
    if (name === '') makeFolderSync(folder);
    else {
      makeFolder(parentOf(name));
      mkdirSync(pathOf(name));
    }
    made.set(name, mode ?? 0o755);
  };
  makeFolder('');
  for (let entry = await nextEntry(reader); entry; entry = await nextEntry(reader)) {
    const given = safeName(entry.name, links), name = options.rename ? options.rename(given) : given;
    if (name === undefined || !written.has(entry.kind) || (name === '' && entry.kind !== '5')) { await reader.skip(padded(entry.size)); continue; }
    if (entry.kind === '5') { makeFolder(name, entry.mode); continue; }
    makeFolder(parentOf(name));
    const path = pathOf(name);
    if (!isRealFolder(path)) rmSync(path, { force: true });
    if (entry.kind === '2') { symlinkSync(Buffer.from(entry.link, 'latin1'), path); links.add(name); continue; }
    if (entry.kind === '1') { linkSync(pathOf(safeName(entry.link, links)), path); continue; }
    await writeContent(reader, path, entry);
    chmodSync(path, entry.mode);
  }
  // Last, and the innermost first: a folder may be read-only.
  for (const [name, mode] of [...made].reverse()) chmodSync(pathOf(name), mode);
}

async function writeContent(reader: Reader, path: Buffer, { size }: Entry): Promise<void> {
  if (size <= 1024 * 1024) writeFileSync(path, await reader.take(size), { flag: 'wx', mode: 0o600 });
  else {
    const handle = await open(path, 'wx', 0o600);
    try {
      for (let left = size; left > 0;) {
        const chunk = await reader.some(left);
        await handle.writeFile(chunk);
        left -= chunk.length;
      }
    } finally { await handle.close(); }
  }
  await reader.skip(padded(size) - size);
}

async function nextEntry(reader: Reader): Promise<Entry | undefined> {
  let overrides: Partial<Entry> = {};
  for (;;) {
    const block = await reader.header();
    if (!block) return undefined;
    const size = number(block, 124, 12), kind = String.fromCharCode(block[156]!);
    if (kind === 'x') overrides = { ...overrides, ...pax(await body(reader, size)) };
    else if (kind === 'g') await reader.skip(padded(size));
    else if (kind === 'L') overrides = { ...overrides, name: cString(await body(reader, size)) };
    else if (kind === 'K') overrides = { ...overrides, link: cString(await body(reader, size)) };
    else {
      const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? cString(block.subarray(345, 500)) : '';
      const name = cString(block.subarray(0, 100));
      const plain: Entry = { name: prefix === '' ? name : `${prefix}/${name}`, link: cString(block.subarray(157, 257)), size, mode: number(block, 100, 8) & 0o7777, kind };
      const entry = { ...plain, ...overrides };
      // Links, folders and devices have no content, whatever some writers put into the size.
      return '123456'.includes(kind) ? { ...entry, size: 0 } : entry;
    }
  }
}

async function body(reader: Reader, size: number): Promise<Buffer> {
  const bytes = await reader.take(size);
  await reader.skip(padded(size) - size);
  return bytes;
}

function pax(bytes: Buffer): Partial<Entry> {
  const out: Partial<Entry> = {};
  const text = bytes.toString('latin1');
  for (let at = 0; at < text.length;) {
    const space = text.indexOf(' ', at), length = Number(text.slice(at, space));
    if (!(length > 0)) throw fail.FORMAT('a pax record has no length');
    const equals = text.indexOf('=', space), key = text.slice(space + 1, equals), value = text.slice(equals + 1, at + length - 1);
    if (key === 'path') out.name = value;
    if (key === 'linkpath') out.link = value;
    if (key === 'size') out.size = Number(value);
    at += length;
  }
  return out;
}

/** Octal text, or GNU's base-256 where the first bit is set. */
function number(block: Buffer, at: number, width: number): number {
  if (block[at]! & 0x80) return block.subarray(at + 1, at + width).reduce((sum, byte) => sum * 256 + byte, block[at]! & 0x7f);
  const text = block.toString('latin1', at, at + width).replace(/\0.*$/s, '').trim();
  if (!/^[0-7]*$/.test(text)) throw fail.FORMAT(`'${text}' stands where a number should`);
  return text === '' ? 0 : parseInt(text, 8);
}

function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}
const padded = (size: number): number => Math.ceil(size / 512) * 512;
const parentOf = (name: string): string => name.slice(0, Math.max(0, name.lastIndexOf('/')));

/** The name without `.` and doubled slashes; refuses what leads outside, also through a link that the archive itself brought. */
function safeName(name: string, links: ReadonlySet<string>): string {
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  if (parts.includes('..')) throw fail.UNSAFE(name);
  for (let i = 1; i < parts.length; i++) if (links.has(parts.slice(0, i).join('/'))) throw fail.UNSAFE(name);
  return parts.join('/');
}

function isFolder(path: Buffer): boolean {
  try { return statSync(path).isDirectory(); } catch { return false; }
}
function isRealFolder(path: Buffer): boolean {
  try { return lstatSync(path).isDirectory(); } catch { return false; }
}

/** Takes bytes from a stream in the amounts that are asked for. */
class Reader {
  private readonly source: AsyncIterator<Uint8Array>;
  private held: Buffer = Buffer.alloc(0);
  private readonly progress: ((bytes: number) => void) | undefined;
  private read = 0;
  constructor(stream: AsyncIterable<Uint8Array>, progress?: (bytes: number) => void) {
    this.source = stream[Symbol.asyncIterator]();
    this.progress = progress;
  }
  /** The next header; undefined at the end of the archive, the rest of the stream is read to its end. */
  async header(): Promise<Buffer | undefined> {
    if (this.held.length < 512 && !await this.fill(512)) {
      if (this.held.length === 0 && this.read > 0) return undefined;
      throw fail.TRUNCATED();
    }
    const block = await this.take(512);
    if (!block.every(byte => byte === 0)) return block;
    while (await this.more());
    return undefined;
  }
  async take(size: number): Promise<Buffer> {
    if (this.held.length < size && !await this.fill(size)) throw fail.TRUNCATED();
    const out = this.held.subarray(0, size);
    this.held = this.held.subarray(size);
    return out;
  }
  /** What is there, at most `size` bytes, at least one. */
  async some(size: number): Promise<Buffer> {
    if (this.held.length === 0 && !await this.fill(1)) throw fail.TRUNCATED();
    return this.take(Math.min(size, this.held.length));
  }
  async skip(size: number): Promise<void> {
    for (let left = size; left > 0;) left -= (await this.some(left)).length;
  }
  private async fill(size: number): Promise<boolean> {
    const parts = [this.held];
    let length = this.held.length;
    while (length < size) {
      const next = await this.next();
      if (!next) { this.held = Buffer.concat(parts); return false; }
      parts.push(next);
      length += next.length;
    }
    this.held = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return true;
  }
  private async more(): Promise<boolean> { return await this.next() !== undefined; }
  private async next(): Promise<Buffer | undefined> {
    const { value, done } = await this.source.next();
    if (done) return undefined;
    this.read += value.length;
    this.progress?.(value.length);
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}
