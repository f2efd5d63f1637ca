/** What all targets of one run share. */
import type { Lookups } from '../evaluate.js';
import type { Ask } from '../events.js';
import type { BaseImage } from '../fields.js';
import { formatGoTime } from '../go-time.js';
import type { Json } from '../json.js';
import type { Plan } from '../plan.js';
import type { Finished } from './checkpoints/finished.js';
import type { CheckpointOptions } from './checkpoints/options.js';
import type { RunJournal } from './journal.js';
import type { Redactor } from './secrets/redact.js';
import type { Registry } from './registry.js';
import type { EventStream } from './stream.js';

export interface RunState {
  readonly id: string;
  readonly uuid: string;
  readonly started: Date;
  readonly plan: Plan;
  readonly registry: Registry;
  readonly stream: EventStream;
  readonly redactor: Redactor;
  readonly journal: RunJournal;
  readonly folders: RunFolders;
  readonly force: boolean;
  readonly onFailure: 'cleanup' | 'keep';
  /** Targets whose artifact is there, as far as can be told before their steps on this computer ran: their output is no obstacle yet. */
  readonly standing: Set<string>;
  readonly ask: Ask | undefined;
  /** Undefined: nothing is looked up, nothing saved. */
  readonly checkpoints: CheckpointOptions | undefined;
  /** Targets with nothing to do, found before anything starts. */
  readonly finished: ReadonlyMap<string, Finished>;
  readonly environment: NodeJS.ProcessEnv;
  /** By name, filled before anything starts. */
  readonly secrets: Map<string, string>;
  /** Outputs of data sources by path, of targets and steps by path. */
  readonly data: Map<string, { readonly [output: string]: unknown }>;
  readonly outputs: Map<string, { readonly [output: string]: unknown }>;
  readonly images: Map<string, BaseImage>;
  /** What was said once, and is not said again in this run. */
  readonly told: Set<string>;
  /** What the names in a target's source stand for, by its path: asked once, so that what is looked for and what is built is the same. */
  readonly identities: Map<string, Json>;
}
export interface RunFolders {
  /** What relative output paths are relative to. */
  readonly program: string;
  /** What the plan's file paths are relative to. */
  readonly files: string;
  /** `.bake` */
  readonly state: string;
  /** `.bake/runs/<id>` */
  readonly run: string;
  /** Private to the run, outside the project; made when first needed. */
  readonly temporary: string;
}

/** What names in expressions stand for, in one target. */
export function lookupsOf(run: RunState, host: (name: string) => string | undefined): Lookups {
  const json = (value: unknown): Json | undefined => value as Json | undefined;
  return {
    variable: name => run.plan.variables[name]?.value ?? run.secrets.get(`var:${name}`),
    data: (path, output) => json(run.data.get(path)?.[output]),
    output: (target, output) => json(run.outputs.get(target)?.[output]),
    time: (as, format) => as === 'uuid' ? run.uuid : as === 'timestamp' ? String(Math.floor(run.started.getTime() / 1000)) : formatGoTime(run.started, format),
    host,
    secret: name => run.secrets.get(name),
  };
}

/** A target's path as a file name. */
export const fileNameOf = (target: string): string => target.replace(/[^A-Za-z0-9._-]/g, '_');
