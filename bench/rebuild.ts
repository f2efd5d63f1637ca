/** What both benchmarks of rebuilds share: five steps of three seconds, changed in the four ways that count. */
import { CheckpointStore } from '../lib/runtime/checkpoints/store.js';
import type { Figure } from './benchmark.js';
import type { Workplace } from './workplace.js';

/** Five steps; `first` and `last` are what changes. */
export const steps = (first: string, last: string): string[] => [first, '2', '3', '4', last].map((word, i) => `sleep 3; echo ${word} > /srv/step-${i + 1}`);

export const changes = { cold: steps('1', '5'), unchanged: steps('1', '5'), 'last step changed': steps('1', 'five'), 'first step changed': steps('one', '5') } as const;
export type Change = keyof typeof changes;

export interface Rebuilds {
  /** Writes both programs with these steps. */
  write(steps: readonly string[]): void;
  /** Builds with each; seconds. Throws where what came out is wrong. */
  ours(steps: readonly string[], change: Change): Promise<number>;
  peer(steps: readonly string[], change: Change): Promise<number>;
}

/** The four rebuilds in order, ours and the peer's in turn. `goals`: by change, as a multiple of the peer or in seconds. */
export async function measureRebuilds(place: Workplace, what: string, { write, ours, peer }: Rebuilds, goals: { readonly [C in Change]?: Figure['goal'] }): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [change, wanted] of Object.entries(changes) as [Change, string[]][]) {
    write(wanted);
    place.note(change);
    const goal = goals[change];
    figures.push({ figure: `${what}: ${change} (peer: packer build)`, ours: await ours(wanted, change), peer: await peer(wanted, change), unit: 's', ...(goal === undefined ? {} : { goal }) });
  }
  return figures;
}

/** Bytes of the store, a saved machine on average. */
export async function storedBytes(folder: string): Promise<Figure> {
  const machines = (await new CheckpointStore(folder).list()).filter(entry => entry.record.what === 'machine');
  return { figure: `bytes of one saved machine, on average of ${machines.length}`, ours: machines.reduce((sum, entry) => sum + entry.bytes, 0) / Math.max(1, machines.length) / 1e6, unit: 'MB' };
}
