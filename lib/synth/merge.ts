/** Props of a step, with what one source overrides. */
import { type Fields, fieldsOf } from '../fields.js';
import { isObject } from '../json.js';

/** Overridden props replace those of the step, the members of a group one by one; the step's own `override` is left out. */
export function mergeProps(fields: Fields, props: object, override: object | undefined): object {
  const { override: _, ...out } = props as { [name: string]: unknown };
  const groups = new Set(fieldsOf(fields).filter(([, field]) => field.shape === 'group').map(([name]) => name));
  for (const [name, value] of Object.entries(override ?? {})) {
    const before = out[name];
    out[name] = groups.has(name) && isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return out;
}
