/** Files by the digest of their content, private to the user. A blob is never changed once it has its name. */
import { createHash, randomUUID } from 'node:crypto';
import { chmod, copyFile, constants, link, open, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { makeFolder } from '../../make-folder.js';

const chunkSize = 1 << 20;
const zeros = Buffer.alloc(chunkSize);
/** The time that every blob gets, in seconds: whoever writes to it changes that, and its content is looked at before it is believed again. */
const untouched = 1_000_000_000;

/**
 * The digest of a blob: SHA-256 over its chunks of 1 MiB, where a chunk of zeros counts as a mark. A guest's memory is mostly zeros, and
 * this reads four times as fast as the plain sum.
 */
export async function blobDigest(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256').update('chunks of 1 MiB\n');
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(chunkSize);
    for (;;) {
      signal?.throwIfAborted();
      let filled = 0;
      for (let read = 1; filled < chunkSize && read > 0; filled += read) ({ bytesRead: read } = await file.read(buffer, filled, chunkSize - filled, null));
      if (filled === 0) break;
      const chunk = buffer.subarray(0, filled);
      if (filled === chunkSize && chunk.equals(zeros)) hash.update('zeros');
      else hash.update(`data ${filled}\n`).update(chunk);
    }
  } finally {
    await file.close();
  }
  return `sha256:${hash.digest('hex')}`;
}

export class Blobs {
  readonly folder: string;
  constructor(root: string) { this.folder = join(root, 'blobs'); }

  /** Where a blob lies, or would. */
  path(digest: string): string {
    const hex = digest.replace(/^sha256:/, '');
    return join(this.folder, hex.slice(0, 2), hex);
  }

  /** Takes a file in: linked where that is possible, else copied (holes stay holes). The file must not be changed afterwards. `isNew`: it was not there. */
  async put(file: string): Promise<{ readonly digest: string; readonly size: number; readonly occupied: number; readonly isNew: boolean }> {
    const digest = await blobDigest(file), { size: expected } = await stat(file);
    const place = this.path(digest), isNew = await this.state(digest, expected) !== 'whole';
    if (isNew) {
      await makeFolder(join(place, '..'), 0o700);
      await chmod(join(place, '..'), 0o700);
      const temporary = `${place}.${randomUUID()}.new`;
      try {
        await link(file, temporary).catch(() => copySparse(file, temporary));
        await chmod(temporary, 0o600);
        await sync(temporary);
        await utimes(temporary, new Date(), untouched);
        await rename(temporary, place);
      } finally {
        await unlink(temporary).catch(() => {});
      }
    } else {
      // Young again (by its ctime), so that a prune at this moment does not take it for an orphan.
      await utimes(place, new Date(), untouched).catch(() => {});
    }
    // A prune may take it this very moment; whoever names it looks again, under the lock.
    const { size, blocks } = await stat(place).catch(() => stat(file));
    return { digest, size, occupied: blocks * 512, isNew };
  }

  async has(digest: string): Promise<boolean> { return stat(this.path(digest)).then(() => true, () => false); }

  /** Whether a blob is what was put there. Its content is read only where its size or time says that somebody wrote to it, or copied the store. */
  async state(digest: string, size: number): Promise<'whole' | 'gone' | 'damaged'> {
    const place = this.path(digest), there = await stat(place).catch(() => undefined);
    if (there === undefined) return 'gone';
    if (there.size !== size) return 'damaged';
    if (there.mtimeMs === untouched * 1000) return 'whole';
    const found = await blobDigest(place).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? 'gone' : 'damaged'));
    if (found !== digest) return found === 'gone' ? 'gone' : 'damaged';
    await utimes(place, new Date(), untouched).catch(() => {});
    return 'whole';
  }

  /** Bytes a blob takes on the disk; 0: it is not there. */
  async occupied(digest: string): Promise<number> { return stat(this.path(digest)).then(s => s.blocks * 512, () => 0); }

  async remove(digest: string): Promise<void> { await rm(this.path(digest), { force: true }); }

  /** Every blob with its age in milliseconds; unfinished ones are named by their file. */
  async *all(): AsyncGenerator<{ readonly digest?: string; readonly file: string; readonly age: number; readonly occupied: number }> {
    for (const folder of await readdir(this.folder).catch(() => [] as string[])) {
      for (const name of await readdir(join(this.folder, folder)).catch(() => [] as string[])) {
        const file = join(this.folder, folder, name);
        const stats = await stat(file).catch(() => undefined);
        if (stats === undefined) continue;
        const base = { file, age: Date.now() - stats.ctimeMs, occupied: stats.blocks * 512 };
        yield /^[0-9a-f]{64}$/.test(name) ? { ...base, digest: `sha256:${name}` } : base;
      }
    }
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try { await file.datasync(); } finally { await file.close(); }
}

/** Node's copy fills holes; cp keeps them. */
async function copySparse(from: string, to: string): Promise<void> {
  const copied = await new Promise<boolean>(resolve => {
    const child = spawn('cp', ['--sparse=always', '--reflink=auto', '--', from, to], { stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('exit', code => resolve(code === 0));
  });
  if (!copied) await copyFile(from, to, constants.COPYFILE_FICLONE);
}
