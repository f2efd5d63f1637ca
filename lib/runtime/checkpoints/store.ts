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
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointFolder } from '../../cache-folder.js';
import { canonicalJson, type Json } from '../../json.js';
import { makeFolder } from '../../make-folder.js';
import type { Plan } from '../../plan.js';
import type { Artifact, FileRef, Saved } from '../driver.js';
import { lock, withLock } from '../host/lock.js';
import { thisProcess } from '../host/process-identity.js';
import { Blobs } from './blobs.js';
import { leasedKeys } from './living.js';
import { type Outside, outsideOf } from './outside.js';
import { type PruneResult, pruneStore } from './prune.js';
import { isFull, sayingWhy, sizeLimit } from './trouble.js';
import { type Verified, verifyStore } from './verify.js';

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
  /** What a prune may take after this moment, as `expires` stood when it was saved; whether it is used is judged by the steps as they are now. */
  readonly expires?: number;
}

/** One component on the way to a key, and the key after it; milliseconds. */
export interface Link { readonly path: string; readonly key: string; readonly took?: number; /** When it was done, in milliseconds since 1970. */ readonly at?: number }

export interface StoreEntry { readonly record: CheckpointRecord; /** Last use. */ readonly used: number; /** Bytes of its blobs on the disk, and outside; shared ones count in each. */ readonly bytes: number; readonly inUse: boolean }

export class CheckpointStore {
  readonly blobs: Blobs;
  constructor(readonly root: string = checkpointFolder(), readonly outside: Outside = outsideOf()) { this.blobs = new Blobs(root); }

  /** The record of a key whose blobs are all there, marked as used now; undefined: none. */
  async find(key: string): Promise<CheckpointRecord | undefined> { return (await this.look(key)).record; }

  /** The same; `wrong` says, for people, what is not right with what lies there. That is removed. */
  async look(key: string): Promise<{ readonly record?: CheckpointRecord; readonly wrong?: string }> {
    const record = await this.read(key), wrong: string[] = [];
    if (record === undefined) {
      if (!await stat(this.recordFile(key)).then(() => true, () => false)) return {};
      wrong.push(`the record ${this.recordFile(key)} cannot be read`);
    }
    const damaged: string[] = [];
    for (const [name, { digest, size }] of Object.entries(record?.blobs ?? {})) {
      const state = await this.blobs.state(digest, size);
      if (state === 'damaged') damaged.push(digest);
      if (state !== 'whole') wrong.push(`its ${name} (${this.blobs.path(digest)}) is ${state}`);
    }
    if (wrong.length === 0) {
      const now = new Date();
      await utimes(this.recordFile(key), now, now).catch(() => {});
      return { record: record! };
    }
    const stays = await this.exclusively(async () => {
      // A prune of this moment takes the record before its blobs, and nothing is wrong then.
      if (record !== undefined && canonicalJson(await this.read(key) ?? null) !== canonicalJson(record)) return false;
      for (const digest of damaged) await this.blobs.remove(digest);
      await this.drop(key);
      return true;
    }).catch(() => true /* it is not used, and lies there until somebody can remove it */);
    return stays ? { wrong: wrong.join(', ') } : {};
  }

  /** A record as the driver gets it, with the blobs' places. */
  saved(record: CheckpointRecord): Saved {
    const blobs = Object.fromEntries(Object.entries(record.blobs).map(([name, { digest, size }]): [string, FileRef] => [name, { path: this.blobs.path(digest), digest, size, mode: 0o600 }]));
    return { fits: record.fits ?? null, data: record.data ?? null, blobs };
  }

  /** Stores a record; `files` become its blobs, by name. Replaces what the key stood for. Returns the bytes they take on the disk. */
  async add(record: Omit<CheckpointRecord, 'blobs' | 'created'>, files: { readonly [name: string]: string }): Promise<{ readonly bytes: number }> {
    return sayingWhy(this.root, () => this.put(record, files));
  }

  private async put(record: Omit<CheckpointRecord, 'blobs' | 'created'>, files: { readonly [name: string]: string }): Promise<{ readonly bytes: number }> {
    await this.prepare();
    const blobs: { [name: string]: { digest: string; size: number } } = {}, fresh: string[] = [];
    let bytes = 0, replaced: CheckpointRecord | undefined;
    try {
      for (const [name, file] of Object.entries(files)) {
        const { digest, size, occupied, isNew } = await this.blobs.put(file);
        blobs[name] = { digest, size };
        bytes += occupied;
        if (isNew) fresh.push(digest);
      }
      replaced = await this.exclusively(async () => {
        // A prune in between may have taken a blob that nothing named yet, or that only a pruned record named.
        for (const [name, { digest }] of Object.entries(blobs)) if (!await this.blobs.has(digest)) await this.blobs.put(files[name]!);
        const before = await this.read(record.key);
        await this.write({ ...record, blobs, created: Date.now() });
        return before;
      });
    } catch (error) {
      await this.takeBack(fresh).catch(() => { /* the next prune does it */ });
      throw error;
    }
    if (replaced?.outside !== undefined && canonicalJson(replaced.data ?? null) !== canonicalJson(record.data ?? null)) {
      // Where that cannot be done now, the next prune does it.
      await this.forget(replaced).catch(() => this.exclusively(() => this.write({ ...replaced, key: randomUUID().replaceAll('-', ''), expires: 1 })));
    }
    return { bytes: bytes + (record.outside?.bytes ?? 0) };
  }

