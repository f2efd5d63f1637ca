/** Files and folders by SFTP, many requests in flight: for large files, guests without a Unix shell or tar, or where the user asks for it. Paths have forward slashes, also on Windows. */
import { chmodSync, mkdtempSync, readdirSync, lstatSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import type { SFTPWrapper, Stats } from 'ssh2';
import { errors, messageOf } from '../../../errors.js';
import { makeFolderSync } from '../../../make-folder.js';
import type { UploadOptions } from '../../driver.js';

const fail = errors('SFTP', {
  WRITE: { message: (to: string, reason: string) => `'${to}' could not be written in the guest: ${reason}.`, remedy: 'Check the path, the permissions of the user that is logged in, and the space left in the guest (SFTP itself says no more than this).' },
  READ: { message: (from: string, reason: string) => `'${from}' could not be read in the guest: ${reason}.`, remedy: 'Check the path, and the permissions of the user that is logged in.' },
});

/** What OpenSSH takes in one request, and as many requests as fill its window. */
const piece = 128 * 1024, inFlight = 24;
type Cancellable = { readonly signal?: AbortSignal };

const call = <T>(run: (done: (error: Error | null | undefined, value?: T) => void) => unknown): Promise<T> =>
  new Promise((resolve, reject) => { run((error, value) => error ? reject(error) : resolve(value as T)); });

/** Writes a file; its parents are made. `more`: further sessions that write parts of it at the same time, each with a window of its own. */
export async function uploadFile(sftp: SFTPWrapper, from: string | Uint8Array, to: string, options: UploadOptions = {}, more: readonly SFTPWrapper[] = []): Promise<void> {
  const source = typeof from === 'string' ? await open(from, 'r') : undefined;
  try {
    const stat = await source?.stat();
    const size = stat ? stat.size : (from as Uint8Array).length;
    const mode = (options.mode ?? stat?.mode ?? 0o644) & 0o777;
    await makeFolder(sftp, parentOf(to));
    const first = { session: sftp, handle: await call<Buffer>(done => sftp.open(to, 'w', { mode: 0o600 }, done)) };
    const further = await Promise.allSettled(more.map(async session => ({ session, handle: await call<Buffer>(done => session.open(to, 'r+', done)) })));
    const writers = [first, ...further.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))];
    await pipeline(size, options.signal, async (at, length, lane) => {
      const { session, handle } = writers[lane % writers.length]!;
      const bytes = source ? (await source.read(Buffer.allocUnsafe(length), 0, length, at)).buffer : Buffer.from(from as Uint8Array).subarray(at, at + length);
      await call(done => session.write(handle, bytes, 0, length, at, done));
      options.progress?.(length);
    }, writers.length).finally(() => Promise.all(writers.map(({ session, handle }) => call(done => session.close(handle, done)))));
    await call(done => sftp.chmod(to, mode, done)).catch(() => { /* a server on Windows has no modes */ });
  } catch (error) { throw wrap(error, options.signal, reason => fail.WRITE(to, reason)); } finally { await source?.close(); }
}

/** Reads a file. The local file appears when it is whole. */
export async function downloadFile(sftp: SFTPWrapper, from: string, to: string, options: Cancellable = {}): Promise<void> {
  makeFolderSync(dirname(to));
  const part = mkdtempSync(join(dirname(to), '.part-')), file = join(part, basename(to));
  try {
    const { size, mode } = await call<Stats>(done => sftp.stat(from, done));
    const handle = await call<Buffer>(done => sftp.open(from, 'r', done)), target = await open(file, 'w');
    try {
      await pipeline(size, options.signal, async (at, length) => {
        for (let done = 0; done < length;) {
          const bytes = Buffer.allocUnsafe(length - done);
          const read = await new Promise<number>((resolve, reject) => { sftp.read(handle, bytes, 0, bytes.length, at + done, (error, count) => error ? reject(error) : resolve(count)); });
          if (read === 0) throw new Error('it became shorter while it was read');
          await target.write(bytes, 0, read, at + done);
          done += read;
        }
      });
    } finally { await Promise.allSettled([target.close(), call(done => sftp.close(handle, done))]); }
    chmodSync(file, mode & 0o777);
    renameSync(file, to);
  } catch (error) { throw wrap(error, options.signal, reason => fail.READ(from, reason)); } finally { rmSync(part, { recursive: true, force: true }); }
}

