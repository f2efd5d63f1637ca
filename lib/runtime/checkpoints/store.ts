/**
 * The checkpoint store: records by key, each naming blobs by digest. Several processes use it at once; a kill at any moment leaves at
 * worst a blob that nothing names, which the next prune takes away.
 *
 *     <root>/blobs/ab/ab12…      content
 *     <root>/records/<key>.json  what a key stands for; its mtime is its last use
 *     <root>/leases/<key>.…      a process that is using a record, by process identity
 *     <root>/locks/              one for the store (short), one for each key that is being made
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder } from '../../cache-folder.js';
import { messageOf } from '../../errors.js';
import { canonicalJson, type Json } from '../../json.js';
import type { Plan } from '../../plan.js';
import { Size } from '../../values.js';
import type { Artifact, FileRef, Saved } from '../driver.js';
import { lock, withLock } from '../lock.js';
import { liveness, type ProcessIdentity, thisProcess } from '../process-identity.js';
import { blobDigest, Blobs } from './blobs.js';
import { type Outside, outsideOf } from './outside.js';

/** What a key stands for: a machine saved after a step, or a finished artifact. */
export interface CheckpointRecord {
  readonly key: string;
  readonly what: 'machine' | 'artifact' | 'target' | 'done';
  /** For people: `web/qemu after web/shell-2`. */
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** A step before this point saw a secret: a store that others can read must not take it. */
  readonly sawSecret: boolean;
  /** Source kind that can resume it. */
  readonly driver: string;
  readonly fits?: Json;
  readonly data?: Json;
  readonly blobs: { readonly [name: string]: { readonly digest: string; readonly size: number } };
  /** Set where `data` names something that lies elsewhere: how many bytes it takes there, and where its driver is found. */
  readonly outside?: { readonly bytes: number; readonly requires: Plan['requires']; readonly from: string };
  /** The source's artifact, or a post-processor's. */
  readonly artifact?: Artifact;
  /** Of a whole target: what was there at its end. */
  readonly artifacts?: readonly Artifact[];
  /** Files that post-processors wrote beside the artifacts. */
  readonly wrote?: readonly string[];
  /** Size, time and inode of the artifacts' files, by path: where they are the same, the files are not read again. */
  readonly stamps?: { readonly [path: string]: string };
  /** Outputs of the steps that led here, by path. */
  readonly outputs?: { readonly [path: string]: { readonly [name: string]: unknown } };
  /** What led here, first to last. */
  readonly chain?: readonly Link[];
  /** How long what led here took, in milliseconds: for `bake plan`. */
  readonly took?: number;
  /** Not used any more after this moment. */
  readonly expires?: number;
}

/** One component on the way to a key, and the key after it; milliseconds. */
export interface Link { readonly path: string; readonly key: string; readonly took?: number }

export interface StoreEntry { readonly record: CheckpointRecord; /** Last use. */ readonly used: number; /** Bytes of its blobs on the disk, and outside; shared ones count in each. */ readonly bytes: number; readonly inUse: boolean }
export interface PruneResult {
  readonly removed: readonly StoreEntry[];
  /** What could not be removed outside of the store, and stays in it. */
  readonly failed: readonly { readonly entry: StoreEntry; readonly error: string }[];
  readonly freed: number;
  readonly left: number;
}

/** Blobs that nothing names are kept this long: another process may be about to name them. */
const orphanAge = 60 * 60 * 1000;

export class CheckpointStore {
  readonly blobs: Blobs;
  constructor(readonly root: string = checkpointFolder(), readonly outside: Outside = outsideOf()) { this.blobs = new Blobs(root); }

  /** The record of a key whose blobs are all there, marked as used now; undefined: none. */
  async find(key: string): Promise<CheckpointRecord | undefined> {
    const record = await this.read(key);
    if (record === undefined || (record.expires !== undefined && record.expires < Date.now())) return undefined;
    for (const { digest } of Object.values(record.blobs)) if (!await this.blobs.has(digest)) return undefined;
    const now = new Date();
    await utimes(this.recordFile(key), now, now).catch(() => {});
    return record;
  }

  /** A record as the driver gets it, with the blobs' places. */
  saved(record: CheckpointRecord): Saved {
    const blobs = Object.fromEntries(Object.entries(record.blobs).map(([name, { digest, size }]): [string, FileRef] => [name, { path: this.blobs.path(digest), digest, size, mode: 0o600 }]));
    return { fits: record.fits ?? null, data: record.data ?? null, blobs };
  }

