/** Writes a stream into a file and takes its digest on the way. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileRef } from '../driver.js';

/** Parts are written while the next ones are made. `written` is told the bytes so far. */
export async function writeParts(path: string, source: AsyncIterable<readonly Uint8Array[]>, written: (bytes: number) => void = () => {}): Promise<FileRef> {
  const hash = createHash('sha256'), file = await open(path, 'wx', 0o644);
  let size = 0, underWay: Promise<void> = Promise.resolve();
  try {
    for await (const parts of source) {
      for (const part of parts) { hash.update(part); size += part.length; }
      await underWay;
      underWay = writeAll(file, parts);
      underWay.catch(() => {});
      written(size);
    }
    await underWay;
    const { mode } = await file.stat();
    return { path, digest: `sha256:${hash.digest('hex')}`, size, mode: mode & 0o7777 };
  } finally {
    await underWay.catch(() => {});
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