/** Writes what a folder holds, eight files at a time. */
export async function uploadFolder(sftp: SFTPWrapper, from: string, to: string, options: UploadOptions = {}): Promise<void> {
  const files: (readonly [local: string, remote: string])[] = [];
  const visit = async (local: string, remote: string, mode: number): Promise<void> => {
    const made = await makeFolder(sftp, remote);
    for (const name of readdirSync(local).sort()) {
      const source = join(local, name), target = `${remote}/${name}`, stat = lstatSync(source);
      if (stat.isDirectory()) await visit(source, target, stat.mode);
      else if (stat.isSymbolicLink()) {
        await call(done => sftp.unlink(target, done)).catch(() => { /* it was not there */ });
        await call(done => sftp.symlink(readlinkSync(source), target, done));
      } else if (stat.isFile()) files.push([source, target]);
    }
    if (made) await call(done => sftp.chmod(remote, mode & 0o7777, done)).catch(() => { /* as above */ });
  };
  try { await visit(from, to, options.mode ?? statSync(from).mode); } catch (error) { throw wrap(error, options.signal, reason => fail.WRITE(to, reason)); }
  await each(files, ([local, remote]) => uploadFile(sftp, local, remote, { ...options, mode: statSync(local).mode }));
}

/** Reads what a folder holds, eight files at a time. */
export async function downloadFolder(sftp: SFTPWrapper, from: string, to: string, options: Cancellable = {}): Promise<void> {
  const files: (readonly [remote: string, local: string])[] = [], made: (readonly [local: string, mode: number])[] = [];
  const visit = async (remote: string, local: string, mode?: number): Promise<void> => {
    if (makeFolderSync(local) !== undefined && mode !== undefined) made.push([local, mode]);
    for (const { filename, attrs } of await call<{ filename: string; attrs: Stats }[]>(done => sftp.readdir(remote, done as never))) {
      if (filename === '.' || filename === '..') continue;
      // A name with a slash in it would lead out of the folder.
      if (filename.includes('/') || filename.includes(sep)) throw new Error(`it names a file '${filename}'`);
      const source = `${remote}/${filename}`, target = join(local, filename);
      if (attrs.isDirectory()) await visit(source, target, attrs.mode);
      else if (attrs.isSymbolicLink()) { rmSync(target, { force: true }); symlinkSync(await call<string>(done => sftp.readlink(source, done)), target); }
      else if (attrs.isFile()) files.push([source, target]);
    }
  };
  try { await visit(from, to); } catch (error) { throw wrap(error, options.signal, reason => fail.READ(from, reason)); }
  await each(files, ([remote, local]) => downloadFile(sftp, remote, local, options));
  // Last, and the innermost first: a folder may be read-only.
  for (const [local, mode] of made.reverse()) chmodSync(local, mode & 0o777);
}

/** Makes a folder and its parents; true where it was not there. */
async function makeFolder(sftp: SFTPWrapper, path: string): Promise<boolean> {
  if (path === '' || /^[A-Za-z]:$/.test(path)) return false;
  const there = async (): Promise<boolean> => (await call<Stats>(done => sftp.stat(path, done))).isDirectory();
  try { return !await there(); } catch { /* to be made */ }
  await makeFolder(sftp, parentOf(path));
  try { await call(done => sftp.mkdir(path, done)); } catch (error) {
    // Another transfer may have made it in the meantime.
    if (await there().catch(() => false)) return false;
    throw error;
  }
  return true;
}
const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** Runs work for each piece of so many bytes, several at a time. */
async function pipeline(size: number, signal: AbortSignal | undefined, work: (at: number, length: number, lane: number) => Promise<void>, sessions = 1): Promise<void> {
  let next = 0;
  const lane = async (_: unknown, index: number): Promise<void> => {
    while (next < size) {
      signal?.throwIfAborted();
      const at = next, length = Math.min(piece, size - at);
      next += length;
      await work(at, length, index);
    }
  };
  await settle(Array.from({ length: Math.min(inFlight * sessions, Math.ceil(size / piece)) }, lane));
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0, failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) try { await work(items[next++]!); } catch (error) { failed = true; throw error; }
  };
  await settle(Array.from({ length: 8 }, lane));
}

/** Waits for all, then throws the first failure. */
async function settle(lanes: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(lanes)).find(lane => lane.status === 'rejected');
  if (failed) throw failed.reason;
}

function wrap(error: unknown, signal: AbortSignal | undefined, make: (reason: string) => Error): unknown {
  return signal?.aborted || (error as { readonly $bakeError?: true }).$bakeError ? error : make(messageOf(error).replace(/\.$/, ''));
}
