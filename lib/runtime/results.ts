/** What a run gives back: data, for callers and reports. */
import type { ExitCode } from '../errors.js';
import type { ErrorData, Event, Outcome } from '../events.js';
import type { Problem } from '../problems.js';
import type { Artifact } from './driver.js';

export interface RunResult {
  readonly run: string;
  /** `.bake/runs/<id>`: logs, events, what was kept. */
  readonly folder: string;
  readonly outcome: Outcome;
  /** What the command line ends with. */
  readonly exit: ExitCode;
  readonly targets: readonly TargetResult[];
  /** What preflight found; nothing was built then. */
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
  readonly milliseconds: number;
}

export interface TargetResult {
  readonly target: string;
  readonly outcome: Outcome;
  /** What is there at the end: the source's artifact if it was kept, and those of post-processors. */
  readonly artifacts: readonly Artifact[];
  /** The source's outputs, as its kind declares them. */
  readonly outputs: { readonly [name: string]: unknown };
  readonly error?: ErrorData;
  /** The path of the step that failed. */
  readonly failedStep?: string;
  /** Why it was skipped or cancelled. */
  readonly reason?: string;
  readonly steps: readonly StepTiming[];
  readonly milliseconds: number;
  /** Its log file. */
  readonly log: string;
}
export interface StepTiming { readonly label: string; readonly outcome: Outcome; readonly milliseconds: number; readonly error?: ErrorData }

/** Listens for the timings of each target's own steps, and for warnings. */
export class ResultCollector {
  readonly steps = new Map<string, StepTiming[]>();
  readonly warnings: string[] = [];
  readonly listen = (event: Event): void => {
    if (event.type === 'warning' && !event.problem) this.warnings.push(event.step.length === 0 ? event.message : `${event.step.join(' > ')}: ${event.message}`);
    if (event.type !== 'step-end' || event.step.length !== 2) return;
    const timing: StepTiming = { label: event.label, outcome: event.outcome, milliseconds: event.milliseconds, ...(event.error ? { error: event.error } : {}) };
    const target = event.step[0]!, list = this.steps.get(target);
    if (list) list.push(timing); else this.steps.set(target, [timing]);
  };
}
