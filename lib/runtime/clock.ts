/** Time as a run sees it: the system's, or, inside of a simulation, one that passes as fast as nothing happens. */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Time {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Milliseconds since 1970. */
  date(): number;
  /** Does work later; the function that it returns takes that back. */
  after(milliseconds: number, work: () => void): () => void;
}

const system: Time = {
  now: () => performance.now(),
  date: () => Date.now(),
  after: (milliseconds, work) => {
    const timer = setTimeout(work, milliseconds);
    return () => clearTimeout(timer);
  },
};
const chosen = new AsyncLocalStorage<Time>();
const current = (): Time => chosen.getStore() ?? system;

export const now = (): number => current().now();
export const date = (): number => current().date();
export const after = (milliseconds: number, work: () => void): (() => void) => current().after(milliseconds, work);

/** Runs work, and all that it starts, by another time. */
export const withTime = <T>(time: Time, work: () => T): T => chosen.run(time, work);
