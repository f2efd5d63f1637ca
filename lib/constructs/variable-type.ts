/** What values a variable takes, as data: checked, converted from text, and printed as HCL's type expression. */
import { isObject, type Json } from '../json.js';

export type VariableType =
  | { readonly is: 'any' } | { readonly is: 'string' } | { readonly is: 'number' } | { readonly is: 'boolean' }
  | { readonly is: 'list'; readonly of: VariableType } | { readonly is: 'map'; readonly of: VariableType }
  | { readonly is: 'object'; readonly attributes: { readonly [name: string]: Attribute } }
  | { readonly is: 'nullable'; readonly of: VariableType };
/** A member of an object: its type, or optional with or without a default. */
export type Attribute = VariableType | { readonly is: 'optional'; readonly of: VariableType; readonly default?: Json };

/** Types of variables. */
export const types = {
  any: { is: 'any' },
  string: { is: 'string' },
  number: { is: 'number' },
  boolean: { is: 'boolean' },
  list: (of: VariableType): VariableType => ({ is: 'list', of }),
  map: (of: VariableType): VariableType => ({ is: 'map', of }),
  object: (attributes: { readonly [name: string]: Attribute }): VariableType => ({ is: 'object', attributes }),
  /** An attribute that may be left out. */
  optional: (of: VariableType, fallback?: Json): Attribute => (fallback === undefined ? { is: 'optional', of } : { is: 'optional', of, default: fallback }),
  /** A value that may be null. */
  nullable: (of: VariableType): VariableType => ({ is: 'nullable', of }),
} as const;

/** The type of a default value; `any` where there is none. */
export function inferType(value: Json | undefined): VariableType {
  if (value === undefined || value === null) return types.any;
  if (typeof value === 'string') return types.string;
  if (typeof value === 'number') return types.number;
  if (typeof value === 'boolean') return types.boolean;
  if (Array.isArray(value)) return types.list(common(value.map(inferType)));
  const members = Object.entries(value as { [key: string]: Json });
  const of = common(members.map(([, v]) => inferType(v)));
  return of.is === 'any' && members.length > 0 ? types.object(Object.fromEntries(members.map(([k, v]) => [k, inferType(v)]))) : types.map(of);
}

function common(members: readonly VariableType[]): VariableType {
  const [first] = members;
  return first !== undefined && members.every(m => JSON.stringify(m) === JSON.stringify(first)) ? first : types.any;
}

export function describeVariableType(type: Attribute): string {
  switch (type.is) {
    case 'any': return 'any value';
    case 'string': return 'a string';
    case 'number': return 'a number';
    case 'boolean': return 'true or false';
    case 'list': return `a list (each: ${describeVariableType(type.of)})`;
    case 'map': return `an object of names and values (each: ${describeVariableType(type.of)})`;
    case 'object': return `an object with ${Object.keys(type.attributes).join(', ')}`;
    case 'nullable': return `${describeVariableType(type.of)}, or null`;
    case 'optional': return `${describeVariableType(type.of)} (optional)`;
  }
}

export type Checked = { readonly value: Json } | { readonly wrong: string };

/**
 * Checks a value against a type, and fills in the defaults of optional attributes. `fromText`: the value came as text (command line,
 * environment), so `"3"` is a number where one is wanted, and lists and objects are JSON.
 */
export function checkVariable(type: VariableType, value: Json, fromText = false, at = ''): Checked {
  const wrong = (): Checked => ({ wrong: `${at === '' ? '' : `${at}: `}${shown(value)} is not ${describeVariableType(type)}` });
  switch (type.is) {
    case 'any': return { value };
    case 'string': return typeof value === 'string' ? { value } : fromText && (typeof value === 'number' || typeof value === 'boolean') ? { value: String(value) } : wrong();
    case 'number':
      if (typeof value === 'number' && Number.isFinite(value)) return { value };
      return fromText && typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)) ? { value: Number(value) } : wrong();
    case 'boolean':
      if (typeof value === 'boolean') return { value };
      return fromText && (value === 'true' || value === 'false') ? { value: value === 'true' } : wrong();
    case 'nullable': return value === null || (fromText && value === 'null') ? { value: null } : checkVariable(type.of, value, fromText, at);
    case 'list': {
      const list = fromText && typeof value === 'string' ? parsed(value) : value;
      if (!Array.isArray(list)) return wrong();
      return gather(list.map((item, i) => checkVariable(type.of, item as Json, false, `${at}[${i}]`)), values => values);
    }
    case 'map': {
      const map = fromText && typeof value === 'string' ? parsed(value) : value;
      if (!isObject(map)) return wrong();
      const keys = Object.keys(map);
      return gather(keys.map(k => checkVariable(type.of, map[k] as Json, false, at === '' ? k : `${at}.${k}`)), values => Object.fromEntries(keys.map((k, i) => [k, values[i]!])));
    }
    case 'object': return checkObject(type.attributes, fromText && typeof value === 'string' ? parsed(value) : value, at, wrong);
  }
}

function checkObject(attributes: { readonly [name: string]: Attribute }, value: unknown, at: string, wrong: () => Checked): Checked {
  if (!isObject(value)) return wrong();
  const unknown = Object.keys(value).find(k => !Object.hasOwn(attributes, k));
  if (unknown !== undefined) return { wrong: `${at === '' ? '' : `${at}: `}'${unknown}' is none of its attributes (${Object.keys(attributes).join(', ')})` };
  const out: { [name: string]: Json } = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    const path = at === '' ? name : `${at}.${name}`;
    if (value[name] === undefined) {
      if (attribute.is !== 'optional') return { wrong: `${path} is missing` };
      if (attribute.default !== undefined) out[name] = attribute.default;
      continue;
    }
    const checked = checkVariable(attribute.is === 'optional' ? attribute.of : attribute, value[name] as Json, false, path);
    if ('wrong' in checked) return checked;
    out[name] = checked.value;
  }
  return { value: out };
}

function gather(checked: readonly Checked[], join: (values: Json[]) => Json): Checked {
  const bad = checked.find(c => 'wrong' in c);
  return bad ?? { value: join(checked.map(c => (c as { value: Json }).value)) };
}

function parsed(text: string): unknown {
  try { return JSON.parse(text); } catch { return text; }
}

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