  /** Removes blobs that were put for a record that did not come, unless another names them by now. */
  private async takeBack(digests: readonly string[]): Promise<void> {
    if (digests.length === 0) return;
    const work = async (): Promise<void> => {
      const named = new Set((await this.records()).flatMap(record => Object.values(record.blobs).map(b => b.digest)));
      for (const digest of digests) if (!named.has(digest)) await this.blobs.remove(digest);
    };
    await this.exclusively(work).catch(async error => { if (!isFull(error)) throw error; await work(); });
  }

  /** Lets another key stand for the same: a record of its own that names the same blobs. */
  async alias(key: string, other: string): Promise<void> {
    await sayingWhy(this.root, () => this.exclusively(async () => {
      const record = await this.read(key);
      if (record !== undefined && record.outside === undefined) await this.write({ ...record, key: other, label: `${record.label} (its disk)` });
    }));
  }

  /** Keeps a record from being pruned until the lease is given back, or this process is gone. */
  async lease(key: string): Promise<() => Promise<void>> {
    const file = join(this.root, 'leases', `${key}.${randomUUID()}`);
    await sayingWhy(this.root, async () => {
      await this.prepare();
      await writeFile(file, JSON.stringify(thisProcess()), { mode: 0o600 }).catch(async error => { await rm(file, { force: true }); throw error; });
    });
    return async () => { await unlink(file).catch(() => {}); };
  }

  /** One process at a time makes what a key stands for; the others wait (`budget` in milliseconds) and then find it. */
  async turn(key: string, options: { readonly signal?: AbortSignal; readonly budget?: number } = {}): Promise<() => Promise<void>> {
    return sayingWhy(this.root, async () => {
      await this.prepare();
      return lock(join(this.root, 'locks', `${key}.lock`), { budget: 24 * 60 * 60 * 1000, mode: 0o600, ...options });
    });
  }

  /** All records, least recently used first. */
  list(): Promise<StoreEntry[]> { return sayingWhy(this.root, () => this.entries()); }

  private async entries(): Promise<StoreEntry[]> {
    const leased = await leasedKeys(this.root);
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
  size(): Promise<number> {
    return sayingWhy(this.root, async () => {
      let bytes = 0;
      for await (const blob of this.blobs.all()) bytes += blob.occupied;
      for (const { outside } of await this.records()) bytes += outside?.bytes ?? 0;
      return bytes;
    });
  }

  /** Removes records, least recently used first, until the store fits into `limit` bytes; `all`: every one that is not in use. Then blobs that nothing names. */
  async prune({ limit = sizeLimit(), all = false }: { readonly limit?: number; readonly all?: boolean } = {}): Promise<PruneResult> {
    return sayingWhy(this.root, async () => {
      // Nothing was ever saved: no reason to make a folder.
      if (await stat(this.root).then(() => false, error => (error as NodeJS.ErrnoException).code === 'ENOENT')) return { removed: [], failed: [], freed: 0, left: 0 };
      await this.prepare();
      const work = (): Promise<PruneResult> => pruneStore(this, { limit, all });
      // Where not even a lock has room, nobody else can take it either; to make room is what this is for.
      return this.exclusively(work).catch(error => { if (!isFull(error)) throw error; return work(); });
    });
  }

  /** Reads every blob and compares it with its name; `progress` hears how many were read. */
  verify(progress: (done: number) => void = () => {}): Promise<Verified> {
    return sayingWhy(this.root, async () => {
      await this.records();
      return verifyStore(this, progress);
    });
  }

  /** Removes the record of a key, and what it stands for outside. */
  async drop(key: string): Promise<void> {
    const record = await this.read(key);
    if (record !== undefined) await this.forget(record).catch(() => {});
    await this.unlist(key);
  }

  /** Removes the record of a key, and nothing else. */
  async unlist(key: string): Promise<void> { await rm(this.recordFile(key), { force: true }); }

  /** Removes what a record stands for outside. Throws where it may still be there. */
  forget(record: CheckpointRecord): Promise<void> { return this.outside.forget(record, this.saved(record)); }

  private write(record: CheckpointRecord): Promise<void> { return writeWhole(this.recordFile(record.key), canonicalJson(record, 1)); }

  private recordFile(key: string): string { return join(this.root, 'records', `${key}.json`); }

  private async records(): Promise<CheckpointRecord[]> {
    const names = await readdir(join(this.root, 'records')).catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return [] as string[]; throw error; });
    return (await Promise.all(names.filter(name => name.endsWith('.json')).map(name => this.read(name.replace(/\.json$/, ''))))).filter(record => record !== undefined);
  }

  /** The record of a key as it stands there; undefined: there is none, or it cannot be read. */
  async read(key: string): Promise<CheckpointRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.recordFile(key), 'utf8')) as CheckpointRecord;
      return record.key === key && typeof record.blobs === 'object' ? record : undefined;
    } catch {
      return undefined;
    }
  }

  /** Makes the folders, for this user alone whatever the umask is; folders of ours that others may look into are closed. */
  private async prepare(): Promise<void> {
    if (await makeFolder(this.root, 0o700) !== undefined) await chmod(this.root, 0o700);
    for (const name of ['blobs', 'records', 'leases', 'locks']) {
      const folder = join(this.root, name);
      const made = await mkdir(folder, { mode: 0o700 }).then(() => true, (error: NodeJS.ErrnoException) => { if (error.code === 'EEXIST') return false; throw error; });
      if (made || ((await stat(folder)).mode & 0o077) !== 0) await chmod(folder, 0o700);
    }
  }

  /** Runs work while no other process changes records. */
  exclusively<T>(work: () => Promise<T>): Promise<T> { return withLock(join(this.root, 'locks', 'store'), work, { budget: 10 * 60_000, mode: 0o600 }); }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.chmod(0o600);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
