/** The digest of a component's props, by what a change of them makes invalid. */
import { createHash } from 'node:crypto';
import { type Affects, type Fields, fieldsOf } from '../fields.js';
import { canonicalJson, isObject, type Json, type JsonObject } from '../json.js';
import type { AnyKind } from '../kinds.js';

export function ownDigests(kind: AnyKind, props: JsonObject): { readonly disk: string; readonly machine: string; readonly capture: string } {
  const digest = (affects: Affects): string => {
    const picked = pick(kind.fields, props, affects);
    return isObject(picked) && Object.keys(picked).length === 0 ? emptyDigest(kind) : sha256(canonicalJson([kind.key, picked]));
  };
  return { disk: digest('disk'), machine: digest('machine'), capture: digest('capture') };
}

const empty = new Map<string, string>();
/** Most kinds have nothing that only affects the machine, or the capture. */
function emptyDigest({ key }: AnyKind): string {
  const digest = empty.get(key) ?? sha256(canonicalJson([key, {}]));
  empty.set(key, digest);
  return digest;
}

export function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** The props of one class; inside a group or a block each member has its own. A file counts by its content and base name. */
function pick(fields: Fields, props: JsonObject, affects: Affects): Json {
  const out: { [name: string]: Json } = {};
  for (const [name, field] of fieldsOf(fields)) {
    const value = props[name];
    if (value === undefined) continue;
    if (field.shape !== 'attribute' && (field.type.is === 'object' || field.type.is === 'objects')) {
      const nested = field.type.fields;
      const within = field.affects === undefined ? affects : field.affects === affects ? undefined : null;
      if (within === null) continue;
      const part = (v: Json): Json => (isObject(v) && within !== undefined ? pick(nested, v as JsonObject, within) : v);
      const picked = Array.isArray(value) ? value.map(part) : part(value);
      if (!(isObject(picked) && Object.keys(picked).length === 0)) out[name] = picked;
    } else if ((field.affects ?? 'disk') === affects) {
      out[name] = value;
    }
  }
  return out;
}
