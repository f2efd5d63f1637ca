/**
 * A scope of work: steps nest, clean-up runs in reverse order, cancellation flows down, and clean-up is shielded from it.
 *
 *     await scope.step('start', async inner => {
 *       const child = spawn(…);
 *       inner.parent.defer('stop the process', () => stop(child));
 *     });
 */
import type { EventBody, Outcome, StepPath } from '../events.js';

/** What a clean-up sees of how its scope ended. */
export interface Ending { readonly outcome: Outcome; readonly error?: unknown }

export interface Scope {
  readonly signal: AbortSignal;
  readonly path: StepPath;
  /** Runs work as a named step inside this scope: its start, end and error are events; what it deferred is undone when it ends. */
  step<T>(label: string, work: (scope: Scope) => Promise<T>): Promise<T>;
  /** To be done when this scope ends, however it ends; last deferred, first done; never cancelled, each within the clean-up deadline. */
  defer(label: string, undo: (ending: Ending) => Promise<void> | void): void;
  /** Runs work that cancellation does not touch. */
  shield<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  emit(event: EventBody): void;
}
