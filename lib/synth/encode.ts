/** Props as written in, tagged JSON out: checked against the fields, defaults filled in, all that can be known evaluated. */
import { describeExpr, type Lookups, simplify } from '../evaluate.js';
import { type AnyField, describeType, type FieldType, type Fields, fieldsOf } from '../fields.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import type { AnyKind } from '../kinds.js';
import { short } from '../short.js';
import { suggest } from '../suggest.js';
import { Duration, type Expr, isDuration, isGenerated, isRef, isSecret, isSize, type Secret, Size, walkExpr } from '../values.js';
import type { FileCollector } from './files.js';
import { fileURLToPath } from 'node:url';

export interface Encoder {
  readonly lookups: Lookups;
  readonly files: FileCollector;
  /** The target that an ImageBuild or ImageRef stands for, or what is wrong with it. */
  image(value: unknown, type: string): { readonly target: string } | { readonly wrong: string; readonly remedy: string };
  /** Says what is wrong with an expression's references (an output that no target has), or undefined. */
  checkExpr(expr: Expr): { readonly message: string; readonly remedy?: string } | undefined;
  problem(code: string, field: string, message: string, remedy?: string): void;
}

/** Props that do not fit are reported and left out; what is returned is whole only where nothing was reported. */
export function encodeComponent(kind: AnyKind, settings: Fields, props: object, encoder: Encoder): JsonObject {
  const encoded = encodeFields(tableOf(kind, settings), props, '', encoder);
  const given = props as { readonly [name: string]: unknown };
  for (const rule of kind.rules) {
    const wrong = rule.check(name => given[name] !== undefined, name => given[name] ?? encoded[name]);
    if (wrong !== undefined) encoder.problem('RULE_BROKEN', rule.fields[0] ?? '', wrong, `What holds here: ${rule.says}.`);
  }
  return encoded;
}

/** A kind's fields and its role's settings as one table, made once: most programs have many components of few kinds. */
function tableOf(kind: AnyKind, settings: Fields): Fields {
  let bySettings = tables.get(kind);
  if (bySettings === undefined) tables.set(kind, bySettings = new Map());
  let table = bySettings.get(settings);
  if (table === undefined) bySettings.set(settings, table = { ...kind.fields, ...settings });
  return table;
}
const tables = new WeakMap<AnyKind, Map<Fields, Fields>>();

export function encodeFields(fields: Fields, props: object, at: string, encoder: Encoder): JsonObject {
  const table = fieldsOf(fields), out: { [name: string]: Json } = {};
  const given = props as { readonly [name: string]: unknown };
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(fields, name) || given[name] === undefined) continue;
    const near = suggest(name, table.map(([n]) => n));
    encoder.problem('UNKNOWN_PROP', at + name, `there is no prop '${name}' here`, near === undefined ? `Its props are: ${table.map(([n]) => n).join(', ')}.` : `Did you mean '${near}'?`);
  }
  for (const [name, field] of table) {
    const value = given[name];
    if (value === undefined) {
      if (field.need === 'required') encoder.problem('MISSING_PROP', at + name, `'${name}' is required and missing`, `Give it ${describeType(field.type)}.`);
      else if (field.default !== undefined) {
        // Defaults are checked and tagged as what a user writes is: a path is a file that must be there.
        const encoded = encodeValue(field.type, field.default, at + name, encoder);
        if (encoded !== undefined) out[name] = encoded;
      } else if (field.shape === 'group' && field.type.is === 'object' && fieldsOf(field.type.fields).every(([, member]) => member.need !== 'required')) {
        // A group that is left out still has its members' defaults, so that a driver need not know them.
        const members = encodeFields(field.type.fields, {}, `${at}${name}.`, encoder);
        if (Object.keys(members).length > 0) out[name] = members;
      }
      continue;
    }
    const encoded = encodeValue(field.type, value, at + name, encoder);
    if (encoded === undefined) continue;
    out[name] = encoded;
    checkMore(field, encoded, at + name, encoder);
  }
  return out;
}

/** The field's own check sees plain values only: units as Size and Duration, never what is known later. */
function checkMore(field: AnyField, encoded: Json, at: string, encoder: Encoder): void {
  if (field.check === undefined || (isObject(encoded) && ['$expr', '$secret', '$generated', '$image'].some(tag => tag in encoded))) return;
  const wrong = field.check(encoded as never);
  if (wrong !== undefined) encoder.problem('WRONG_VALUE', at, wrong);
}

