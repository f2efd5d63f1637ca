/** Trying again, and waiting: with a budget, and with words for what is waited for. */
import { setMaxListeners } from 'node:events';
import { type BakeError, errors, isBakeError, messageOf } from '../errors.js';
import { after, now } from './clock.js';

const fail = errors('WAIT', {
  TOO_LONG: {
    message: (what: string, seconds: number, last: string) => `Waited ${seconds} s for ${what}, in vain.${last === '' ? '' : ` The last try said: ${last}`}`,
    remedy: 'If it only needs longer, raise the timeout.',
    explain: 'Something that was waited for did not come within its budget of time.',
  },
  CANCELLED: { message: (why: string) => `Cancelled: ${why}.`, explain: 'The run was interrupted, or ended by a timeout, while this was going on.' },
});

/** Time, as far as waiting needs it; tests give their own. */
export interface Clock { now(): number; sleep(milliseconds: number, signal?: AbortSignal): Promise<void> }
export const systemClock: Clock = { now, sleep };

/** Waits. Throws WAIT_CANCELLED, or the signal's own BakeError, when the signal aborts. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancellation(signal));
    const onAbort = (): void => { stop(); reject(cancellation(signal!)); };
    const stop = after(milliseconds, () => { signal?.removeEventListener('abort', onAbort); resolve(); });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** The error that a cancelled piece of work ends with. */
export function cancellation(signal: AbortSignal): BakeError {
  const { reason } = signal;
  if (isBakeError(reason)) return reason;
  const why = reason instanceof Error ? (reason.name === 'AbortError' ? 'the run was interrupted' : reason.message) : typeof reason === 'string' ? reason : 'the run was interrupted';
  return fail.CANCELLED(why.replace(/\.$/, ''), { cause: reason });
}
export function throwIfAborted(signal: AbortSignal): void { if (signal.aborted) throw cancellation(signal); }

export interface RetryOptions {
  /** Completes "Waited 30 s for …". */
  readonly what: string;
  /** Milliseconds for all tries together; no limit when left out. */
  readonly budget?: number;
  /** Tries at most; no limit when left out. */
  readonly attempts?: number;
  /** First pause. @default 250 */
  readonly pause?: number;
  /** Longest pause. @default 10000 */
  readonly maxPause?: number;
  /** Each pause is this much longer than the one before. @default 2 */
  readonly factor?: number;
  /** Whether this error is worth another try. @default every error */
  readonly retryIf?: (error: unknown) => boolean;
  /** Called before each pause. */
  readonly onRetry?: (error: unknown, attempt: number, pause: number) => void;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock;
}

/** Runs work until it succeeds. Its signal aborts at the end of the budget; then WAIT_TOO_LONG says what was waited for and what the last try said. */
export async function retry<T>(work: (attempt: number, signal: AbortSignal) => Promise<T>, options: RetryOptions): Promise<T> {
  const { what, budget = Infinity, attempts = Infinity, maxPause = 10_000, factor = 2, retryIf = () => true, onRetry, signal, clock = systemClock } = options;
  const begun = clock.now();
  const ended = manyListeners(new AbortController());
  const onAbort = (): void => ended.abort(signal!.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const stop = Number.isFinite(budget) && clock === systemClock ? after(budget, () => ended.abort()) : undefined;
  const tooLong = (last: unknown): BakeError => fail.TOO_LONG(what, seconds(clock.now() - begun), last === undefined ? '' : messageOf(last), { cause: last });
  try {
    let pause = options.pause ?? 250;
    for (let attempt = 1; ; attempt++) {
      if (signal?.aborted) throw cancellation(signal);
      try {
        return await work(attempt, ended.signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        if (ended.signal.aborted) throw tooLong(error);
        if (attempt >= attempts || !retryIf(error)) throw error;
        if (clock.now() - begun + pause >= budget) throw tooLong(error);
        onRetry?.(error, attempt, pause);
        await clock.sleep(pause, signal);
        pause = Math.min(pause * factor, maxPause);
      }
    }
  } finally {
    stop?.();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Waits until `look` finds something (anything but undefined and false), looking again and again. */
export function waitFor<T>(look: (signal: AbortSignal) => Promise<T | undefined | false>, options: RetryOptions): Promise<T> {
  return retry(async (_attempt, signal) => {
    const found = await look(signal);
    if (found === undefined || found === false) throw new NotYet();
    return found;
  }, { pause: 50, maxPause: 1000, factor: 1.5, ...options });
}
class NotYet extends Error { constructor() { super('not yet'); } }

/** Runs work within a budget. At its end the work's signal aborts; if it does not end by then, it is left behind after the grace (Infinity: never). Undefined or Infinity: no budget. */
export async function within<T>(budget: number | undefined, what: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>, grace = 10_000): Promise<T> {
  if (budget === undefined || !Number.isFinite(budget)) return work(signal);
  const inner = manyListeners(new AbortController());
  const late = fail.TOO_LONG(what, seconds(budget), '');
  const onAbort = (): void => inner.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  let stop: (() => void) | undefined;
  try {
    return await Promise.race([
      work(inner.signal).catch(error => { throw inner.signal.reason === late ? late : error; }),
      new Promise<never>((_resolve, reject) => {
        stop = after(budget, () => {
          inner.abort(late);
          if (Number.isFinite(grace)) stop = after(grace, () => reject(late));
        });
      }),
    ]);
  } finally {
    stop?.();
    signal.removeEventListener('abort', onAbort);
  }
}

/** A signal that aborts with any of those given, and after a time at the latest. `AbortSignal.timeout` inside `AbortSignal.any` is collected as garbage (Node 20), and then never comes. */
export function soon(milliseconds: number, ...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const own = new AbortController();
  setTimeout(() => own.abort(new DOMException(`it took more than ${seconds(milliseconds)} s`, 'TimeoutError')), milliseconds).unref();
  return AbortSignal.any([...signals.filter(s => s !== undefined), own.signal]);
}

/** A signal that many steps at once listen to is no leak. */
export function manyListeners(controller: AbortController): AbortController {
  setMaxListeners(0, controller.signal);
  return controller;
}

const seconds = (milliseconds: number): number => Math.round(milliseconds / 100) / 10;
