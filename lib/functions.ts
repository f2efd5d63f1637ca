/**
 * Plain functions over values known later: each is one expression, evaluated at synth where it can be, at run otherwise, and exported
 * as HCL's function of the same meaning. The table holds both: what it does, and HCL's name.
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './json.js';
import { short } from './short.js';
import { exprOf, type Input, type Ref, ref } from './values.js';

export interface FunctionEntry {
  readonly hcl: string;
  /** What each argument is. Numbers and booleans are text where text is wanted, as in HCL. */
  readonly takes: readonly ('text' | 'texts' | 'any')[];
  readonly apply: (...args: readonly never[]) => Json;
}

export const functions = {
  upper: { hcl: 'upper', takes: ['text'], apply: (s: string) => s.toUpperCase() },
  lower: { hcl: 'lower', takes: ['text'], apply: (s: string) => s.toLowerCase() },
  trim: { hcl: 'trimspace', takes: ['text'], apply: (s: string) => s.trim() },
  replace: { hcl: 'replace', takes: ['text', 'text', 'text'], apply: (s: string, from: string, to: string) => s.split(from).join(to) },
  join: { hcl: 'join', takes: ['text', 'texts'], apply: (separator: string, list: readonly string[]) => list.join(separator) },
  split: { hcl: 'split', takes: ['text', 'text'], apply: (separator: string, s: string) => s.split(separator) },
  jsonEncode: { hcl: 'jsonencode', takes: ['any'], apply: (value: Json) => hclJson(value) },
  base64Encode: { hcl: 'base64encode', takes: ['text'], apply: (s: string) => Buffer.from(s, 'utf8').toString('base64') },
  sha256: { hcl: 'sha256', takes: ['text'], apply: (s: string) => createHash('sha256').update(s, 'utf8').digest('hex') },
  /** A list or an object that still has values known later inside. Never written by hand. */
  identity: { hcl: '', takes: ['any'], apply: (value: Json) => value },
  /** A list with values known later in it: HCL's own brackets. */
  list: { hcl: 'concat', takes: [], apply: (...items: readonly Json[]) => [...items] },
  formatDate: { hcl: 'formatdate', takes: ['text', 'text'], apply: (format: string, date: string) => formatHclDate(format, date) },
} as const satisfies { readonly [name: string]: FunctionEntry };
export type FunctionName = keyof typeof functions;

/** Applies a function by name, to plain values. Throws for an unknown name or a value of the wrong type. */
export function callFunction(name: string, args: readonly Json[]): Json {
  const entry = Object.hasOwn(functions, name) ? (functions as { readonly [name: string]: FunctionEntry })[name] : undefined;
  if (entry === undefined) throw new TypeError(`there is no function '${name}'`);
  const taken = args.map((arg, i) => {
    switch (entry.takes[i]) {
      case 'text': return asText(arg) ?? refused(name, arg, 'text');
      case 'texts': return Array.isArray(arg) ? arg.map(item => asText(item as Json) ?? refused(name, item as Json, 'text in its list')) : refused(name, arg, 'a list');
      default: return arg;
    }
  });
  return (entry.apply as (...args: readonly Json[]) => Json)(...taken);
}

const asText = (value: Json): string | undefined => (typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined);
function refused(name: string, value: Json, wanted: string): never { throw new TypeError(`${name} takes ${wanted}, and got ${short(value)}`); }

const call = <T>(name: FunctionName, ...args: readonly unknown[]): Ref<T> => ref({ op: 'call', function: name, args: args.map(exprOf) });

/** In capitals. */
export const upper = (s: Input<string>): Ref<string> => call('upper', s);
/** In small letters. */
export const lower = (s: Input<string>): Ref<string> => call('lower', s);
/** Without white space at both ends. */
export const trim = (s: Input<string>): Ref<string> => call('trim', s);
/** With every `from` replaced by `to`; both are literal. */
export const replace = (s: Input<string>, from: Input<string>, to: Input<string>): Ref<string> => call('replace', s, from, to);
/** The members of a list with a separator between them. */
export const join = (separator: Input<string>, list: Input<readonly string[]> | readonly Input<string>[]): Ref<string> => call('join', separator, listExpr(list));
/** The parts of a text between separators. */
export const split = (separator: Input<string>, s: Input<string>): Ref<readonly string[]> => call('split', separator, s);
/** As JSON, on one line; keys sorted, `<`, `>` and `&` escaped, as HCL's jsonencode writes it. */
export const jsonEncode = (value: unknown): Ref<string> => call('jsonEncode', value);
/** In base64, of the text's UTF-8 bytes. */
export const base64Encode = (s: Input<string>): Ref<string> => call('base64Encode', s);
/** The SHA-256 of the text's UTF-8 bytes, in hexadecimal. */
export const sha256 = (s: Input<string>): Ref<string> => call('sha256', s);
/** A date (RFC 3339) in HCL's formatdate notation: `YYYY-MM-DD`, `hh:mm:ss`, `'literal'` … */
export const formatDate = (format: Input<string>, date: Input<string>): Ref<string> => call('formatDate', format, date);

/** A list with Refs inside becomes an expression of its own, so that each member stays symbolic. */
function listExpr(list: unknown): unknown {
  if (!Array.isArray(list) || !list.some(item => typeof item === 'object' && item !== null && '$expr' in item)) return list;
  return { $expr: { op: 'call', function: 'list', args: list.map(exprOf) } };
}

function hclJson(value: Json): string {
  return canonicalJson(value).replace(/[<>&\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const monthNames = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

function formatHclDate(format: string, date: string): string {
  const parsed = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/.exec(date);
  if (!parsed) throw new TypeError(`'${date}' is no date in RFC 3339, such as 2026-11-29T12:00:00Z`);
  const [, year, month, day, hour, minute, second, zone] = parsed as unknown as [string, string, string, string, string, string, string, string];
  const weekday = dayNames[new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDay()]!;
  const h12 = String(((Number(hour) + 11) % 12) + 1), offset = /z/i.test(zone) ? '+00:00' : zone;
  const verbs: { readonly [verb: string]: string } = {
    YYYY: year, YY: year.slice(2), MMMM: monthNames[Number(month) - 1]!, MMM: monthNames[Number(month) - 1]!.slice(0, 3), MM: month, M: String(Number(month)),
    DD: day, D: String(Number(day)), EEEE: weekday, EEE: weekday.slice(0, 3), hh: hour, h: String(Number(hour)), HH: h12.padStart(2, '0'), H: h12,
    AA: Number(hour) < 12 ? 'AM' : 'PM', aa: Number(hour) < 12 ? 'am' : 'pm', mm: minute, m: String(Number(minute)), ss: second, s: String(Number(second)),
    ZZZZZ: offset, ZZZZ: offset.replace(':', ''), ZZZ: offset === '+00:00' ? 'UTC' : offset.replace(':', ''), Z: offset === '+00:00' ? 'Z' : offset,
  };
  return format.replace(/'((?:[^']|'')*)'|([A-Za-z])\2*/g, (token, literal: string | undefined) => {
    if (literal !== undefined) return literal.replaceAll("''", "'");
    const verb = verbs[token];
    if (verb === undefined) throw new TypeError(`'${token}' is no part of a date format; put literal letters in single quotes`);
    return verb;
  });
}
