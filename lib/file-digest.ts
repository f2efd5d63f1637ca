/** Digests of files and folders: by content and mode, never by place or time. */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, renameSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { cacheFolder } from './cache-folder.js';
import { join } from 'node:path';
import { byCodeUnit, canonicalJson } from './json.js';
import { makeFolderSync } from './make-folder.js';

const known = new Map<string, { readonly stamp: string; readonly digest: string }>();
/** Files from this size on are remembered on disk too: hashing a disk image takes seconds. */
const largeFile = 32 * 1024 * 1024;

/** Permission bits without those that only say what this computer's umask is: a clone elsewhere is the same program. */
export const portableMode = (mode: number): number => mode & 0o7755;

/** sha256 of a file's content and permission bits. Remembered by path, size, mtime and inode. */
export function fileDigest(path: string, stats: Stats = statSync(path)): string {
  const stamp = `${stats.size}:${stats.mtimeMs}:${stats.ino}:${stats.mode & 0o7777}`;
  const remembered = known.get(path) ?? (stats.size >= largeFile ? recall(path) : undefined);
  if (remembered?.stamp === stamp) return remembered.digest;
  const entry = { stamp, digest: digestWithMode(path, stats.mode, stats.size) };
  known.set(path, entry);
  if (stats.size >= largeFile) remember(path, entry);
  return entry.digest;
}

/** What `fileDigest` of a file were, had it these permission bits. Reads the file. */
export function digestWithMode(path: string, mode: number, size = statSync(path).size): string {
  const hash = createHash('sha256').update(`file ${portableMode(mode).toString(8)}\n`), descriptor = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(Math.min(1 << 20, Math.max(1, size)));
    for (let read; (read = readSync(descriptor, buffer, 0, buffer.length, null)) > 0;) hash.update(buffer.subarray(0, read));
  } finally {
    closeSync(descriptor);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** sha256 of a folder: the tree of names, modes, links and contents. */
export function folderDigest(path: string): string {
  const hash = createHash('sha256').update('folder\n');
  for (const name of readdirSync(path).sort(byCodeUnit)) {
    const inside = join(path, name);
    const stats = lstatSync(inside);
    const mode = portableMode(stats.mode).toString(8);
    if (stats.isSymbolicLink()) hash.update(canonicalJson(['link', name, readlinkSync(inside)]));
    else if (stats.isDirectory()) hash.update(canonicalJson(['folder', name, mode, folderDigest(inside)]));
    else if (stats.isFile()) hash.update(canonicalJson(['file', name, mode, fileDigest(inside, stats)]));
    hash.update('\n');
  }
  return `sha256:${hash.digest('hex')}`;
}

const memory = (): string => join(cacheFolder(), 'digests');
const memoryFile = (path: string): string => join(memory(), `${createHash('sha256').update(path).digest('hex')}.json`);

function recall(path: string): { readonly stamp: string; readonly digest: string } | undefined {
  try { return JSON.parse(readFileSync(memoryFile(path), 'utf8')) as { stamp: string; digest: string }; } catch { return undefined; }
}
/** A cache that cannot be written costs time, nothing else. */
function remember(path: string, entry: { readonly stamp: string; readonly digest: string }): void {
  try {
    makeFolderSync(memory(), 0o700);
    const file = memoryFile(path);
    writeFileSync(`${file}.${process.pid}`, JSON.stringify(entry));
    renameSync(`${file}.${process.pid}`, file);
  } catch { /* see above */ }
}
