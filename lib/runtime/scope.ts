/**
 * A scope of work: steps nest, clean-up runs in reverse order, cancellation flows down, and clean-up is shielded from it.
 *
 *     // In a source's start: undone when the target ends, whatever happens in between.
 *     const child = await startMachine();
 *     ctx.scope.defer('stop the machine', async ending => { if (ending.outcome !== 'kept') await stop(child); });
 *     // Undone when this step ends.
 *     await ctx.scope.step('prepare', async inner => { inner.defer('remove the loop device', …); … });
 */
import type { EventBody, Outcome, StepPath } from '../events.js';

/** What a clean-up sees of how its scope ended. `kept`: the machine stays, on request (only for drivers whose machines have `keep`): do not stop it, do not remove what it needs. */
export interface Ending { readonly outcome: Outcome; readonly error?: unknown }

/**
 * What a driver is given as `ctx.scope`: in a source's `preflight`, `capture`, and in provisioners and post-processors, the step itself;
 * in a source's `start`, `resume`, `boot` and in a machine's `connect`, the life of the machine: what is deferred there is undone when the target ends.
 */
export interface Scope {
  readonly signal: AbortSignal;
  readonly path: StepPath;
  /** Runs work as a named step inside this scope: its start, end and error are events; what it deferred is undone when it ends. */
  step<T>(label: string, work: (scope: Scope) => Promise<T>): Promise<T>;
  /** To be done when this scope ends, however it ends; last deferred, first done; never cancelled, each within the clean-up deadline, or its own in milliseconds (a cloud is slower than a process). */
  defer(label: string, undo: (ending: Ending) => Promise<void> | void, options?: { readonly deadline?: number }): void;
  /** Runs work that cancellation does not touch; its signal aborts at the clean-up deadline. */
  shield<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  emit(event: EventBody): void;
}
