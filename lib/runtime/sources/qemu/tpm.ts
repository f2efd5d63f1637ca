/** A TPM for the guest: swtpm, which ends when QEMU does. */
import { spawn } from 'node:child_process';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errors } from '../../../errors.js';
import { retry } from '../../retry.js';
import { wordsSince } from './launch.js';

const fail = errors('TPM', {
  NOT_STARTED: { message: (words: string) => `swtpm did not start: ${words}.`, remedy: 'Its words stand in swtpm.log, in the run\'s folder.' },
});

/** Starts it; the path of its socket, in `folder` (short, the machine's own). */
export async function startTpm(folder: string, version1: boolean, logFile: string, signal: AbortSignal): Promise<string> {
  const state = join(folder, 'tpm'), socket = join(folder, 'tpm.sock');
  await mkdir(state, { recursive: true, mode: 0o700 });
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
  return socket;
}
