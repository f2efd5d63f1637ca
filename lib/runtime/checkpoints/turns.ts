/** One build at a time makes what a key stands for; the others wait, and go on from what it saved. */
import { isBakeError } from '../../errors.js';
import type { RunScope } from '../run-scope.js';
import type { CheckpointStore } from './store.js';

export class Turns {
  /** In the order of the steps. */
  readonly #held = new Map<string, () => Promise<void>>();
  constructor(readonly store: CheckpointStore) {}

  /** Waits for the turn of a key. False: it was ours already. */
  async take(key: string, scope: RunScope): Promise<boolean> {
    if (this.#held.has(key)) return false;
    const told = setTimeout(() => scope.emit({ type: 'note', message: 'Another build is doing the same step: waiting for what it makes.' }), 300);
    try { this.#held.set(key, await this.store.turn(key, { signal: scope.signal })); } finally { clearTimeout(told); }
    return true;
  }

  /** Takes the turn where it is free. Who has a running machine gains nothing by waiting. */
  async takeIfFree(key: string): Promise<void> {
    if (this.#held.has(key)) return;
    try { this.#held.set(key, await this.store.turn(key, { budget: -1 })); }
    catch (error) { if (!isBakeError(error) || error.code !== 'LOCK_BUSY') throw error; }
  }

  /** Gives back the turn of `upTo` and of all keys before it; of every key when left out. */
  async giveBack(upTo?: string): Promise<void> {
    if (upTo !== undefined && !this.#held.has(upTo)) return;
    for (const [key, release] of [...this.#held]) {
      this.#held.delete(key);
      await release();
      if (key === upTo) return;
    }
  }
}
