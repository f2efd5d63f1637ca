/** Takes the key that a build logged in with out of its guest again, before the disk becomes an image. */
import { errors } from '../../errors.js';
import { reasonOf } from '../communicators/unix-files.js';
import type { Communicator } from '../driver.js';
import { quote } from './quote.js';

const fail = errors('LOGIN_KEY', {
  STAYED: {
    message: (reason: string, _otherwise: string) => `The key that the guest was built with could not be taken out of it: ${reason}.`,
    remedy: (_reason: string, otherwise: string) => `Build as root, or as a user who may use sudo without a password; or ${otherwise}.`,
    explain: 'An image must not carry a key that lets somebody in, so nothing was captured.',
  },
});

/** The error that says so. `otherwise`: what else may be done. */
export const keyStayed = (reason: string, otherwise: string): Error => fail.STAYED(reason, otherwise);

/** Removes every line of every user's authorized_keys that holds the key (the base64 part of its public half). Throws LOGIN_KEY_STAYED when one is still there. */
export async function removeLoginKey(guest: Communicator, blob: string, signal: AbortSignal): Promise<void> {
  if (guest.guest === 'windows') return;
  let said = '';
  const exit = await guest.exec(script(blob), { signal, stderr: chunk => { said += Buffer.from(chunk).toString('utf8'); } });
  if (exit.how === 'exited' && exit.code === 0) return;
  throw keyStayed(said.trim().split('\n').at(-1) || reasonOf(exit, ''), 'set ssh.clearAuthorizedKeys: false where the key may stay');
}

/** Shell lines that take the key out of every user's files; `left` is 1 afterwards where one still holds it. */
export const withoutLoginKey = (blob: string): string => `
set -u
key=${quote(blob)} left=0
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
    # Most homes have none; a program started for each would take seconds in an emulated guest.
    [ -e "$file" ] && grep -qF "$key" "$file" 2>/dev/null || continue
    rest=$(strip < "$file")
    # Written in place: owner, mode and label stay. A file with nothing left in it was made for us.
    if [ -n "$(printf %s "$rest" | tr -d '[:space:]')" ]; then printf '%s\\n' "$rest" > "$file"; else rm -f "$file"; fi
    if grep -qF "$key" "$file" 2>/dev/null; then echo "$file still holds it" >&2; left=1; fi
  done
done
`;

/** Files that root alone may read need root, directly or by sudo. */
function script(blob: string): string {
  const inner = `${withoutLoginKey(blob)}exit $left\n`;
  return `if [ "$(id -u)" = 0 ]; then sh -c ${quote(inner)}; elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then sudo -n sh -c ${quote(inner)}; else sh -c ${quote(inner)}; fi`;
}
