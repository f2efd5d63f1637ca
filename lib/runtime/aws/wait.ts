/** Waiting for AWS: looks again and again, says each change of state with its reason, and gives up when the budget is spent or the state can only get worse. */
import { errors } from '../../errors.js';
import { type Clock, sleep, systemClock, throwIfAborted } from '../retry.js';
import { isGone } from './refusals.js';
import type { Access } from './session.js';

const fail = errors('AWS', {
  WENT_WRONG: {
    message: (what: string, state: string, reason: string) => `${what} is ${state}${reason === '' ? '' : `: ${reason}`}`,
    remedy: 'The reason is AWS\'s own. Look at what it speaks of: a key, a limit, a device.',
    explain: 'What was waited for reached a state that it does not come back from.',
  },
  TOO_SLOW: {
    message: (what: string, wanted: string, seconds: number, last: string) => `${what} was not ${wanted} within ${seconds} s. The last state was ${last}.`,
    remedy: 'If it only needs longer, set polling: { delay, maxAttempts } to a larger budget.',
  },
  VANISHED: { message: (what: string) => `${what} is not there any more.`, remedy: 'Somebody or something else removed it (a janitor, a spot interruption). Build again.' },
});

/** What one look found. */
export interface Sight<T> { readonly state: string; readonly reason?: string | undefined; /** `42 %` */ readonly progress?: string | undefined; readonly value: T }

export interface WaitOptions<T> {
  /** `instance i-…`, for notes and errors. */
  readonly what: string;
  /** Undefined: AWS does not show it (yet). */
  readonly look: () => Promise<Sight<T> | undefined>;
  readonly wanted: readonly string[];
  readonly failed?: readonly string[];
  /** Milliseconds; `access.polling` wins where it names a number of looks. */
  readonly budget: number;
  readonly access: Access;
  readonly signal: AbortSignal | undefined;
  readonly note: (message: string) => void;
  readonly clock?: Clock;
}
/** A thing just made may not be seen everywhere at once; after this it counts as gone, in milliseconds. */
const settling = 60_000;

/** Waits until a look finds a wanted state. Throws AWS_WENT_WRONG, AWS_TOO_SLOW, AWS_VANISHED, or what the look throws. */
export async function awaitState<T>(options: WaitOptions<T>): Promise<T> {
  const { what, look, wanted, failed = [], access, signal, note, clock = systemClock } = options;
  const { delay, maxAttempts } = access.polling ?? {};
  const begun = clock.now(), budget = maxAttempts === undefined ? options.budget : maxAttempts * (delay ?? 15_000);
  let pause = delay ?? 2000, last = 'unknown', seen = false;
  for (;;) {
    if (signal !== undefined) throwIfAborted(signal);
    const sight = await look().catch(error => { if (isGone(error)) return undefined; throw error; });
    const waited = clock.now() - begun;
    if (sight === undefined) {
      if (seen || waited > settling) throw fail.VANISHED(what);
    } else {
      seen = true;
      const state = [sight.state, ...(sight.progress ? [sight.progress] : [])].join(', '), reason = sight.reason ?? '';
      if (state !== last) { note(`${what} is ${state}${reason === '' ? '' : `: ${reason}`}.`); last = state; }
      if (wanted.includes(sight.state)) return sight.value;
      if (failed.includes(sight.state)) throw fail.WENT_WRONG(what, sight.state, reason, { facts: { state: sight.state, reason } });
    }
    if (waited + pause > budget) throw fail.TOO_SLOW(what, wanted[0]!, Math.round(waited / 1000), last);
    await (clock === systemClock ? sleep(pause, signal) : clock.sleep(pause, signal));
    if (delay === undefined) pause = Math.min(pause * 1.3, 15_000);
  }
}
