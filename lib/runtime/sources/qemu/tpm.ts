/** A TPM for the guest: swtpm, which ends when QEMU does. */
import { spawn } from 'node:child_process';
import { copyFile, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errors, isBakeError } from '../../../errors.js';
import { makeFolder } from '../../../make-folder.js';
import { retry } from '../../retry.js';
import { wordsSince } from './launch.js';

const fail = errors('TPM', {
  NOT_STARTED: { message: (words: string) => `swtpm did not start: ${words}.`, remedy: 'Its words stand in swtpm.log, in the run\'s folder.' },
});

const socketOf = (folder: string): string => join(folder, 'tpm.sock');
/** The file with all that a TPM keeps while it has no power, in the machine's own folder. */
const memoryOf = (folder: string, version1: boolean): string => join(folder, 'tpm', version1 ? 'tpm-00.permall' : 'tpm2-00.permall');

/** What QEMU is told of a TPM: the path of its socket. `from`: what it kept when it was saved; nothing: it is new. */
export async function prepareTpm(folder: string, version1: boolean, from: string | undefined): Promise<string> {
  await makeFolder(join(folder, 'tpm'), 0o700);
  if (from !== undefined) await copyFile(from, memoryOf(folder, version1));
  return socketOf(folder);
}

/** Copies what a TPM keeps; false: it has not kept anything yet. */
export const saveTpm = (folder: string, version1: boolean, to: string): Promise<boolean> => copyFile(memoryOf(folder, version1), to).then(() => true, (error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return false; throw error; });

/** Starts it, with what it kept the last time. `folder`: the machine's own. */
export async function startTpm(folder: string, version1: boolean, logFile: string, signal: AbortSignal): Promise<void> {
  // The one before ends with its QEMU, but a moment later, and holds what it kept until then.
  await retry(() => startOnce(folder, version1, logFile, signal), { what: 'swtpm', attempts: 20, pause: 50, maxPause: 500, signal, retryIf: error => isBakeError(error) && error.code === 'TPM_NOT_STARTED' && /lock/i.test(error.message) });
}

async function startOnce(folder: string, version1: boolean, logFile: string, signal: AbortSignal): Promise<void> {
  const state = join(folder, 'tpm'), socket = socketOf(folder);
  await rm(socket, { force: true });
  const log = await open(logFile, 'a'), before = (await log.stat()).size;
  let ended: string | undefined;
  try {
    const child = spawn('swtpm', ['socket', ...(version1 ? [] : ['--tpm2']), '--tpmstate', `dir=${state}`, '--ctrl', `type=unixio,path=${socket}`, '--terminate'], { detached: true, stdio: ['ignore', log.fd, log.fd] });
    child.unref();
    child.once('error', error => { ended = error.message; });
    child.once('exit', code => { ended ??= `exit code ${code}`; });
  } finally { await log.close(); }
  await retry(async () => { await stat(socket); }, { what: 'swtpm', budget: 20_000, pause: 10, maxPause: 100, signal, retryIf: () => ended === undefined }).catch(async error => {
    if (signal.aborted) throw error;
    throw fail.NOT_STARTED(await wordsSince(logFile, before) || ended || 'its socket never appeared', { cause: error });
  });
}
