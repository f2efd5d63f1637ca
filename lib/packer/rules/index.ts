/** What Packer requires of its components. Written where it is known, not taken from the table's `required`: that is what the documentation says, alternatives and defaults left out. */
import type { Rule } from '../../rules.js';
import { amazonRules } from './amazon.js';
import { cloudRules } from './clouds.js';
import { machineRules } from './machines.js';
import { stepRules } from './steps.js';

const tables = [amazonRules, cloudRules, machineRules, stepRules];

/** The rules of a component; none where Packer asks for nothing, or nothing is known. */
export function packerRules(role: string, type: string): readonly Rule[] {
  const key = `${role}/${type}`;
  return tables.find(table => Object.hasOwn(table, key))?.[key] ?? [];
}

/** Every rule by component, for the test that each speaks of options that are there. */
export const allPackerRules: { readonly [component: string]: readonly Rule[] } = Object.assign({}, ...tables);
