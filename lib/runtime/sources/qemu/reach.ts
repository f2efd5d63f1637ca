/** From a machine that runs to a guest that takes commands. */
import { errors } from '../../../errors.js';
import { Duration } from '../../../values.js';
import { openSsh } from '../../communicators/open.js';
import { winrmPort } from '../../communicators/winrm-port.js';
import { dialTcp } from '../../communicators/ssh/banner.js';
import type { Communicator, Context } from '../../driver.js';
import { retry } from '../../retry.js';
import type { Prepared, Props } from './prepare.js';
import type { Presence } from './presence.js';

const fail = errors('CLOUD_INIT', {
  UNFINISHED: {
    message: (seconds: number) => `cloud-init, in the guest, was not done after ${seconds} s.`,
    remedy: 'Look at /var/log/cloud-init-output.log in the guest; raise ssh.timeout where it only is slow.',
  },
});

/** How the settings say that the guest is reached: by which port of it, as whom, in how many milliseconds, and where, if it is not this computer's loopback. */
export function doorOf({ winrm, ssh }: Props): { readonly host: string | undefined; readonly port: number; readonly user: string; readonly budget: number } {
  return winrm === undefined ? { host: ssh?.host, port: ssh?.port ?? 22, user: ssh?.username ?? 'root', budget: ssh!.timeout.$duration } : { host: winrm.host, port: winrmPort(winrm), user: winrm.username, budget: winrm.timeout.$duration };
}

interface Door { readonly host: string; readonly port: number }

/**
 * Waits until the guest lets us in, and until cloud-init is done there, unless it was `before`. `budget` in milliseconds, where it is less than the settings'. `patient`: an installer may still be running, with an SSH server of its own. `address`: where the guest is, or a function that
 * knows in time; `presence`: tells when the guest has its address, where QEMU's own network can.
 */
export async function reach({ keys }: Prepared, props: Props, address: Door | ((signal: AbortSignal) => Promise<Door>), presence: Presence | undefined, signal: AbortSignal, ctx: Context, { budget = Infinity, before = false, patient }: { readonly budget?: number | undefined; readonly before?: boolean; readonly patient?: () => boolean } = {}): Promise<Communicator> {
  if (props.winrm !== undefined) {
    const { openWinrm } = await import('../../communicators/winrm.js');
    return openWinrm({ ...props.winrm, timeout: Duration.milliseconds(Math.min(budget, props.winrm.timeout.$duration)) }, {
      address: typeof address === 'function' ? address : async wanted => { await presence?.wait(address.port, wanted); return address; },
      // QEMU's own network shows this computer's loopback to the guest under this address; on any other, the guest sees our end of the connection.
      ...(presence === undefined ? {} : { pull: { listen: '127.0.0.1', seenAs: '10.0.2.2' } }),
    }, { signal, note: (message, options) => ctx.note(message, options), secret: value => ctx.secret(value) });
  }
  const ssh = { ...props.ssh!, timeout: Duration.milliseconds(Math.min(budget, props.ssh!.timeout.$duration)) }, began = Date.now();
  const guest = await openSsh(ssh, {
    ...(presence === undefined || typeof address === 'function' ? { address } : {
      address: async (wanted: AbortSignal) => { await presence.wait(address.port, wanted); return address; },
      dial: (at: { readonly host: string; readonly port: number }) => Object.assign(dialTcp(at.host, at.port), { guestIsThere: true }),
    }),
    otherHostKey: 'wait', patient,
    ...(keys === undefined ? {} : { privateKey: keys.login.privateKey, hostKey: keys.host.publicKey }),
  }, { signal, temporaryFolder: ctx.temporaryFolder, note: (message, options) => ctx.note(message, options) });
  if (before) return guest;
  try { await cloudInitDone(guest, Math.max(60_000, ssh.timeout.$duration - (Date.now() - began)), signal, ctx); }
  catch (error) { await guest[Symbol.asyncDispose](); throw error; }
  return guest;
}

/** `cloud-init status --wait` returns at the first error, and starts an interpreter each time: the file that cloud-init writes last says it better. */
async function cloudInitDone(guest: Communicator, budget: number, signal: AbortSignal, ctx: Context): Promise<void> {
  const began = Date.now();
  let told = false;
  const result = await retry(async () => {
    let out = '';
    // The generator has left one of the two files long before sshd runs; a guest without cloud-init has neither.
    const exit = await guest.exec('if [ -e /run/cloud-init/enabled ] && [ ! -e /run/cloud-init/disabled ]; then cat /run/cloud-init/result.json 2>/dev/null || exit 9; fi', { signal, stdout: chunk => { out += Buffer.from(chunk).toString('utf8'); } });
    if (exit.how === 'exited' && exit.code === 9) {
      if (!told) ctx.note('Waiting for cloud-init to be done.');
      told = true;
      throw new Error('it is not done yet');
    }
    return out;
  }, { what: 'cloud-init', budget, pause: 500, maxPause: 2000, factor: 1.2, signal }).catch(error => {
    if (signal.aborted || !told) throw error;
    throw fail.UNFINISHED(Math.round((Date.now() - began) / 1000), { cause: error });
  });
  const mistakes = result.trim() === '' ? [] : errorsOf(result);
  for (const mistake of mistakes) ctx.warn(`cloud-init says: ${mistake}`, 'CLOUD_INIT');
}

function errorsOf(json: string): readonly string[] {
  try { return (JSON.parse(json) as { v1?: { errors?: readonly string[] } }).v1?.errors ?? []; } catch { return []; }
}
