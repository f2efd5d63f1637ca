/** Files and folders to and from a Windows guest through nothing but PowerShell: one stream of lines for a file or a whole folder, each file checked by its hash. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { open, readdir, realpath, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { errors, isBakeError, messageOf } from '../../errors.js';
import { makeFolderSync } from '../../make-folder.js';
import type { Communicator, Exit, UploadOptions } from '../driver.js';
import { powershellCommand } from '../guest/powershell.js';
import { type PullFrom, servePull } from './pull.js';
import { reasonOf } from './unix-files.js';
import { lengthScript, pullScript, receiveScript, refused, sendScript, unreachable } from './windows-scripts.js';

const fail = errors('TRANSFER', {
  UPLOAD: { message: (to: string, reason: string) => `'${to}' could not be written in the guest: ${reason}.`, remedy: 'Check the path, the permissions of the user that is logged in, and the space left in the guest.' },
  DOWNLOAD: { message: (from: string, reason: string) => `'${from}' could not be read in the guest: ${reason}.`, remedy: 'Check the path, and the permissions of the user that is logged in.' },
  CHANGED: { message: (path: string) => `'${path}' has not arrived as it was sent.`, remedy: 'Try again. If it happens again, look at what stands between this computer and the guest.' },
  NAMES: { message: (names: string) => `Windows cannot have files of these names: ${names}.`, remedy: `Rename them: none of < > : " | ? * \\, no dot or space at the end, and no CON, NUL, COM1 and the like.` },
  DEAD_LINK: { message: (path: string) => `The link ${path} leads nowhere.`, remedy: 'Windows guests get what links lead to: remove the link, or mend it.' },
  LOOP: { message: (path: string) => `The link ${path} leads to a folder that it lies in.`, remedy: 'Windows guests get what links lead to: remove the link.' },
});
type Exec = Communicator['exec'];
type Cancellable = { readonly signal?: AbortSignal };

/** Bytes of a file in one line: with base64 in base64, a message that every service takes. */
const piece = 72 * 1024;
/** From so many bytes on it is worth asking the guest to fetch them itself. */
const large = 1024 * 1024;
/** How often a transfer goes on after a lost connection. */
const comebacks = 5;

interface Sent { readonly path: string; readonly from: string | Uint8Array | 'folder'; readonly size: number }

/** What a communicator's transfers share: whether the guest can fetch from here. */
export class Transfers {
  constructor(private readonly exec: Exec, private pull?: PullFrom) {}

  async upload(from: string | Uint8Array, to: string, options: UploadOptions = {}): Promise<void> {
    checkNames([to]);
    await this.send([{ path: to, from, size: typeof from === 'string' ? statSync(from).size : from.length }], to, options);
  }
  /** Links are followed: the guest gets what they lead to. Modes have no meaning there. */
  async uploadFolder(from: string, to: string, options: UploadOptions = {}): Promise<void> {
    const found: Sent[] = [{ path: to, from: 'folder', size: 0 }];
    for await (const entry of walk(from, to.replace(/[\\/]+$/, ''), [])) found.push(entry);
    checkNames(found.map(entry => entry.path.slice(to.length)));
    await this.send(found, to, options);
  }

  private async send(all: readonly Sent[], to: string, options: UploadOptions): Promise<void> {
    if (this.pull !== undefined && all.reduce((sum, { size }) => sum + size, 0) >= large && await this.byPull(all, to, this.pull, options)) return;
    let reported = 0;
    for (let tries = 0, afresh = false; ; tries++) {
      const alone = all.length === 1 && all[0]!.from !== 'folder' ? all[0]! : undefined;
      const offset = tries > 0 && alone && !afresh ? await this.lengthOf(to, options) : 0;
      let sent = offset;
      const progress = (bytes: number): void => { sent += bytes; if (sent > reported) { options.progress?.(sent - reported); reported = sent; } };
      const { exit, said } = await this.run(receiveScript, { ...cancel(options), stdin: lines(all, offset, progress) });
      if (exit.how === 'exited' && exit.code === 0) return;
      if (exit.how === 'exited' && exit.code === refused.hash) { if (tries === 0 || !afresh) { afresh = true; continue; } throw fail.CHANGED(to); }
      if (exit.how === 'disconnected' && tries < comebacks) continue;
      throw fail.UPLOAD(to, reasonOf(exit, said));
    }
  }

