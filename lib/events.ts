/** Everything that happens in a run is an Event of one stream; the terminal, `--json`, log files and reports are Listeners of it. */
import type { Problem } from './problems.js';

/** Where an event belongs: target path, then the labels of nested steps: `['web/qemu', 'web/shell-2', 'upload']`. Empty: the run. */
export type StepPath = readonly string[];

export type Event = { readonly time: number; readonly step: StepPath } & EventBody;
export type EventBody =
  | { readonly type: 'run-start'; readonly run: string; readonly targets: readonly string[]; readonly folder: string }
  | { readonly type: 'run-end'; readonly outcome: Outcome; readonly milliseconds: number }
  | { readonly type: 'step-start'; readonly label: string }
  | { readonly type: 'step-end'; readonly label: string; readonly outcome: Outcome; readonly milliseconds: number; readonly error?: ErrorData }
  /** Text that a command printed; whole lines wherever possible, always in order. */
  | { readonly type: 'output'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  /** How far a long thing has come. `total` is unknown where left out. */
  | { readonly type: 'progress'; readonly what: string; readonly done: number; readonly total?: number; readonly unit: 'bytes' | 'items' | 'milliseconds' }
  /** Something worth a line: a choice made, an address, what is being waited for. `detail` notes are for log files and `--verbose`. */
  | { readonly type: 'note'; readonly message: string; readonly detail?: boolean }
  | { readonly type: 'warning'; readonly message: string; readonly code?: string; readonly problem?: Problem }
  | { readonly type: 'artifact'; readonly id: string; readonly files: readonly string[]; readonly outputs: { readonly [name: string]: unknown } };

export type Outcome = 'done' | 'failed' | 'cancelled' | 'skipped' | 'cached' | 'kept';
export interface ErrorData { readonly code: string; readonly message: string; readonly remedy?: string; readonly at?: string; readonly facts?: { readonly [name: string]: unknown } }

export type Listener = (event: Event) => void;

/** A question to a person. A run without a terminal takes the default. */
export interface Question { readonly question: string; readonly choices: readonly string[]; readonly default: string }
export type Ask = (question: Question, signal: AbortSignal) => Promise<string>;
