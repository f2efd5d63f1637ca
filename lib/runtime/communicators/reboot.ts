/** Whether a guest has been rebooted: by its boot id, never by a connection that broke. */
import { errors, messageOf } from '../../errors.js';
import { now } from '../clock.js';
import type { Communicator } from '../driver.js';
import { sleep } from '../retry.js';
import { bootTime, sameBoot, windowsBootQuestion } from './windows-boot.js';

const fail = errors('REBOOT', {
  NOT_BACK: { message: (seconds: number, why: string) => `The guest did not come back from its reboot within ${seconds} s${why === '' ? '' : `: ${why}`}.`, remedy: 'Look at its serial log and screenshot; raise the timeout where it only is slow.' },
  NONE: { message: (seconds: number) => `The guest answers, but it has not been rebooted: after ${seconds} s it is still in the same boot.`, remedy: 'Check that the command reboots the guest, and that the user may do that.' },
  UNKNOWN: { message: (reason: string) => `The guest does not tell which boot it is in: ${reason}.`, remedy: 'It needs /proc/sys/kernel/random/boot_id, sysctl kern.boottime or who -b; a Windows guest, WMI.' },
});

/** What is asked of the guest at once: the boot it is in, and whether it is on its way down. */
export interface BootState { readonly id: string; readonly goingDown: boolean; readonly more: string }

/** What a guest is asked; what else is asked follows it. */
export const bootQuestion = `{ cat /proc/sys/kernel/random/boot_id || sysctl -n kern.boottime || who -b; } 2>/dev/null | head -n 1
{ [ "$(systemctl is-system-running 2>/dev/null)" = stopping ] || [ -e /run/systemd/shutdown/scheduled ] || runlevel 2>/dev/null | grep -q ' [06]$'; } && echo down || echo up
`;

/** Asks the guest which boot it is in; undefined where it is not there. `more`: a command whose output comes along. */
export async function bootState(guest: Communicator, signal: AbortSignal, more = ''): Promise<BootState | undefined> {
  let out = '';
  if (guest.guest === 'windows') {
    const exit = await guest.exec(windowsBootQuestion, { signal, stdout: chunk => { out += Buffer.from(chunk).toString(); } });
    if (exit.how !== 'exited') return undefined;
    const id = bootTime(out);
    if (id === undefined) throw fail.UNKNOWN(out.trim() === '' ? 'it gave no answer' : `it answered '${out.trim().slice(0, 60)}'`);
    return { id, goingDown: false, more: '' };
  }
  const exit = await guest.exec(bootQuestion + more, { signal, stdout: chunk => { out += Buffer.from(chunk).toString(); } });
  if (exit.how !== 'exited') return undefined;
  const [id = '', state = '', ...rest] = out.split('\n');
  if (id.trim() === '') throw fail.UNKNOWN('it gave no answer');
  return { id: id.trim(), goingDown: state === 'down', more: rest.join('\n') };
}

/**
 * Connects anew until the guest is in another boot than `before`. `same`: decides what a guest that answers from the same boot, and is not
 * on its way down, means: undefined to look again, anything else to end with it. Throws REBOOT_NOT_BACK and REBOOT_NONE.
 */
export async function afterBoot<T = never>(guest: Communicator, before: string, options: {
  readonly budget: number; readonly signal: AbortSignal; readonly more?: string; readonly same?: (state: BootState) => T | undefined; readonly waiting?: (what: string) => void;
}): Promise<{ readonly rebooted: true } | { readonly rebooted: false; readonly as: T }> {
  const start = now(), left = (): number => start + options.budget - now();
  let seen: 'gone' | 'same' = 'gone', why = '';
  for (let pause = 500; left() > 0; pause = Math.min(pause * 1.5, 5000)) {
    try { await guest.reconnect({ budget: Math.max(1000, left()), signal: options.signal }); } catch (error) {
      options.signal.throwIfAborted();
      throw fail.NOT_BACK(Math.round((now() - start) / 1000), messageOf(error), { cause: error });
    }
    const state = await bootState(guest, options.signal, options.more).catch((error: unknown) => { options.signal.throwIfAborted(); why = messageOf(error); return undefined; });
    seen = state === undefined ? 'gone' : 'same';
    if (state !== undefined && !sameBoot(state.id, before)) return { rebooted: true };
    if (state !== undefined && !state.goingDown) {
      const as = options.same?.(state);
      if (as !== undefined) return { rebooted: false, as };
    }
    options.waiting?.(state === undefined ? 'the guest is away' : state.goingDown ? 'the guest is going down' : 'the guest is still in the same boot');
    await sleep(Math.max(0, Math.min(pause, left())), options.signal);
  }
  const seconds = Math.round(options.budget / 1000);
  throw seen === 'same' ? fail.NONE(seconds) : fail.NOT_BACK(seconds, why);
}
