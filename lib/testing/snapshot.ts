/** A plan as a test keeps it: the same bytes as long as the program means the same. */
import { byCodeUnit, isObject, type Json } from '../json.js';
import type { Plan } from '../plan.js';

export interface SnapshotOptions {
  /** `replace`: digests of files become `digest-1`, `digest-2` … and those of components are left out, so that a changed script is no other snapshot. @default 'replace' */
  readonly digests?: 'replace' | 'keep';
}

export function snapshotOf(plan: Plan, { digests = 'replace' }: SnapshotOptions): Json {
  const numbers = new Map<string, string>();
  const numbered = (digest: string): string => {
    const known = numbers.get(digest) ?? `digest-${numbers.size + 1}`;
    numbers.set(digest, known);
    return known;
  };
  const copy = (value: unknown, key: string): Json => {
    if (typeof value === 'string') return digests === 'replace' && /^sha256:[0-9a-f]{64}$/.test(value) ? numbered(value) : value;
    if (Array.isArray(value)) return value.map(item => copy(item, ''));
    if (!isObject(value)) return value as Json;
    // Only those of components and targets: a prop may be called so too.
    const left = 'path' in value && ('kind' in value || 'build' in value) ? ['at', ...(digests === 'replace' ? ['own'] : [])] : [];
    const members = Object.keys(value).filter(k => value[k] !== undefined && !left.includes(k)).sort(byCodeUnit);
    return Object.fromEntries(members.map(k => [key === 'files' && digests === 'replace' ? numbered(k) : k, copy(value[k], k)]));
  };
  // Targets first, so that files are numbered in the order in which they are used.
  const { files, targets, data, ...rest } = plan;
  const used = { data: copy(data, 'data'), targets: copy(targets, 'targets') };
  const sizes = digests === 'keep' ? files : Object.fromEntries(Object.entries(files).map(([digest, { size: _, ...file }]) => [digest, file]));
  const filesOut = copy(Object.fromEntries(Object.entries(sizes).sort(([a], [b]) => byCodeUnit(numbers.get(a) ?? a, numbers.get(b) ?? b))), 'files');
  return { ...(copy(rest, '') as { [key: string]: Json }), ...used, files: filesOut };
}
