/** Makes the guest's disk ready to become an image: our keys go, and what was deleted no longer takes space. */
import { errors } from '../../../errors.js';
import { asRoot } from '../../as-root.js';
import type { Communicator, Context } from '../../driver.js';
import { describeExit } from '../../process.js';
import { quote } from '../../quote.js';
import { Agent } from './agent.js';
import { hostKeyFile, hostKeySetting, type SeedKeys } from './seed.js';

const fail = errors('KEY', {
  STAYED: {
    message: (reason: string) => `The key that the guest was built with could not be removed from it: ${reason}.`,
    remedy: 'Build as root, or as a user who may use sudo without a password; or log in by other means (ssh.password, ssh.privateKeyFile).',
    explain: 'An image must not carry a key that lets somebody in, so nothing was captured.',
  },
});

/** Gives up the space of deleted files, where the guest can; a guest that cannot only makes a larger image. */
export async function trim(guest: Communicator, ctx: Context): Promise<void> {
  if (guest.guest !== 'unix') return;
  const work = 'command -v fstrim >/dev/null 2>&1 && fstrim -a';
  await guest.exec(`PATH=$PATH:/usr/sbin:/sbin; ${asRoot(work)}`, { signal: ctx.signal });
}

/**
 * Removes every line of every user's authorized_keys that holds our key, and the host key that we gave. A user without rights is helped by the
 * guest agent, where there is one. Throws KEY_STAYED when a key is still there.
 */
export async function removeKeys(guest: Communicator, keys: SeedKeys, agentSocket: string, ctx: Context): Promise<void> {
  const work = script(keys);
  let err = '';
  const exit = await guest.exec(asRoot(work), { signal: ctx.signal, stderr: chunk => { err += Buffer.from(chunk).toString('utf8'); } });
  if (exit.how === 'exited' && exit.code === 0) return;
  const agent = await Agent.open(agentSocket, 5000, ctx.signal).catch(() => undefined);
  try { if ((await agent?.run('/bin/sh', ['-c', work]))?.code === 0) return; }
  catch { /* the guest's own answer is the better one */ }
  finally { agent?.close(); }
  throw fail.STAYED(err.trim().split('\n').at(-1) || describeExit(exit));
}

/** For root. */
function script({ login, host }: SeedKeys): string {
  return `
set -u
key=${quote(login.blob)} hostkey=${quote(host.blob)} left=0
# Without our lines, and without the empty line that each was put behind.
strip() {
  blank=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      *"$key"*) blank=\${blank%?} ;;
      '') blank="$blank
" ;;
      *) printf '%s%s\\n' "$blank" "$line"; blank= ;;
    esac
  done
}
for home in $( (getent passwd 2>/dev/null || cat /etc/passwd) | cut -d: -f6 | sort -u); do
  for file in "$home/.ssh/authorized_keys" "$home/.ssh/authorized_keys2"; do
    grep -qF "$key" "$file" 2>/dev/null || continue
    rest=$(strip < "$file")
    # Written in place: owner, mode and label stay. A file with nothing left in it was made for us.
    if [ -n "$(printf %s "$rest" | tr -d '[:space:]')" ]; then printf '%s\\n' "$rest" > "$file"; else rm -f "$file"; fi
    if grep -qF "$key" "$file" 2>/dev/null; then echo "$file still holds it" >&2; left=1; fi
  done
done
rm -f ${hostKeyFile} ${hostKeySetting}
# What cloud-init remembers of this instance has both keys in it; the next boot is another instance's first.
for folder in /var/lib/cloud/instances/*; do
  if [ -d "$folder" ] && grep -rqF -e "$key" -e "$hostkey" "$folder" 2>/dev/null; then rm -rf "$folder"; fi
done
if [ -L /var/lib/cloud/instance ] && [ ! -e /var/lib/cloud/instance ]; then rm -f /var/lib/cloud/instance; fi
for file in /etc/ssh/ssh_host_*_key.pub; do
  if grep -qF "$hostkey" "$file" 2>/dev/null; then rm -f "$file" "\${file%.pub}"; fi
done
if ls ${hostKeyFile} >/dev/null 2>&1; then echo '${hostKeyFile} is still there' >&2; left=1; fi
exit $left
`;
}
