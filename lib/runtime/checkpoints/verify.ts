/** Reads a whole store and compares it with what it says of itself. */
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { blobDigest } from './blobs.js';
import type { CheckpointStore } from './store.js';

export interface Verified {
  readonly blobs: number;
  /** Digests of blobs whose content is another: removed, with the records that name them. */
  readonly damaged: readonly string[];
  /** Keys of records that were removed: they name what is damaged or gone. */
  readonly records: readonly string[];
  /** Why nothing could be removed; missing where it could, or there was nothing. */
  readonly kept?: string;
}

/** Damaged blobs are removed with the records that name them. So are records of things outside that are gone. */
export async function verifyStore(store: CheckpointStore, progress: (done: number) => void): Promise<Verified> {
  const { root, blobs } = store, damaged: string[] = [];
  let read = 0;
  for await (const blob of blobs.all()) {
    if (blob.digest === undefined) continue;
    progress(++read);
    const digest = await blobDigest(blob.file).catch(() => undefined);
    if (digest !== undefined && digest !== blob.digest) damaged.push(blob.digest);
  }
  const folder = join(root, 'records'), isWhole = async (key: string): Promise<boolean> => {
    const record = await store.read(key);
    if (record === undefined) return false;
    for (const { digest } of Object.values(record.blobs)) if (damaged.includes(digest) || !await blobs.has(digest)) return false;
    return store.outside.intact(record, store.saved(record)).catch(() => true);
  };
  const bad = async (): Promise<readonly string[]> => {
    const keys: string[] = [];
    for (const name of await readdir(folder).catch(() => [] as string[])) if (name.endsWith('.json') && !await isWhole(name.slice(0, -5))) keys.push(name.slice(0, -5));
    return keys;
  };
  // Seen without the lock, it may only be on its way. A store with nothing wrong is not written to.
  const seen = await bad(), unfinished = (await readdir(folder).catch(() => [] as string[])).some(name => !name.endsWith('.json'));
  if (damaged.length === 0 && seen.length === 0 && !unfinished) return { blobs: read, damaged, records: [] };
  try {
    return await store.exclusively(async () => {
      // What a killed writer left half written never was a record; who writes holds the lock.
      for (const name of await readdir(folder).catch(() => [] as string[])) if (!name.endsWith('.json')) await unlink(join(folder, name)).catch(() => {});
      const records = await bad();
      for (const key of records) await store.drop(key);
      for (const digest of damaged) await blobs.remove(digest);
      return { blobs: read, damaged, records };
    });
  } catch (error) {
    return { blobs: read, damaged, records: seen, kept: error instanceof Error ? error.message : String(error) };
  }
}