  /** False: the guest does not reach us. */
  private async byPull(all: readonly Sent[], to: string, pull: PullFrom, options: UploadOptions): Promise<boolean> {
    let reported = 0;
    const served = await servePull(pull, () => lines(all, 0, bytes => { reported += bytes; options.progress?.(bytes); })).catch(() => undefined);
    if (served === undefined) { this.pull = undefined; return false; }
    try {
      const { exit, said } = await this.run(pullScript(served.url, served.key, served.iv), cancel(options));
      if (exit.how === 'exited' && exit.code === 0) return true;
      if (exit.how === 'exited' && exit.code === refused.write) throw fail.UPLOAD(to, reasonOf(exit, said));
      // It may be a firewall, a tunnel, another machine at that address: then it comes by the way that works.
      if (exit.how !== 'exited' || exit.code === unreachable) this.pull = undefined;
      if (reported > 0) options.progress?.(-reported);
      return false;
    } finally { await served[Symbol.asyncDispose](); }
  }

  private async lengthOf(to: string, options: Cancellable): Promise<number> {
    const { exit, out } = await this.run(lengthScript(to), cancel(options));
    return exit.how === 'exited' && exit.code === 0 && /^\d+\s*$/.test(out) ? Number(out) : 0;
  }

  async download(from: string, to: string, options: Cancellable = {}): Promise<void> {
    makeFolderSync(dirname(to));
    const part = mkdtempSync(join(dirname(to), '.part-'));
    try {
      await this.receive(from, part, 'file', options);
      renameSync(join(part, 'file'), to);
    } finally { rmSync(part, { recursive: true, force: true }); }
  }
  async downloadFolder(from: string, to: string, options: Cancellable = {}): Promise<void> {
    makeFolderSync(to);
    await this.receive(from, to, 'folder', options);
  }

  private async receive(from: string, into: string, what: 'file' | 'folder', options: Cancellable): Promise<void> {
    const writer = new Writer(into, what === 'file' ? 'file' : undefined);
    let rest = '';
    try {
      const { exit, said } = await this.run(sendScript(from, what), {
        ...cancel(options), stdout: async chunk => {
          const all = (rest + Buffer.from(chunk).toString('latin1')).split(/\r?\n/);
          rest = all.pop()!;
          for (const line of all) await writer.take(line, fail.CHANGED);
        },
      });
      if (exit.how !== 'exited' || exit.code !== 0) throw fail.DOWNLOAD(from, reasonOf(exit, said));
      if (!writer.done) throw fail.DOWNLOAD(from, 'the guest said less than all of it');
    } catch (error) {
      if (isBakeError(error) || options.signal?.aborted) throw error;
      throw fail.DOWNLOAD(from, messageOf(error), { cause: error });
    } finally { await writer.close(); }
  }

  private async run(script: string, options: Parameters<Exec>[1] & {}): Promise<{ readonly exit: Exit; readonly out: string; readonly said: string }> {
    let out = '', said = '';
    const exit = await this.exec(powershellCommand(script), { stdout: chunk => { out += Buffer.from(chunk).toString(); }, stderr: chunk => { said = (said + Buffer.from(chunk).toString()).slice(-2048); }, ...options });
    return { exit, out, said };
  }
}