  /** Stores a record; `files` become its blobs, by name. Replaces what the key stood for. Returns the bytes they take on the disk. */
  async add(record: Omit<CheckpointRecord, 'blobs' | 'created'>, files: { readonly [name: string]: string }): Promise<{ readonly bytes: number }> {
    await this.prepare();
    const blobs: { [name: string]: { digest: string; size: number } } = {};
    let bytes = 0;
    for (const [name, file] of Object.entries(files)) {
      const { digest, size, occupied } = await this.blobs.put(file);
      blobs[name] = { digest, size };
      bytes += occupied;
    }
    const replaced = await this.exclusively(async () => {
      // A prune in between may have taken a blob that nothing named yet, or that only a pruned record named.
      for (const [name, { digest }] of Object.entries(blobs)) if (!await this.blobs.has(digest)) await this.blobs.put(files[name]!);
      const before = await this.read(record.key);
      await this.write({ ...record, blobs, created: Date.now() });
      return before;
    });
    if (replaced?.outside !== undefined && canonicalJson(replaced.data ?? null) !== canonicalJson(record.data ?? null)) {
      // Where that cannot be done now, the next prune does it.
      await this.forget(replaced).catch(() => this.exclusively(() => this.write({ ...replaced, key: randomUUID().replaceAll('-', ''), expires: 1 })));
    }
    return { bytes: bytes + (record.outside?.bytes ?? 0) };
  }

  /** Lets another key stand for the same: a record of its own that names the same blobs. */
  async alias(key: string, other: string): Promise<void> {
    await this.exclusively(async () => {
      const record = await this.read(key);
      if (record !== undefined && record.outside === undefined) await this.write({ ...record, key: other, label: `${record.label} (its disk)` });
    });
  }

  /** Keeps a record from being pruned until the lease is given back, or this process is gone. */
  async lease(key: string): Promise<() => Promise<void>> {
    await this.prepare();
    const file = join(this.root, 'leases', `${key}.${randomUUID()}`);
    await writeFile(file, JSON.stringify(thisProcess()), { mode: 0o600 });
    return async () => { await unlink(file).catch(() => {}); };
  }

  /** One process at a time makes what a key stands for; the others wait (`budget` in milliseconds) and then find it. */
  async turn(key: string, options: { readonly signal?: AbortSignal; readonly budget?: number } = {}): Promise<() => Promise<void>> {
    await this.prepare();
    return lock(join(this.root, 'locks', `${key}.lock`), { budget: 24 * 60 * 60 * 1000, ...options });
  }

  /** All records, least recently used first. */
  async list(): Promise<StoreEntry[]> {
    const leased = await this.leases();
    const entries: StoreEntry[] = [];
    for (const record of await this.records()) {
      const { key } = record, stats = await stat(this.recordFile(key)).catch(() => undefined);
      let bytes = 0;
      for (const { digest } of Object.values(record.blobs)) bytes += await this.blobs.occupied(digest);
      bytes += record.outside?.bytes ?? 0;
      entries.push({ record, used: stats?.mtimeMs ?? 0, bytes, inUse: leased.has(key) });
    }
    return entries.sort((a, b) => a.used - b.used);
  }

  /** Bytes on the disk, and outside; a blob that several records share counts once. */
  async size(): Promise<number> {
    let bytes = 0;
    for await (const blob of this.blobs.all()) bytes += blob.occupied;
    for (const { outside } of await this.records()) bytes += outside?.bytes ?? 0;
    return bytes;
  }

  /** Removes records, least recently used first, until the store fits into `limit` bytes; `all`: every one that is not in use. Then blobs that nothing names. */
  async prune({ limit = sizeLimit(), all = false }: { readonly limit?: number; readonly all?: boolean } = {}): Promise<PruneResult> {
    await this.prepare();
    return this.exclusively(async () => {
      const before = await this.size(), entries = await this.list(), removed: StoreEntry[] = [], failed: { entry: StoreEntry; error: string }[] = [];
      const named = new Map<string, number>();
      for (const { record } of entries) for (const { digest } of Object.values(record.blobs)) named.set(digest, (named.get(digest) ?? 0) + 1);
      let left = before;
      for (const entry of entries) {
        const expired = entry.record.expires !== undefined && entry.record.expires < Date.now();
        if (entry.inUse || !(all || expired || left > limit)) continue;
        // What is outside first: nothing else knows of it. Then the record: a kill before the blobs leaves one without a name, never a name without a blob.
        try { await this.forget(entry.record); } catch (error) { failed.push({ entry, error: messageOf(error) }); continue; }
        await unlink(this.recordFile(entry.record.key)).catch(() => {});
        removed.push(entry);
        left -= entry.record.outside?.bytes ?? 0;
        for (const { digest } of Object.values(entry.record.blobs)) {
          named.set(digest, named.get(digest)! - 1);
          if (named.get(digest) === 0) { left -= await this.blobs.occupied(digest); await this.blobs.remove(digest); }
        }
      }
      for await (const blob of this.blobs.all()) {
        if (blob.digest !== undefined ? (named.get(blob.digest) ?? 0) === 0 && blob.age > orphanAge : blob.age > orphanAge) await rm(blob.file, { force: true });
      }
      await this.sweepLocks();
      const after = await this.size();
      return { removed, failed, freed: before - after, left: after };
    });
  }