export function encodeValue(type: FieldType, value: unknown, at: string, encoder: Encoder): Json | undefined {
  if (type.is === 'json') return encodeJson(value, at, encoder);
  if (isSecret(value)) {
    if (type.is === 'secret' || type.is === 'sensitive-string') return encodeSecret(value, at, encoder);
    encoder.problem('SECRET_IN_PLAIN_FIELD', at, 'a secret stands where a plain value belongs: it would be printed and stored', 'Use a field that takes secrets, or pass it to the guest through an environment variable.');
    return undefined;
  }
  if (isRef(value)) return encodeRef(type, value.$expr, at, encoder);
  return encodePlain(type, value, at, encoder, false);
}

function encodeSecret(value: { readonly $secret: string }, at: string, encoder: Encoder): Json | undefined {
  const expr = (value as { readonly $expr?: Expr }).$expr;
  if (expr === undefined) {
    const { $secret, $cacheKey } = value as Secret;
    return $cacheKey === undefined ? { $secret } : { $secret, $cacheKey };
  }
  const simplified = known(expr, at, encoder);
  return simplified === undefined ? undefined : { $expr: simplified as unknown as Json };
}

function encodeRef(type: FieldType, expr: Expr, at: string, encoder: Encoder): Json | undefined {
  const simplified = known(expr, at, encoder);
  if (simplified === undefined) return undefined;
  if (simplified.op === 'value') return type.is === 'secret' ? refuse(type, simplified.value, at, encoder) : encodePlain(type, simplified.value, at, encoder, true);
  if (type.is !== 'secret' && type.is !== 'sensitive-string') {
    const hidden = [...walkExpr(simplified)].find(e => e.op === 'secret' && !(e.secret.startsWith('var:') && encoder.lookups.isSensitive?.(e.secret.slice(4)) === true));
    if (hidden !== undefined) {
      encoder.problem('SECRET_IN_PLAIN_FIELD', at, `${describeExpr(hidden)} stands where a plain value belongs: it would be printed and stored`, 'Use a field that takes secrets.');
      return undefined;
    }
  }
  return { $expr: simplified as unknown as Json };
}

function known(expr: Expr, at: string, encoder: Encoder): Expr | undefined {
  try {
    const simplified = simplify(expr, encoder.lookups);
    for (const part of walkExpr(simplified)) {
      const wrong = encoder.checkExpr(part);
      if (wrong !== undefined) { encoder.problem('BAD_REFERENCE', at, wrong.message, wrong.remedy); return undefined; }
    }
    return simplified;
  } catch (error) {
    encoder.problem('BAD_EXPRESSION', at, (error as Error).message, 'Look at the values that go into it.');
    return undefined;
  }
}

/** `loose`: the value came out of a variable or an expression, where numbers, units and booleans may be text. */
function encodePlain(type: FieldType, value: unknown, at: string, encoder: Encoder, loose: boolean): Json | undefined {
  switch (type.is) {
    case 'string': case 'sensitive-string': case 'output-path':
      if (typeof value === 'string') return value;
      return loose && (typeof value === 'number' || typeof value === 'boolean') ? String(value) : refuse(type, value, at, encoder);
    case 'url':
      if (value instanceof URL) return value.href;
      return typeof value === 'string' && value !== '' ? value : refuse(type, value, at, encoder);
    case 'integer': case 'number': {
      const n = loose && typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof n !== 'number' || !Number.isFinite(n) || (type.is === 'integer' && !Number.isInteger(n))) return refuse(type, value, at, encoder);
      if (type.is === 'integer' && ((type.min !== undefined && n < type.min) || (type.max !== undefined && n > type.max))) return refuse(type, value, at, encoder);
      return n;
    }
    case 'boolean':
      if (loose && (value === 'true' || value === 'false')) return value === 'true';
      return typeof value === 'boolean' ? value : refuse(type, value, at, encoder);
    case 'size': return isSize(value) ? { $size: value.$size } : ((loose && parsed(Size.parse, value)) || undefined) as Json | undefined ?? refuse(type, value, at, encoder);
    case 'duration': return isDuration(value) ? { $duration: value.$duration } : ((loose && parsed(Duration.parse, value)) || undefined) as Json | undefined ?? refuse(type, value, at, encoder);
    case 'path': return encodePath(type, value, at, encoder);
    case 'secret': return refuse(type, value, at, encoder);
    case 'one-of': {
      if (typeof value === 'string' && type.values.includes(value)) return value;
      const near = typeof value === 'string' ? suggest(value, type.values) : undefined;
      return refuse(type, value, at, encoder, near === undefined ? undefined : `Did you mean '${near}'?`);
    }
    case 'list':
      if (!Array.isArray(value)) return refuse(type, value, at, encoder);
      return value.map((item, i) => encodeValue(type.of, item, `${at}[${i}]`, encoder)).filter(item => item !== undefined);
    case 'map': {
      if (!isPlainObject(value)) return refuse(type, value, at, encoder);
      const members = Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, encodeValue(type.of, item, `${at}.${key}`, encoder)] as const);
      return Object.fromEntries(members.filter((m): m is readonly [string, Json] => m[1] !== undefined));
    }
    case 'object': return isPlainObject(value) ? encodeFields(type.fields, value, `${at}.`, encoder) : refuse(type, value, at, encoder);
    case 'objects':
      if (!Array.isArray(value)) return refuse(type, value, at, encoder);
      return value.map((item, i) => isPlainObject(item) ? encodeFields(type.fields, item, `${at}[${i}].`, encoder) : refuse({ is: 'object', fields: type.fields }, item, `${at}[${i}]`, encoder) ?? {});
    case 'image': {
      const found = encoder.image(value, type.type);
      if ('target' in found) return { $image: found.target };
      encoder.problem('BAD_IMAGE', at, found.wrong, found.remedy);
      return undefined;
    }
    case 'json': return encodeJson(value, at, encoder);
  }
}

