/** Which target is built when: each after those it stands on, as many at once as there are slots; a failure skips only what stands on it. */
import type { Target } from '../plan.js';
import { cancellation } from './retry.js';

/** A number of slots, given out in the order of asking. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  constructor(count: number) { this.#free = count; }
  /** Waits for a slot and returns its release; throws when the signal aborts first. */
  async take(signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancellation(signal);
    if (this.#free > 0) this.#free--;
    else {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => { this.#waiting.splice(this.#waiting.indexOf(got), 1); reject(cancellation(signal)); };
        const got = (): void => { signal.removeEventListener('abort', onAbort); resolve(); };
        this.#waiting.push(got);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.#waiting.shift();
      if (next) next(); else this.#free++;
    };
  }
}

export interface Work<R> {
  build(target: Target, index: number): Promise<R>;
  /** The result of a target that is not built, because of one that it stands on. */
  skip(target: Target, because: string): R;
  /** The result of a target that had not begun when the run was cancelled. */
  cancel(target: Target): R;
  succeeded(result: R): boolean;
}

/** Results in the order of the targets. A target waits for its bases without holding a slot. */
export async function schedule<R>(targets: readonly Target[], parallel: number, signal: AbortSignal, work: Work<R>): Promise<R[]> {
  const slots = new Slots(parallel), results = new Map<string, Promise<R>>();
  for (const [index, target] of targets.entries()) {
    results.set(target.path, (async () => {
      for (const base of target.after) {
        const result = results.get(base);
        if (result && !work.succeeded(await result)) return signal.aborted ? work.cancel(target) : work.skip(target, base);
      }
      let release: (() => void) | undefined;
      try { release = await slots.take(signal); } catch { return work.cancel(target); }
      try { return await work.build(target, index); } finally { release(); }
    })());
  }
  return Promise.all(results.values());
}

/** Runs work over items, so many at once; results in order. */
export async function mapLimited<T, R>(items: readonly T[], limit: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const out: R[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, async () => {
    while (next < items.length) { const i = next++; out[i] = await work(items[i]!, i); }
  }));
  return out;
}
