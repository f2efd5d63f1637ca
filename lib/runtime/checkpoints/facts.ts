/** What is written down with a saved machine beside the machine itself. */
import { outputKey } from '../../values.js';
import type { TargetContext } from '../target-context.js';
import type { Ages } from './ages.js';
import type { CheckpointRecord, Link } from './store.js';

/** The facts of a target up to the step of an index (-1: before the first): how it came there, what its steps gave, whether a secret was used. */
export function factsUpTo({ target, run }: TargetContext, index: number, keyAt: (index: number) => string | undefined, ages: Ages, took: ReadonlyMap<string, number>): Pick<CheckpointRecord, 'chain' | 'outputs' | 'sawSecret'> {
  const steps = target.provisioners.slice(0, index + 1), components = [target.source, ...steps];
  return {
    sawSecret: components.some(c => c.secrets !== undefined),
    chain: components.map(({ path }, i): Link => {
      const key = keyAt(i - 1), at = ages.at(key);
      return { path, key: key ?? '', ...(took.has(path) ? { took: took.get(path)! } : {}), ...(at === undefined ? {} : { at }) };
    }),
    outputs: Object.fromEntries(steps.map(({ path }) => outputKey({ target: target.path, of: path })).flatMap(key => (run.outputs.has(key) ? [[key, run.outputs.get(key)!]] : []))),
  };
}