function encodePath(type: Extract<FieldType, { readonly is: 'path' }>, value: unknown, at: string, encoder: Encoder): Json | undefined {
  if (isGenerated(value)) return { $generated: value.$generated };
  if (value instanceof URL && value.protocol !== 'file:') {
    encoder.problem('WRONG_TYPE', at, `the URL ${value.href} is no file`, 'Give a path, or new URL(…, import.meta.url).');
    return undefined;
  }
  const path = value instanceof URL ? fileURLToPath(value) : value;
  if (typeof path !== 'string' || path === '') return refuse(type, value, at, encoder);
  const added = encoder.files.add(path, type.kind);
  if ('tag' in added) return added.tag;
  encoder.problem('MISSING_FILE', at, added.wrong, added.remedy);
  return undefined;
}

/** Free-form JSON: Refs inside are evaluated, secrets stay tags. */
function encodeJson(value: unknown, at: string, encoder: Encoder): Json | undefined {
  if (isSecret(value)) return encodeSecret(value, at, encoder);
  if (isRef(value)) {
    const simplified = known(value.$expr, at, encoder);
    return simplified === undefined ? undefined : simplified.op === 'value' ? simplified.value : { $expr: simplified as unknown as Json };
  }
  if (Array.isArray(value)) return value.map((item, i) => encodeJson(item, `${at}[${i}]`, encoder) ?? null);
  // A file inside of free-form JSON says so: it travels with the plan, and counts by its content.
  if (value instanceof URL || (isPlainObject(value) && '$path' in value && Object.keys(value).length === 1)) return encodePath({ is: 'path', kind: 'any' }, value instanceof URL ? value : value['$path'], at, encoder);
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, encodeJson(v, `${at}.${k}`, encoder) ?? null]));
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return value;
  return refuse({ is: 'json' }, value, at, encoder);
}

function refuse(type: FieldType, value: unknown, at: string, encoder: Encoder, remedy?: string): undefined {
  // What stands in a secret field may be one, written out: it is not repeated.
  const what = type.is === 'secret' ? `a ${typeof value} written out` : shown(value);
  encoder.problem('WRONG_TYPE', at, `${what} is not ${describeType(type)}`, remedy ?? `Give it ${describeType(type)}.`);
  return undefined;
}

function parsed<T>(parse: (text: string) => T, value: unknown): T | undefined {
  if (typeof value !== 'string') return undefined;
  try { return parse(value); } catch { return undefined; }
}

function isPlainObject(value: unknown): value is { readonly [key: string]: unknown } {
  if (!isObject(value)) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** A value as a person would recognize it, short. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value === 'function') return 'a function';
  if (isSize(value)) return `Size.bytes(${value.$size})`;
  if (isDuration(value)) return `Duration.milliseconds(${value.$duration})`;
  if (typeof value === 'object' && !isPlainObject(value) && !Array.isArray(value)) return `a ${(value as object).constructor?.name ?? 'object'}`;
  return short(value);
}
