/** Files and folders to and from a Unix guest through nothing but commands: one command for each transfer, a folder as one tar stream. */
import { createReadStream, mkdtempSync, rmSync, renameSync, statSync, chmodSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { errors } from '../../errors.js';
import { makeFolderSync } from '../../make-folder.js';
import type { Communicator, ExecOptions, Exit, UploadOptions } from '../driver.js';
import { quotePath } from '../guest/quote.js';
import { packFolder } from '../formats/tar.js';
import { unpackFolder } from '../formats/untar.js';

const fail = errors('TRANSFER', {
  UPLOAD: { message: (to: string, reason: string) => `'${to}' could not be written in the guest: ${reason}.`, remedy: 'Check the path, the permissions of the user that is logged in, and the space left in the guest.' },
  DOWNLOAD: { message: (from: string, reason: string) => `'${from}' could not be read in the guest: ${reason}.`, remedy: 'Check the path, and the permissions of the user that is logged in.' },
  NO_TAR: { message: (what: string) => `The guest has no tar, which ${what} needs.`, remedy: 'Install tar in the guest in an earlier step, or send the files one by one.' },
});
/** Whether a transfer failed only because the guest has no tar. */
export const lacksTar = (error: unknown): boolean => (error as { readonly code?: string }).code === 'TRANSFER_NO_TAR';

type Exec = Communicator['exec'];
type Cancellable = { readonly signal?: AbortSignal };

/** Writes a file in the guest; its parents are made. The content goes into the file as it is, so links, owner and inode of an existing one stay. */
export async function uploadFile(exec: Exec, from: string | Uint8Array, to: string, options: UploadOptions = {}): Promise<void> {
  const mode = ((options.mode ?? (typeof from === 'string' ? statSync(from).mode : 0o644)) & 0o7777).toString(8);
  const path = quotePath(to), parent = parentOf(to);
  const command = `${parent === '' ? '' : `mkdir -p ${quotePath(parent)} && `}(umask 077 && cat >${path}) && chmod ${mode} ${path}`;
  await mustSucceed(exec, command, { stdin: counted(typeof from === 'string' ? createReadStream(from, { highWaterMark: 256 * 1024 }) : from, options.progress), ...cancel(options) }, reason => fail.UPLOAD(to, reason));
}

/** Writes what a folder holds into a folder of the guest. Modes, links and empty folders are kept; folders that are there keep their mode. */
export async function uploadFolder(exec: Exec, from: string, to: string, options: UploadOptions = {}): Promise<void> {
  const mode = ((options.mode ?? statSync(from).mode) & 0o7777).toString(8), path = quotePath(to);
  // Where a name in the guest is a link to a folder (/lib), GNU and BSD tar would put a folder in its place.
  const command = `command -v tar >/dev/null || exit 78
[ -d ${path} ] || { mkdir -p ${path} && chmod ${mode} ${path}; } || exit
case "$(tar --version 2>/dev/null)" in *GNU*) keep='--keep-directory-symlink --no-overwrite-dir';; *bsdtar*) keep=-P;; *) keep=;; esac
exec tar -xmopf - $keep -C ${path}`;
  await mustSucceed(exec, command, { stdin: counted(packFolder(from), options.progress), ...cancel(options) }, (reason, code) => code === 78 ? fail.NO_TAR('sending a folder') : fail.UPLOAD(to, reason));
}

/** Reads a file of the guest. The local file appears when it is whole. */
export async function downloadFile(exec: Exec, from: string, to: string, options: Cancellable = {}): Promise<void> {
  makeFolderSync(dirname(to));
  const part = mkdtempSync(join(dirname(to), '.part-')), file = join(part, basename(to));
  try {
    const handle = await open(file, 'w');
    let head: Buffer | undefined = Buffer.alloc(0), mode = '';
    const path = quotePath(from);
    try {
      await mustSucceed(exec, `{ stat -Lc %a ${path} 2>/dev/null || stat -Lf %Lp ${path} 2>/dev/null || echo; } && exec cat ${path}`, {
        stdout: async chunk => {
          if (head) {
            head = Buffer.concat([head, chunk]);
            const end = head.indexOf('\n');
            if (end < 0) return;
            mode = head.toString('latin1', 0, end);
            chunk = head.subarray(end + 1);
            head = undefined;
          }
          await handle.writeFile(chunk);
        }, ...cancel(options),
      }, reason => fail.DOWNLOAD(from, reason));
    } finally { await handle.close(); }
    if (/^[0-7]+$/.test(mode)) chmodSync(file, Number.parseInt(mode, 8) & 0o777);
    renameSync(file, to);
  } finally { rmSync(part, { recursive: true, force: true }); }
}

/** Reads what a folder of the guest holds into a local folder. */
export async function downloadFolder(exec: Exec, from: string, to: string, options: Cancellable = {}): Promise<void> {
  const archive = new PassThrough({ highWaterMark: 1024 * 1024 });
  const unpacked = unpackFolder(archive, to).then(() => undefined, (error: unknown) => { archive.resume(); return { error }; });
  let failure: unknown;
  try {
    await mustSucceed(exec, `cd ${quotePath(from)} || exit
command -v tar >/dev/null || exit 78
exec tar -cf - .`, {
      stdout: chunk => archive.write(chunk) ? undefined : new Promise<void>(resolve => { archive.once('drain', resolve); }), ...cancel(options),
    }, (reason, code) => code === 78 ? fail.NO_TAR('reading a folder') : fail.DOWNLOAD(from, reason), /file changed as we read it|File removed before we read it/);
  } catch (error) { failure = error; }
  archive.end();
  const local = await unpacked;
  if (failure) throw failure;
  if (local) throw local.error;
}

/** What a command that did not succeed said of itself, in one line. */
export function reasonOf(exit: Exit, said: string): string {
  const text = said.trim().split('\n').slice(-3).join('; ');
  switch (exit.how) {
    case 'disconnected': return `the connection was lost${exit.reason ? ` (${exit.reason})` : ''}`;
    case 'signalled': return `the command was ended by signal ${exit.signal}${text && `: ${text}`}`;
    case 'exited': return text || `the command exited with ${exit.code}`;
  }
}

/** How a step's command ended, behind its name: `exited with 4 (some resources failed)`, `was ended by signal KILL`. */
export function endedHow(exit: Exit, meaning?: string): string {
  switch (exit.how) {
    case 'disconnected': return `lost its connection${exit.reason ? ` (${exit.reason})` : ''}`;
    case 'signalled': return `was ended by signal ${exit.signal}`;
    case 'exited': return `exited with ${exit.code}${meaning === undefined ? '' : ` (${meaning})`}`;
  }
}

async function mustSucceed(exec: Exec, command: string, options: ExecOptions, failure: (reason: string, code?: number) => Error, harmless?: RegExp): Promise<void> {
  let said = '';
  const exit = await exec(command, { ...options, stderr: chunk => { said = (said + Buffer.from(chunk).toString()).slice(-4096); } });
  if (exit.how === 'exited' && (exit.code === 0 || (exit.code === 1 && harmless?.test(said)))) return;
  throw failure(reasonOf(exit, said), exit.how === 'exited' ? exit.code : undefined);
}

async function* counted(content: Uint8Array | AsyncIterable<Uint8Array>, progress: UploadOptions['progress']): AsyncGenerator<Uint8Array> {
  for await (const chunk of content instanceof Uint8Array ? [content] : content) {
    yield chunk;
    progress?.(chunk.length);
  }
}
const cancel = ({ signal }: Cancellable): Cancellable => signal ? { signal } : {};
const parentOf = (path: string): string => path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
