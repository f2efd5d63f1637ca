/** Props of a step, with what one source overrides. */
import { isObject } from '../json.js';

/** Overridden props replace those of the step; the members of a group one by one. */
export function mergeProps(props: object, override: object | undefined): object {
  if (override === undefined) return props;
  const out: { [name: string]: unknown } = { ...props };
  for (const [name, value] of Object.entries(override)) {
    const before = out[name];
    const isGroup = isObject(before) && isObject(value) && !Object.keys({ ...before, ...value }).some(k => k.startsWith('$'));
    out[name] = isGroup ? { ...before, ...value } : value;
  }
  return out;
}
