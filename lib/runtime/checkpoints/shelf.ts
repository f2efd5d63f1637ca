/** The store as a build uses it: what it cannot do costs the checkpoint, never the build, and is said once a run. Holds the build's turns and leases. */
import { errors, isBakeError, messageOf } from '../../errors.js';
import type { RunScope } from '../run-scope.js';
import type { RunState } from '../run-state.js';
import type { CheckpointRecord, CheckpointStore } from './store.js';
import { isFull, isStoreTrouble, sizeLimit } from './trouble.js';

const fail = errors('CHECKPOINT', {
  DAMAGED: { message: (what: string, wrong: string) => `What was saved of ${what} is not used, and is made again: ${wrong}.`, remedy: 'Nothing has to be done. `bake cache verify` looks whether more is damaged.' },
  STORE: { message: (why: string) => `${why} The build goes on, and does again the next time what cannot be saved.` },
  NOT_SAVED: { message: (why: string) => `The machine could not be saved, and the build goes on: ${why}` },
});

export class Shelf {
  /** One build makes what a key stands for while the others wait; in the order of the steps. */
  readonly #turns = new Map<string, () => Promise<void>>();
  readonly #leases: (() => Promise<void>)[] = [];
  readonly #damaged = new Set<string>();
  #added = false;
  constructor(readonly store: CheckpointStore, readonly run: RunState, readonly target: string) {}

  /** Whether saving is worth a try: not where the store, or the disk below the machine, has refused before. */
  get isOpen(): boolean { return !this.run.told.has(closed); }

  /** The record of a key. `what` it stands for, for people, where what lies there is damaged. */
  async find(key: string, what = 'this build'): Promise<CheckpointRecord | undefined> {
    const { record, wrong } = await this.store.look(key);
    // Several keys may stand for one machine.
    if (wrong !== undefined && !this.#damaged.has(what)) this.once(fail.DAMAGED(what, wrong), [this.target]);
    if (wrong !== undefined) this.#damaged.add(what);
    return record;
  }

  /** Keeps a record from being pruned as long as this build runs. */
  async lease(key: string): Promise<void> {
    await this.tolerating(async () => { this.#leases.push(await this.store.lease(key)); });
  }

  /** Waits for the turn of a key. False: it was ours already, or there are no turns to have. */
  async takeTurn(key: string, scope: RunScope): Promise<boolean> {
    if (this.#turns.has(key)) return false;
    const told = setTimeout(() => scope.emit({ type: 'note', message: 'Another build is doing the same step: waiting for what it makes.' }), 300);
    try {
      return await this.tolerating(async () => { this.#turns.set(key, await this.store.turn(key, { signal: scope.signal })); }, scope.signal);
    } finally { clearTimeout(told); }
  }

  /** Takes the turn where it is free. Who has a running machine gains nothing by waiting. */
  async takeTurnIfFree(key: string): Promise<void> {
    if (this.#turns.has(key)) return;
    await this.tolerating(async () => {
      try { this.#turns.set(key, await this.store.turn(key, { budget: -1 })); }
      catch (error) { if (!isBakeError(error) || error.code !== 'LOCK_BUSY') throw error; }
    });
  }

  /** Gives back the turn of `upTo` and of all keys before it; of every key when left out. */
  async giveBackTurns(upTo?: string): Promise<void> {
    if (upTo !== undefined && !this.#turns.has(upTo)) return;
    for (const [key, release] of [...this.#turns]) {
      this.#turns.delete(key);
      await release();
      if (key === upTo) return;
    }
  }

  /** Stores a record, and lets `alias` stand for it too. Throws where that cannot be done: nothing of it is left then. */
  async add(record: Parameters<CheckpointStore['add']>[0], files: { readonly [name: string]: string } = {}, alias?: string): Promise<{ readonly bytes: number }> {
    const added = await this.store.add(record, files);
    if (alias !== undefined) await this.store.alias(record.key, alias);
    this.#added = true;
    return added;
  }

  /** Gives everything back, and keeps the store within its bound. */
  async end(): Promise<void> {
    await this.giveBackTurns();
    for (const release of this.#leases.splice(0)) await release();
    if (this.#added) await this.tolerating(async () => { if (await this.store.size() > sizeLimit()) await this.store.prune(); });
  }

  /** Whether the work succeeded; where the store stood in its way, that is said. Cancellation goes through. */
  async tolerating(work: () => Promise<void>, signal?: AbortSignal): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (signal?.aborted) throw error;
      this.refused(error);
      return false;
    }
  }

  /** Says why something was not saved; where the next would not be either, none is tried. */
  refused(error: unknown): void {
    if (isStoreTrouble(error)) this.once(fail.STORE(`${error.message}`), [], error.remedy);
    else this.once(fail.NOT_SAVED(messageOf(error)), [this.target], isBakeError(error) ? error.remedy : undefined);
    if (isStoreTrouble(error) || isFull(error)) this.run.told.add(closed);
  }

  private once({ code, message }: { readonly code: string; readonly message: string }, step: readonly string[], remedy?: string): void {
    if (this.run.told.has(message)) return;
    this.run.told.add(message);
    this.run.stream.emit(step, { type: 'warning', code, message: remedy === undefined ? message : `${message}\n${remedy}` });
  }
}

const closed = 'no machine is saved any more';
