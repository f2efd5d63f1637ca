/** How old the work of each step is: what `expires` is held against. */
import type { PlannedStep } from '../../plan.js';
import type { CheckpointRecord } from './store.js';

/** A step and the key of the machine after it; undefined: not known, or it changes no machine. */
export interface KeyedStep { readonly step: PlannedStep; readonly key: string | undefined }

export class Ages {
  /** By the key after a step, in milliseconds since 1970. */
  readonly #done = new Map<string, number>();

  at(key: string | undefined): number | undefined { return key === undefined ? undefined : this.#done.get(key); }
  set(key: string | undefined, time: number): void { if (key !== undefined) this.#done.set(key, time); }

  /** A record's steps were done when it says; those of an older store, when it was made, at the latest. */
  takeOver(record: CheckpointRecord): void { for (const { key, at } of record.chain ?? []) if (key !== '') this.#done.set(key, at ?? record.created); }

  /** When the work of the first of these steps is too old; undefined: never. */
  expiry(steps: readonly KeyedStep[]): number | undefined {
    const ends = steps.flatMap(({ step, key }) => (step.settings.expires === undefined || this.at(key) === undefined ? [] : [this.at(key)! + step.settings.expires]));
    return ends.length === 0 ? undefined : Math.min(...ends);
  }
}

/** The first of the steps whose work in a record is too old, as they are now; undefined: none. */
export function tooOld(record: CheckpointRecord, steps: readonly KeyedStep[]): { readonly step: PlannedStep; readonly what: string } | undefined {
  for (const { step, key } of steps) {
    const { expires } = step.settings;
    if (expires === undefined || key === undefined) continue;
    const done = record.chain?.find(link => link.key === key)?.at ?? record.created;
    if (done + expires < Date.now()) return { step, what: `what it did is of ${new Date(done).toISOString().slice(0, 16).replace('T', ' ')} UTC, and expires after ${spell(expires)}` };
  }
  return undefined;
}

function spell(milliseconds: number): string {
  for (const [unit, length] of [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]] as const) {
    if (milliseconds % length === 0 && milliseconds > 0) return `${milliseconds / length} ${unit}${milliseconds === length ? '' : 's'}`;
  }
  return `${milliseconds} ms`;
}
