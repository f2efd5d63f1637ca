/** Writes a stream into a file and takes its digest on the way. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileRef } from '../driver.js';
import { giveBack } from './pieces.js';

/** How much may wait in memory for the disk: the rest of it has to reach the disk at the end, when nothing else goes on. */
const unsynced = 128 << 20;

/** Parts are written while the next ones are made. */
export async function writeParts(path: string, source: AsyncIterable<readonly Uint8Array[]>): Promise<FileRef> {
  const hash = createHash('sha256'), file = await open(path, 'wx', 0o644);
  let size = 0, synced = 0, underWay: Promise<void> = Promise.resolve(), syncing: Promise<void> | undefined;
  try {
    for await (const parts of source) {
      for (const part of parts) { hash.update(part); size += part.length; }
      await underWay;
      underWay = writeAll(file, parts).then(() => giveBack(parts));
      underWay.catch(() => {});
      if (size - synced > unsynced && syncing === undefined) { synced = size; syncing = file.datasync().catch(() => {}).finally(() => { syncing = undefined; }); }
    }
    await underWay;
    const { mode } = await file.stat();
    return { path, digest: `sha256:${hash.digest('hex')}`, size, mode: mode & 0o7777 };
  } finally {
    await underWay.catch(() => {});
    await syncing;
    await file.close();
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, parts: readonly Uint8Array[]): Promise<void> {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev([...parts]);
  if (bytesWritten === total) return;
  // A write that is cut short goes on behind what it wrote.
  const rest = Buffer.concat(parts).subarray(bytesWritten);
  for (let at = 0; at < rest.length;) at += (await file.write(rest, at)).bytesWritten;
}
