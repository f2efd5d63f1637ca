/** Scripts of ours that need root in a Unix guest: as the user who is logged in where that is root, else through sudo or doas without a password. */
import { errors } from '../../errors.js';
import { endedHow } from '../communicators/unix-files.js';
import type { Communicator, Context, Exit } from '../driver.js';
import { Tail } from '../host/script.js';
import { quote } from './quote.js';

const fail = errors('ROOT', {
  FAILED: {
    message: (what: string, how: string, said: string) => `${what}: it ${how}${said === '' ? '.' : `. It said:\n${said}`}`,
    remedy: 'Its whole output is in the log.',
  },
  NOT_ROOT: {
    message: (what: string, reason: string) => `${what} needs root in the guest${reason === '' ? '.' : `: ${reason}`}`,
    remedy: 'Log in as root, or as a user who may use sudo without a password.',
  },
  WINDOWS: { message: (what: string) => `${what} is for Unix guests, and this one runs Windows.` },
});

/** The command line that runs a script as root where there is a way without a password; standard input is the script's own. For what may fail, or is looked at by the caller. */
export function asRoot(script: string): string {
  return `if [ "$(id -u)" = 0 ]; then sh -c ${quote(script)}; else sudo -n sh -c ${quote(script)}; fi`;
}

/** Exit code of ours: there is no way to become root. */
const noRoot = 77;

/** Runs a script as root; its output goes to the log. Returns how it ended where `accept` lists its code. Throws ROOT_FAILED, ROOT_NOT_ROOT, ROOT_WINDOWS. */
export async function runAsRoot(what: string, script: string, guest: Communicator, ctx: Context, options: { readonly accept?: readonly number[]; readonly quiet?: boolean; readonly read?: (text: string) => void } = {}): Promise<number> {
  if (guest.guest === 'windows') throw fail.WINDOWS(what);
  const tail = new Tail();
  // The script travels by standard input: it may be longer than a command line, and what it runs finds its input empty.
  const command = `read='eval "$(cat)"'
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH
if [ "$(id -u)" = 0 ]; then exec sh -c "$read"
elif command -v sudo >/dev/null 2>&1; then sudo -n true || exit ${noRoot}; exec sudo -n sh -c "$read"
elif command -v doas >/dev/null 2>&1; then exec doas -n sh -c "$read"
else echo 'there is neither sudo nor doas' >&2; exit ${noRoot}; fi`;
  const exit: Exit = await guest.exec(command, {
    stdin: script, signal: ctx.signal,
    ...tail.listen(ctx, options),
  });
  if (exit.how === 'exited' && exit.code === noRoot) throw fail.NOT_ROOT(what, tail.text(2));
  if (exit.how === 'exited' && (options.accept ?? [0]).includes(exit.code)) return exit.code;
  throw fail.FAILED(what, endedHow(exit), tail.text(12), { facts: { exit } });
}
