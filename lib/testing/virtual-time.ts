/** Time for simulations: it stands still while anything happens, and jumps to the next thing that is waited for as soon as nothing does. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { errors } from '../errors.js';
import type { Time } from '../runtime/clock.js';

const fail = errors('SIMULATION', {
  STUCK: {
    message: () => 'The simulation does not go on: something waits for what never comes.',
    remedy: 'A driver that waits by timers of its own, or for a real machine, cannot be simulated.',
  },
});

/** Simulations begin at this moment: the same each time. */
const epoch = Date.UTC(2026, 0, 1);
/** Real milliseconds without anything to wait for, after which a simulation is given up. */
const patience = 60_000;

interface Timer { readonly at: number; readonly number: number; readonly work: () => void }

export class VirtualTime implements Time {
  #now = 0;
  #count = 0;
  #still = 0;
  readonly #timers = new Set<Timer>();

  now(): number { return this.#now; }
  date(): number { return epoch + Math.round(this.#now); }

  after(milliseconds: number, work: () => void): () => void {
    // Work goes on in the context of whoever waits for it, not of whoever moves the time.
    const inContext = AsyncLocalStorage.snapshot();
    const timer: Timer = { at: this.#now + Math.max(0, milliseconds), number: this.#count++, work: () => inContext(work) };
    this.#timers.add(timer);
    return () => { this.#timers.delete(timer); };
  }

  /** While the work goes on, time stands still: for what the system does not tell of, such as modules that are loaded. */
  async still<T>(work: Promise<T>): Promise<T> {
    this.#still++;
    try { return await work; } finally { this.#still--; }
  }

  /** Moves the time until the work is done. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let done = false, idleSince: number | undefined;
    const end = (): void => { done = true; };
    work.then(end, end);
    while (!done) {
      for (let turn = 0; turn < 3 && !done; turn++) await new Promise(resolve => { setImmediate(resolve); });
      if (done) break;
      if (this.#still > 0 || isBusy()) { await new Promise(resolve => { setTimeout(resolve, 1); }); idleSince = undefined; continue; }
      const next = this.#next();
      if (next !== undefined) {
        this.#timers.delete(next);
        this.#now = Math.max(this.#now, next.at);
        next.work();
        idleSince = undefined;
      } else {
        idleSince ??= performance.now();
        if (performance.now() - idleSince > patience) throw fail.STUCK();
        await new Promise(resolve => { setTimeout(resolve, 1); });
      }
    }
    return work;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.number < next.number)) next = timer;
    return next;
  }
}

/** Whether something real is going on: files are read or written, programs run. */
function isBusy(): boolean {
  return process.getActiveResourcesInfo().some(name => /Req|ProcessWrap|ZLIB|Zlib/.test(name));
}