  /** Reads every blob and compares it with its name; damaged ones are removed with the records that name them. So are records of things outside that are gone. */
  async verify(progress?: (done: number) => void): Promise<{ readonly blobs: number; readonly damaged: readonly string[]; readonly records: readonly string[] }> {
    await this.prepare();
    const damaged: string[] = [], records: string[] = [];
    let blobs = 0;
    for await (const blob of this.blobs.all()) {
      if (blob.digest === undefined) continue;
      progress?.(++blobs);
      const digest = await blobDigest(blob.file).catch(() => undefined);
      if (digest !== undefined && digest !== blob.digest) damaged.push(blob.digest);
    }
    await this.exclusively(async () => {
      for (const name of await readdir(join(this.root, 'records')).catch(() => [] as string[])) {
        // What a killed writer left half written never was a record; who writes holds the lock.
        if (!name.endsWith('.json')) {
          await unlink(join(this.root, 'records', name)).catch(() => {});
          continue;
        }
        const key = name.replace(/\.json$/, ''), record = await this.read(key);
        let whole = record !== undefined;
        for (const { digest } of Object.values(record?.blobs ?? {})) whole &&= !damaged.includes(digest) && await this.blobs.has(digest);
        whole &&= await this.outside.intact(record!, this.saved(record!)).catch(() => true);
        if (whole) continue;
        if (record !== undefined) await this.forget(record).catch(() => {});
        await unlink(join(this.root, 'records', name)).catch(() => {});
        records.push(key);
      }
      for (const digest of damaged) await this.blobs.remove(digest);
    });
    return { blobs, damaged, records };
  }

  private forget(record: CheckpointRecord): Promise<void> { return this.outside.forget(record, this.saved(record)); }

  private write(record: CheckpointRecord): Promise<void> { return writeWhole(this.recordFile(record.key), canonicalJson(record, 1)); }

  private recordFile(key: string): string { return join(this.root, 'records', `${key}.json`); }

  private async records(): Promise<CheckpointRecord[]> {
    const names = await readdir(join(this.root, 'records')).catch(() => [] as string[]);
    return (await Promise.all(names.filter(name => name.endsWith('.json')).map(name => this.read(name.replace(/\.json$/, ''))))).filter(record => record !== undefined);
  }

  private async read(key: string): Promise<CheckpointRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.recordFile(key), 'utf8')) as CheckpointRecord;
      return record.key === key && typeof record.blobs === 'object' ? record : undefined;
    } catch {
      return undefined;
    }
  }

  private async prepare(): Promise<void> {
    for (const folder of ['blobs', 'records', 'leases', 'locks']) await mkdir(join(this.root, folder), { recursive: true, mode: 0o700 });
  }

  private exclusively<T>(work: () => Promise<T>): Promise<T> { return withLock(join(this.root, 'locks', 'store'), work, { budget: 10 * 60_000 }); }

  /** Keys with a living lease; leases of dead processes are swept on the way. */
  private async leases(): Promise<Set<string>> {
    const keys = new Set<string>();
    for (const name of await readdir(join(this.root, 'leases')).catch(() => [] as string[])) {
      const file = join(this.root, 'leases', name);
      try {
        if (liveness(JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity) === 'dead') await unlink(file);
        else keys.add(name.slice(0, name.lastIndexOf('.')));
      } catch { /* just given back */ }
    }
    return keys;
  }

  /** Locks of keys whose process died; a living one keeps its own. */
  private async sweepLocks(): Promise<void> {
    for (const name of await readdir(join(this.root, 'locks')).catch(() => [] as string[])) {
      const file = join(this.root, 'locks', name);
      try {
        if (name !== 'store' && liveness(JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity) === 'dead') await unlink(file);
      } catch { /* gone, or being written */ }
    }
  }
}

/** How large the store may grow, in bytes: BAKE_CACHE_SIZE (`30G`), else 20 GiB. */
export function sizeLimit(env: NodeJS.ProcessEnv = process.env): number {
  return env['BAKE_CACHE_SIZE'] ? Size.parse(env['BAKE_CACHE_SIZE']).$size : 20 * 1024 ** 3;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
