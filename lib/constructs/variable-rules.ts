/** Rules for variables that say themselves in HCL too, so that an exported template checks the same. */
import type { VariableRule } from './variable.js';

const literal = (value: string | number): string => typeof value === 'number' ? String(value) : `"${value.replace(/[\\"]/g, '\\$&').replace(/([$%])\{/g, '$1$1{').replaceAll('\n', '\\n')}"`;

/** One of these values: `isOneOf('qcow2', 'raw')`. */
export function isOneOf<T extends string | number>(...values: readonly T[]): VariableRule<string> & VariableRule<number> {
  return {
    condition: (value: unknown) => values.includes(value as T), message: `One of ${values.map(v => (typeof v === 'string' ? `'${v}'` : v)).join(', ')}.`,
    hcl: value => `contains([${values.map(literal).join(', ')}], ${value})`,
  };
}

/** Text in which a regular expression is found; in the syntax that RE2 and JavaScript share. Anchor it with `^` and `$` for the whole. */
export function matches(pattern: RegExp, message = `Text that matches ${pattern.source}.`): VariableRule<string> {
  return { condition: value => pattern.test(value), message, hcl: value => `can(regex(${literal(`${pattern.ignoreCase ? '(?i)' : ''}${pattern.source}`)}, ${value}))` };
}

/** A number from `min` to `max`, both included. */
export function isBetween(min: number, max: number): VariableRule<number> {
  return { condition: value => value >= min && value <= max, message: `A number from ${min} to ${max}.`, hcl: value => `${value} >= ${min} && ${value} <= ${max}` };
}

/** Text, or a list, of at least `min` (and at most `max`) characters or members. */
export function hasLength(min: number, max?: number): VariableRule<string> & VariableRule<readonly unknown[]> {
  const lengthOf = (value: unknown): number => (typeof value === 'string' ? [...value].length : (value as readonly unknown[]).length);
  return {
    condition: (value: unknown) => lengthOf(value) >= min && (max === undefined || lengthOf(value) <= max),
    message: max === undefined ? `At least ${min} long.` : min === max ? `Exactly ${min} long.` : `From ${min} to ${max} long.`,
    hcl: value => `length(${value}) >= ${min}${max === undefined ? '' : ` && length(${value}) <= ${max}`}`,
  };
}
