/** Makes the guest's disk ready to become an image: what makes it one machine goes, and our keys, and what was deleted no longer takes space. */
import { errors, isBakeError, messageOf } from '../../../errors.js';
import { asRoot } from '../../guest/as-root.js';
import { reasonOf } from '../../communicators/unix-files.js';
import type { Communicator, Context } from '../../driver.js';
import { keyStayed, withoutLoginKey } from '../../guest/login-key.js';
import { quote } from '../../guest/quote.js';
import { sealGuest, sealScript } from '../../guest/seal.js';
import { Agent } from './agent.js';
import { formerHostKeyFile, hostKeyFile, hostKeySetting, type SeedKeys } from './seed.js';

const fail = errors('SEAL', {
  FAILED: {
    message: (reason: string) => `The image could not be sealed. ${reason}`,
    remedy: 'Mend what is named, or say seal: false; a SealProvisioner as the last step seals what you choose.',
    explain: 'Before a disk becomes an image, what makes the guest this one machine is removed: host keys, machine id, logs, histories, cloud-init\'s state. Nothing was captured.',
  },
});

/**
 * Removes what makes the guest this one machine. Where there is no way to become root, neither by sudo nor by the guest agent, the image stays as it is, with a
 * warning. Throws SEAL_FAILED.
 */
export async function seal(guest: Communicator, agentSocket: string, ctx: Context): Promise<void> {
  if (guest.guest !== 'unix') return;
  ctx.note('sealing the image', { detail: true });
  try { await sealGuest('all', guest, ctx); } catch (error) {
    ctx.signal.throwIfAborted();
    if (!isBakeError(error) || error.code !== 'ROOT_NOT_ROOT') throw fail.FAILED(messageOf(error), { cause: error });
    if (await byAgent(sealScript(), agentSocket, ctx)) return;
    ctx.warn('The image is not sealed, since there is no way to become root in the guest: it carries the SSH host keys, machine id and logs of this one machine. Log in as root, or as a user who may use sudo without a password; or say seal: false.', 'NOT_SEALED');
  }
}

/** Gives up the space of deleted files, where the guest can; a guest that cannot only makes a larger image. */
export async function trim(guest: Communicator, ctx: Context): Promise<void> {
  if (guest.guest !== 'unix') return;
  const work = 'command -v fstrim >/dev/null 2>&1 && fstrim -a';
  await guest.exec(`PATH=$PATH:/usr/sbin:/sbin; ${asRoot(work)}`, { signal: ctx.signal });
}

/**
 * Removes every line of every user's authorized_keys that holds our key, and the host key that we gave. A user without rights is helped by the
 * guest agent, where there is one. Throws LOGIN_KEY_STAYED when a key is still there.
 */
export async function removeKeys(guest: Communicator, keys: SeedKeys, agentSocket: string, ctx: Context): Promise<void> {
  const work = script(keys);
  let err = '';
  const exit = await guest.exec(asRoot(work), { signal: ctx.signal, stderr: chunk => { err += Buffer.from(chunk).toString('utf8'); } });
  if (exit.how === 'exited' && exit.code === 0) return;
  if (await byAgent(work, agentSocket, ctx)) return;
  throw keyStayed(err.trim().split('\n').at(-1) || reasonOf(exit, ''), 'log in by other means (ssh.password, ssh.privateKeyFile)');
}

/** Runs a script through the guest agent, which is root; whether it was there and the script succeeded. */
async function byAgent(work: string, socket: string, ctx: Context): Promise<boolean> {
  const agent = await Agent.open(socket, 5000, ctx.signal).catch(() => undefined);
  // Where it fails, the guest's own answer is the better one.
  try { return (await agent?.run('/bin/sh', ['-c', work], { budget: 120_000 }))?.code === 0; } catch { return false; } finally { agent?.close(); }
}

/** For root. */
function script({ login, host }: SeedKeys): string {
  return `${withoutLoginKey(login.blob)}
hostkey=${quote(host.blob)}
rm -f ${hostKeyFile} ${formerHostKeyFile} ${hostKeySetting}
# What cloud-init remembers of this instance has both keys in it; the next boot is another instance's first.
for folder in /var/lib/cloud/instances/*; do
  if [ -d "$folder" ] && grep -rqF -e "$key" -e "$hostkey" "$folder" 2>/dev/null; then rm -rf "$folder"; fi
done
if [ -L /var/lib/cloud/instance ] && [ ! -e /var/lib/cloud/instance ]; then rm -f /var/lib/cloud/instance; fi
for file in /etc/ssh/ssh_host_*_key.pub; do
  if grep -qF "$hostkey" "$file" 2>/dev/null; then rm -f "$file" "\${file%.pub}"; fi
done
for file in ${hostKeyFile} ${formerHostKeyFile}; do
  if [ -e $file ]; then echo "$file is still there" >&2; left=1; fi
done
exit $left
`;
}
