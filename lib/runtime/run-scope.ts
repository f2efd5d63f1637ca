/** The scopes of a run: one tree of steps over one stream of events. */
import { errors, isBakeError, messageOf } from '../errors.js';
import type { ErrorData, EventBody, Outcome, StepPath } from '../events.js';
import { after, now } from './clock.js';
import { explainSystemError } from './host/system-errors.js';
import { cancellation, within } from './retry.js';
import type { Ending, Scope } from './scope.js';

const fail = errors('SCOPE', {
  CLEANUP: {
    message: (label: string, why: string) => `Clean-up did not succeed: ${label}: ${why}`,
    remedy: 'Run `bake gc`: it knows what was left and tries again.',
    explain: 'Something that a step had made could not be removed. The journal still has it.',
  },
});

export interface ScopeSettings {
  /** Where events go; redaction happens behind it. */
  readonly emit: (step: StepPath, event: EventBody) => void;
  /** Milliseconds for each clean-up. */
  readonly cleanupDeadline: number;
  /** Milliseconds that cancelled work gets to end by itself before clean-up begins without it. */
  readonly cancelGrace: number;
}
/** How a step of the run's own making differs from a driver's. */
export interface StepOptions {
  /** Milliseconds for the work. */
  readonly timeout?: number | undefined;
  /** Completes "Waited 30 s for …" when the time is over. */
  readonly what?: string;
  /** Where the program has it, for the error's data. */
  readonly at?: string | undefined;
}

export class RunScope implements Scope {
  readonly #undos: { readonly label: string; readonly undo: (ending: Ending) => Promise<void> | void; readonly deadline: number | undefined }[] = [];
  readonly #settings: ScopeSettings;
  /** Steps that run in this scope now. */
  readonly #inside = new Set<Promise<unknown>>();
  #last: ((ending: Ending) => Promise<void>) | undefined;
  /** Set by the work itself where neither success nor an error tells how it ended: `skipped`, `cached`, `kept`. */
  outcome: Outcome | undefined;
  constructor(readonly path: StepPath, readonly signal: AbortSignal, settings: ScopeSettings) { this.#settings = settings; }

  step<T>(label: string, work: (scope: RunScope) => Promise<T>, options: StepOptions = {}): Promise<T> {
    const running = this.#step(label, work, options);
    this.#inside.add(running);
    const done = (): void => { this.#inside.delete(running); };
    running.then(done, done);
    return running;
  }

  async #step<T>(label: string, work: (scope: RunScope) => Promise<T>, options: StepOptions): Promise<T> {
    if (this.signal.aborted) throw cancellation(this.signal);
    const path = [...this.path, label], begun = now();
    this.#settings.emit(path, { type: 'step-start', label });
    let scope!: RunScope, ending: Ending, result: T | undefined;
    try {
      result = await within(options.timeout, options.what ?? label, this.signal, signal => {
        scope = new RunScope(path, signal, this.#settings);
        return scope.graceful(work(scope));
      }, Infinity);
      ending = { outcome: scope.outcome ?? 'done' };
    } catch (error) {
      ending = { outcome: scope?.outcome ?? (this.signal.aborted ? 'cancelled' : 'failed'), error };
    }
    await scope?.end(ending);
    this.#settings.emit(path, {
      type: 'step-end', label, outcome: ending.outcome, milliseconds: Math.round(now() - begun),
      ...(ending.error === undefined ? {} : { error: errorData(ending.error, options.at) }),
    });
    if ('error' in ending) throw ending.error;
    return result as T;
  }

  defer(label: string, undo: (ending: Ending) => Promise<void> | void, { deadline }: { readonly deadline?: number } = {}): void { this.#undos.push({ label, undo, deadline }); }

  /** As `defer`, but after all others, and without a word. */
  last(undo: (ending: Ending) => Promise<void>): void { this.#last = undo; }

  shield<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return within(this.#settings.cleanupDeadline, 'work that must not be interrupted', new AbortController().signal, work);
  }

  emit(event: EventBody): void { this.#settings.emit(this.path, event); }

  /** Cancelled work that does not notice is left behind after the grace; while a step inside it still ends, it has not begun to count. */
  async graceful<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    let stop: (() => void) | undefined, onAbort: (() => void) | undefined;
    const abandoned = new Promise<never>((_resolve, reject) => {
      const check = (): void => {
        if (this.#inside.size === 0) reject(cancellation(signal));
        else void Promise.allSettled(this.#inside).then(onAbort);
      };
      onAbort = () => { stop = after(this.#settings.cancelGrace, check); };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([work, abandoned]);
    } finally {
      stop?.();
      signal.removeEventListener('abort', onAbort!);
    }
  }

  /** Undoes what was deferred. Its errors are warnings: the work's own error is the one that counts. */
  async end(ending: Ending): Promise<void> {
    for (let next = this.#undos.pop(); next; next = this.#undos.pop()) {
      const { label, undo, deadline = this.#settings.cleanupDeadline } = next, path = [...this.path, label], begun = now();
      this.#settings.emit(path, { type: 'step-start', label });
      let error: unknown;
      try {
        await within(deadline, label, new AbortController().signal, async () => undo(ending), 0);
      } catch (caught) {
        error = fail.CLEANUP(label, messageOf(caught), { cause: caught });
        this.#settings.emit(path, { type: 'warning', code: 'SCOPE_CLEANUP', message: messageOf(error) });
      }
      this.#settings.emit(path, {
        type: 'step-end', label, outcome: error === undefined ? 'done' : 'failed', milliseconds: Math.round(now() - begun),
        ...(error === undefined ? {} : { error: errorData(error) }),
      });
    }
    try {
      await this.#last?.(ending);
    } catch (error) {
      this.#settings.emit(this.path, { type: 'warning', code: 'SCOPE_CLEANUP', message: messageOf(error) });
    }
  }
}

/** A scope for work in one step whose clean-up belongs to another: events come from `here`, what is deferred is undone when `life` ends. */
export function livingIn(life: RunScope, here: RunScope): Scope {
  return {
    signal: here.signal, path: here.path,
    step: (label, work) => here.step(label, work),
    defer: (label, undo, options) => life.defer(label, undo, options),
    shield: work => here.shield(work),
    emit: event => here.emit(event),
  };
}

/** An error as data, for events and results. Anything that is not ours is a bug: its stack is a fact for the log. */
export function errorData(thrown: unknown, at?: string): ErrorData {
  const error = isBakeError(thrown) ? thrown : explainSystemError(thrown) ?? thrown;
  if (isBakeError(error)) {
    return {
      code: error.code, message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      ...(at === undefined ? {} : { at }),
      ...(Object.keys(error.facts).length === 0 ? {} : { facts: error.facts }),
    };
  }
  return { code: 'UNEXPECTED', message: messageOf(error), ...(at === undefined ? {} : { at }), facts: { stack: error instanceof Error ? error.stack : undefined } };
}
