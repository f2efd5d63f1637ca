/** Files in pieces, with their holes as mere numbers: what nobody wrote is neither read nor copied. */
import { open, stat } from 'node:fs/promises';
import { errors, isBakeError } from '../../errors.js';
import type { FileRef } from '../driver.js';
import { capture } from '../host/process.js';
import { endOfArchive, fileHeader, padding } from '../formats/tar.js';

const fail = errors('COMPRESS', {
  CHANGED: { message: (path: string) => `${path} became shorter while it was read.`, remedy: 'Let nothing write to an artifact while it is packed.' },
});

/** Bytes, or a number of zeros. */
export type Piece = Uint8Array | number;
export const pieceSize = 4 << 20;

/** Memory of pieces that are written: fresh memory costs as much as reading the file does. */
const spare: ArrayBuffer[] = [];
const takeMemory = (length: number): Uint8Array => new Uint8Array(spare.pop() ?? new ArrayBuffer(pieceSize), 0, length);
/** Gives the memory of parts back that nobody reads any more. */
export function giveBack(parts: readonly Uint8Array[]): void {
  for (const buffer of new Set(parts.map(part => part.buffer))) if (buffer instanceof ArrayBuffer && buffer.byteLength === pieceSize && spare.length < 32) spare.push(buffer);
}

/** What is read: `name` is what it is called in an archive. */
export interface Packed { readonly name: string; readonly path: string; readonly size: number; readonly mode: number; readonly mtime: number }

/** The files of an artifact, named from the deepest folder that holds all of them. */
export async function packedFiles(files: readonly FileRef[]): Promise<Packed[]> {
  const folders = files.map(f => f.path.split('/').slice(0, -1));
  let shared = 0;
  while (folders.length > 0 && folders.every(f => shared < f.length && f[shared] === folders[0]![shared])) shared++;
  return Promise.all(files.map(async ({ path }) => {
    const { size, mode, mtimeMs } = await stat(path);
    return { name: path.split('/').slice(shared).join('/'), path, size, mode: mode & 0o7777, mtime: mtimeMs / 1000 };
  }));
}

/** A file in pieces of at most 4 MiB. */
export async function* filePieces({ path, size }: { readonly path: string; readonly size: number }, signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
  const ranges = await dataRanges(path, size, signal), file = await open(path, 'r');
  try {
    let at = 0;
    for (const { start, end } of [...ranges, { start: size, end: size }]) {
      for (; at < start; at += Math.min(pieceSize, start - at)) yield Math.min(pieceSize, start - at);
      while (at < end) {
        signal.throwIfAborted();
        const piece = takeMemory(Math.min(pieceSize, end - at));
        for (let filled = 0; filled < piece.length;) {
          const { bytesRead } = await file.read(piece, filled, piece.length - filled, at + filled);
          if (bytesRead === 0) throw fail.CHANGED(path);
          filled += bytesRead;
        }
        at += piece.length;
        yield piece;
      }
    }
  } finally { await file.close(); }
}

/** Several files as a tar. */
export async function* tarPieces(files: readonly Packed[], signal: AbortSignal): AsyncGenerator<Piece, void, undefined> {
  for (const file of files) {
    yield new Uint8Array(fileHeader(file.name, file.size, file.mode, file.mtime));
    yield* filePieces(file, signal);
    if (file.size % 512 !== 0) yield padding(file.size).length;
  }
  yield endOfArchive.length;
}

// Not of a piece's size to the byte, so that it is never given back.
const zeros = Buffer.alloc(pieceSize + 1);
/** Pieces as bytes, for programs. */
export async function* bytesOf(pieces: AsyncIterable<Piece>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) yield typeof piece === 'number' ? zeros.subarray(0, piece) : piece;
}

interface Range { readonly start: number; readonly end: number }

/** Where something was written. Node cannot ask the file system; qemu-img, which is there wherever disks are made, can. Without it, all of the file is read. */
async function dataRanges(path: string, size: number, signal: AbortSignal): Promise<readonly Range[]> {
  const whole = [{ start: 0, end: size }], { blocks } = await stat(path);
  if (size < 16 * pieceSize || blocks * 512 > size * 0.9) return whole;
  try {
    const map = JSON.parse(await capture('qemu-img', ['map', '-U', '--output=json', '--image-opts', `driver=raw,file.driver=file,file.filename=${path.replaceAll(',', ',,')}`], { signal })) as readonly { readonly start: number; readonly length: number; readonly zero: boolean; readonly data: boolean }[];
    const last = map.at(-1);
    // qemu-img counts in whole sectors.
    if (last === undefined || last.start + last.length < size) return whole;
    return map.filter(range => range.data || !range.zero).map(({ start, length }) => ({ start, end: Math.min(size, start + length) }));
  } catch (error) {
    if (!isBakeError(error) || signal.aborted) throw error;
    return whole;
  }
}
