/** Keeps a store within its bound: what was not used for longest goes. */
import { rm } from 'node:fs/promises';
import { messageOf } from '../../errors.js';
import { sweepLocks } from './living.js';
import type { CheckpointStore, StoreEntry } from './store.js';

export interface PruneResult {
  readonly removed: readonly StoreEntry[];
  /** What could not be removed outside of the store, and stays in it. */
  readonly failed: readonly { readonly entry: StoreEntry; readonly error: string }[];
  readonly freed: number;
  readonly left: number;
}

/** Blobs that nothing names are kept this long: another process may be about to name them. */
const orphanAge = 60 * 60 * 1000;

/** Removes records until what is left fits into `limit` bytes (`all`: every one that is not in use), then blobs that nothing names. The caller holds the lock. */
export async function pruneStore(store: CheckpointStore, { limit, all }: { readonly limit: number; readonly all: boolean }): Promise<PruneResult> {
  const before = await store.size(), entries = await store.list(), removed: StoreEntry[] = [], failed: { entry: StoreEntry; error: string }[] = [];
  const named = new Map<string, number>();
  for (const { record } of entries) for (const { digest } of Object.values(record.blobs)) named.set(digest, (named.get(digest) ?? 0) + 1);
  let left = before;
  for (const entry of entries) {
    const expired = entry.record.expires !== undefined && entry.record.expires < Date.now();
    if (entry.inUse || !(all || expired || left > limit)) continue;
    // What is outside first: nothing else knows of it. Then the record: a kill before the blobs leaves one without a name, never a name without a blob.
    try { await store.forget(entry.record); } catch (error) { failed.push({ entry, error: messageOf(error) }); continue; }
    await store.unlist(entry.record.key);
    removed.push(entry);
    left -= entry.record.outside?.bytes ?? 0;
    for (const { digest } of Object.values(entry.record.blobs)) {
      named.set(digest, named.get(digest)! - 1);
      if (named.get(digest) === 0) { left -= await store.blobs.occupied(digest); await store.blobs.remove(digest); }
    }
  }
  for await (const blob of store.blobs.all()) {
    if (blob.digest !== undefined ? (named.get(blob.digest) ?? 0) === 0 && blob.age > orphanAge : blob.age > orphanAge) await rm(blob.file, { force: true });
  }
  await sweepLocks(store.root);
  const after = await store.size();
  return { removed, failed, freed: before - after, left: after };
}
