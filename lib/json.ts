/** JSON as a type, and the one canonical way to write it: keys sorted, so that equal values are equal bytes. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject { readonly [key: string]: Json }

export function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Writes a value with sorted keys; `undefined` members are left out. `indent` as in JSON.stringify. */
export function canonicalJson(value: unknown, indent?: number): string {
  return JSON.stringify(sorted(value), undefined, indent);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const out: { [key: string]: unknown } = Object.create(null);
  for (const key of Object.keys(value).sort(byCodeUnit)) if (value[key] !== undefined) out[key] = sorted(value[key]);
  return out;
}

/** The order of keys and ids everywhere: by code unit, the same on every machine and locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
