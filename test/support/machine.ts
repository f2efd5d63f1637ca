/**
 * What tests need of the machine beside Node. A thing that is lacking skips the tests that need it, by name; with BAKE_CI=1 it fails them.
 *
 *     requires('docker')('the docker source', () => { test(…) });
 */
import { describe, test } from 'vitest';
import { has, type NeedName } from './needs.js';

export { has, type NeedName };

/** A `describe` whose tests are skipped, with the reason in the title, where the machine lacks one of the things named. */
export function requires(...names: readonly NeedName[]): (title: string, tests: () => void) => void {
  return (title, tests) => {
    let lacking: NeedName[];
    try { lacking = names.filter(name => !has(name)); }
    catch (error) { describe(title, () => test('the machine has all that these tests need', () => { throw error; })); return; }
    if (lacking.length === 0) describe(title, tests);
    else describe.skip(`${title} [skipped: this machine lacks ${lacking.join(', ')}]`, tests);
  };
}
