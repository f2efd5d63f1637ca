/** How a run uses checkpoints. */
import type { PlannedStep, Target } from '../../plan.js';
import type { CheckpointStore } from './store.js';

export interface CheckpointOptions {
  /** @default the user's store (BAKE_CHECKPOINT_DIR, else in the cache folder) */
  readonly store?: CheckpointStore;
  /** Whether saved machines and finished artifacts are used. `--no-cache` says false; what is made is saved all the same. @default true */
  readonly use?: boolean;
  /** For steps that do not say themselves; `never` saves nothing at all. @default 'auto' */
  readonly save?: 'auto' | 'always' | 'never';
  /** The path or name of a step: it and those after it run again. */
  readonly from?: string;
  /** The path or name of a step: the build ends after it, saved, without an artifact. */
  readonly until?: string;
}

/** What the command line and the program say of saving a target's machine: after a step, or before the first. */
export function wishFor(target: Target, options: CheckpointOptions, step?: PlannedStep): 'auto' | 'always' | 'never' {
  return options.save === 'never' ? 'never' : step?.settings.checkpoint ?? target.settings.checkpoint ?? options.save ?? 'auto';
}

/** Whether the machine is to be saved after a step, whatever that costs. */
export function asksToSave(target: Target, options: CheckpointOptions, step: PlannedStep): boolean {
  return wishFor(target, options, step) === 'always' || (options.until !== undefined && matches(step, options.until));
}

/** Whether a driver will save the machine, for all that is known, after the step of this index or a later one. */
export function maySave(target: Target, options: CheckpointOptions, driver: { readonly resume?: unknown; readonly savesOnRequest?: boolean }, index: number): boolean {
  return driver.resume !== undefined && (driver.savesOnRequest !== true || target.provisioners.slice(Math.max(0, index)).some(step => asksToSave(target, options, step)));
}

/** Whether a step is the one that was named. */
export function matches(step: PlannedStep, wanted: string): boolean { return step.path === wanted || step.path.endsWith(`/${wanted}`); }

/** Whether `from` or `until` (or the one that is asked for) names a step of a target; to all others they say nothing. */
export function steers(target: Target, options: CheckpointOptions, which: readonly ('from' | 'until')[] = ['from', 'until']): boolean {
  return which.some(flag => options[flag] !== undefined && target.provisioners.some(step => matches(step, options[flag]!)));
}
