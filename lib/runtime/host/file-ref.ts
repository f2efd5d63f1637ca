/** Files of artifacts: where they lie, and the SHA-256 of their content. */
import { createHash, type Hash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import type { FileRef } from '../driver.js';

/** Reads the file once. */
export async function fileRef(path: string, signal?: AbortSignal): Promise<FileRef> {
  const [hash, stats] = await Promise.all([hashFile(path, [createHash('sha256')], signal), stat(path)]);
  return { path, digest: `sha256:${hash[0]}`, size: stats.size, mode: stats.mode & 0o7777 };
}

/** Several digests of a file in one reading, in hexadecimal. */
export async function hashFile(path: string, hashes: readonly Hash[], signal?: AbortSignal): Promise<string[]> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      for (const hash of hashes) hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return hashes.map(hash => hash.digest('hex'));
}