const cancel = ({ signal }: Cancellable): Cancellable => signal === undefined ? {} : { signal };
const word = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** The lines that a guest is told: `D` a folder, `F` a file and from which byte on, `:` bytes of it, `E` its hash, `Q` that this was all. */
async function* lines(all: readonly Sent[], offset: number, progress: (bytes: number) => void): AsyncGenerator<Buffer> {
  for (const { path, from } of all) {
    if (from === 'folder') { yield Buffer.from(`D${word(path)}\n`); continue; }
    const hash = createHash('sha256');
    yield Buffer.from(`F${word(path)}|${offset}\n`);
    let at = 0;
    for await (const chunk of typeof from === 'string' ? createReadStream(from, { highWaterMark: piece }) : parts(from)) {
      hash.update(chunk);
      const fresh = chunk.subarray(Math.min(chunk.length, Math.max(0, offset - at)));
      at += chunk.length;
      if (fresh.length === 0) continue;
      yield Buffer.from(`:${Buffer.from(fresh).toString('base64')}\n`);
      progress(fresh.length);
    }
    yield Buffer.from(`E${hash.digest('hex')}\n`);
  }
  yield Buffer.from('Q\n');
}
function* parts(bytes: Uint8Array): Generator<Uint8Array> { for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece); }

async function* walk(folder: string, to: string, above: readonly string[]): AsyncGenerator<Sent> {
  const real = await realpath(folder);
  if (above.includes(real)) throw fail.LOOP(folder);
  for (const name of (await readdir(folder)).sort()) {
    const from = join(folder, name), path = `${to}/${name}`, stats = await stat(from).catch((error: NodeJS.ErrnoException) => { throw error.code === 'ENOENT' ? fail.DEAD_LINK(from) : error; });
    if (stats.isDirectory()) { yield { path, from: 'folder', size: 0 }; yield* walk(from, path, [...above, real]); }
    else if (stats.isFile()) yield { path, from, size: stats.size };
  }
}

function checkNames(paths: readonly string[]): void {
  const bad = paths.filter(path => path.replace(/^[A-Za-z]:/, '').split(/[\\/]/).some(name => /[<>:"|?*\0-\x1f]|[^.][. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)));
  if (bad.length > 0) throw fail.NAMES(bad.slice(0, 5).map(path => JSON.stringify(path)).join(', ') + (bad.length > 5 ? ` and ${bad.length - 5} more` : ''));
}

/** Writes what a guest tells of its files, in the same lines; a name for the one file, where it is one. */
class Writer {
  done = false;
  private file: FileHandle | undefined;
  private hash: Hash = createHash('sha256');
  private path = '';
  constructor(private readonly into: string, private readonly only?: string) {}

  async take(line: string, changed: (path: string) => Error): Promise<void> {
    const text = (encoded: string): string => Buffer.from(encoded, 'base64').toString('utf8');
    switch (line[0]) {
      case 'D': makeFolderSync(this.inside(text(line.slice(1)))); break;
      case 'F':
        this.path = this.only === undefined ? this.inside(text(line.slice(1))) : join(this.into, this.only);
        makeFolderSync(dirname(this.path));
        this.file = await open(`${this.path}.part`, 'w');
        this.hash = createHash('sha256');
        break;
      case ':': {
        const bytes = Buffer.from(line.slice(1), 'base64');
        this.hash.update(bytes);
        await this.file!.writeFile(bytes);
        break;
      }
      case 'E':
        await this.close();
        if (this.hash.digest('hex') !== line.slice(1).trim().toLowerCase()) { rmSync(`${this.path}.part`, { force: true }); throw changed(basename(this.path)); }
        renameSync(`${this.path}.part`, this.path);
        break;
      case 'Q': this.done = true; break;
      default:
    }
  }
  /** A guest must not write outside of the folder. */
  private inside(path: string): string {
    const full = resolve(this.into, ...path.split(/[\\/]/));
    if (full !== resolve(this.into) && !full.startsWith(resolve(this.into) + sep)) throw new Error(`the guest names a file outside of the folder: ${path}`);
    return full;
  }
  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}
