/** What a test expects of a value, as matchers; and how a value differs from it, in words. */
import { isObject } from '../json.js';
import { short } from '../short.js';
import { exprOf, isDuration, isRef, isSecret, isSize } from '../values.js';

/** One difference: where in the value, what was expected there, and what was found. */
export interface Difference { readonly at: string; readonly expected: string; readonly found: string; /** How many values it stands for. @default 1 */ readonly weight?: number }

/** What matchers are given beside the value. */
export interface MatchContext {
  /** The path of a planned file, relative to the program. */
  pathOf(digest: string): string | undefined;
  /** What a matcher wants to keep once the whole matched. */
  readonly captured: (() => void)[];
}

/** A pattern for a value; made by `Match`. */
export interface Matcher {
  readonly $matcher: true;
  /** What is expected, in words: `something like 'web-*'`. */
  readonly says: string;
  differences(actual: unknown, at: string, context: MatchContext): readonly Difference[];
}
const isMatcher = (value: unknown): value is Matcher => isObject(value) && value['$matcher'] === true;

const matcher = (says: string, differences: Matcher['differences']): Matcher => ({ $matcher: true, says, differences });
/** A matcher that only says yes or no. */
const test = (says: string, fits: (actual: unknown, context: MatchContext) => boolean): Matcher =>
  matcher(says, (actual, at, context) => (fits(actual, context) ? [] : [{ at, expected: says, found: shown(actual) }]));

export const Match = {
  /** An object with at least these members; objects inside of it too. What `hasSource` and the like do by themselves. */
  objectLike: (expected: object): Matcher => matcher(`an object like ${shown(expected)}`, (actual, at, context) => compareObjects(expected, actual, at, context, false)),
  /** Exactly this value: objects have no other members. */
  exact: (expected: unknown): Matcher => matcher(`exactly ${shown(expected)}`, (actual, at, context) => compare(expected, actual, at, context, true)),
  /** A list that has these members in this order, and perhaps others between them. */
  arrayWith: (expected: readonly unknown[]): Matcher => matcher(`a list with ${shown(expected)}`, (actual, at, context) => compareSubsequence(expected, actual, at, context)),
  /** Any value but none. */
  anyValue: (): Matcher => test('any value', actual => actual !== undefined),
  /** No value. */
  absent: (): Matcher => test('nothing', actual => actual === undefined),
  /** Anything that does not match. */
  not: (expected: unknown): Matcher => {
    const says = `anything but ${isMatcher(expected) ? expected.says : shown(expected)}`;
    return test(says, (actual, context) => compare(expected, actual, '', { ...context, captured: [] }, false).length > 0);
  },
  /** Text in which `*` stands for anything. */
  stringLike: (pattern: string): Matcher => {
    const expression = new RegExp(`^${pattern.split('*').map(part => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^]*')}$`);
    return test(`text like ${short(pattern)}`, (actual, context) => expression.test(textOf(actual, context) ?? '\u0000'));
  },
  /** Text in which the expression is found. */
  regexp: (expression: RegExp | string): Matcher => {
    const pattern = typeof expression === 'string' ? new RegExp(expression) : new RegExp(expression.source, expression.flags.replace(/[gy]/g, ''));
    return test(`text that matches ${pattern}`, (actual, context) => { const text = textOf(actual, context); return text !== undefined && pattern.test(text); });
  },
};

/** Keeps the values found where it stands, once all the rest matched: `capture.value`. With a pattern it matches what the pattern does. */
export class Capture<T = unknown> implements Matcher {
  readonly $matcher = true;
  readonly says: string;
  /** One for each match, in the template's order. */
  readonly values: T[] = [];
  constructor(readonly pattern: unknown = Match.anyValue()) { this.says = isMatcher(pattern) ? pattern.says : shown(pattern); }

  /** The first value. Throws where nothing was captured. */
  get value(): T {
    if (this.values.length === 0) throw new Error('Nothing was captured: the capture stands in no expectation that was met.');
    return this.values[0]!;
  }

  differences(actual: unknown, at: string, context: MatchContext): readonly Difference[] {
    const found = compare(this.pattern, actual, at, context, false);
    if (found.length === 0) context.captured.push(() => { this.values.push(actual as T); });
    return found;
  }
}

/** Every difference between a value and what is expected of it. Objects may have members that are not mentioned, unless `exact`. */
export function compare(expected: unknown, actual: unknown, at: string, context: MatchContext, exact: boolean): readonly Difference[] {
  if (isMatcher(expected)) return expected.differences(actual, at, context);
  if (isObject(actual) && typeof actual['$file'] === 'string' && typeof expected === 'string') {
    return context.pathOf(actual['$file']) === expected || actual['name'] === expected ? [] : [{ at, expected: short(expected), found: `the file ${short(textOf(actual, context))}` }];
  }
  const wanted = plain(expected);
  if (Array.isArray(wanted)) {
    if (!Array.isArray(actual)) return [{ at, expected: shown(wanted), found: shown(actual) }];
    const members = wanted.flatMap((item, i) => (i < actual.length ? compare(item, actual[i], `${at}[${i}]`, context, exact) : [{ at: `${at}[${i}]`, expected: shown(item), found: 'nothing' }]));
    return [...members, ...actual.slice(wanted.length).map((item, i) => ({ at: `${at}[${wanted.length + i}]`, expected: 'nothing', found: shown(item) }))];
  }
  if (isObject(wanted)) return compareObjects(wanted, actual, at, context, exact);
  return Object.is(wanted, actual) ? [] : [{ at, expected: shown(wanted), found: shown(actual) }];
}

function compareObjects(expected: object, actual: unknown, at: string, context: MatchContext, exact: boolean): readonly Difference[] {
  if (!isObject(actual)) return [{ at, expected: shown(expected), found: shown(actual), weight: 1 + Object.keys(expected).length }];
  const inside = (key: string): string => (at === '' ? key : `${at}.${key}`);
  const wanted = expected as { readonly [key: string]: unknown };
  // A unit, a reference or a secret is one value, not an object with members.
  const whole = Object.keys(wanted).some(key => key.startsWith('$'));
  const differing = Object.keys(wanted).flatMap(key => compare(wanted[key], actual[key], inside(key), context, exact || whole));
  if (whole) return differing.length === 0 && Object.keys(actual).every(key => key in wanted) ? [] : [{ at, expected: shown(wanted), found: shown(actual) }];
  return exact ? [...differing, ...Object.keys(actual).filter(key => !(key in wanted)).map(key => ({ at: inside(key), expected: 'nothing', found: shown(actual[key]) }))] : differing;
}

function compareSubsequence(expected: readonly unknown[], actual: unknown, at: string, context: MatchContext): readonly Difference[] {
  if (!Array.isArray(actual)) return [{ at, expected: `a list with ${shown(expected)}`, found: shown(actual) }];
  let i = 0;
  for (const item of actual) {
    if (i === expected.length) break;
    const tried: MatchContext = { ...context, captured: [] };
    if (compare(expected[i], item, '', tried, false).length > 0) continue;
    context.captured.push(...tried.captured);
    i++;
  }
  const missing = expected[i];
  return i === expected.length ? [] : [{ at, expected: `a list with ${isMatcher(missing) ? missing.says : shown(missing)}${i === 0 ? '' : ` after ${i} other${i === 1 ? '' : 's'}`}`, found: shown(actual) }];
}

/** What a program writes, in the form in which it stands in the plan: classes that are Refs or secrets become their tags. */
function plain(value: unknown): unknown {
  if (value instanceof URL) return value.href;
  if (isRef(value)) return { $expr: exprOf(value) };
  if (!isSecret(value)) return value;
  if ('$expr' in value) return { $expr: exprOf(value) };
  return value.$cacheKey === undefined ? { $secret: value.$secret } : { $secret: value.$secret, $cacheKey: value.$cacheKey };
}

function textOf(value: unknown, context: MatchContext): string | undefined {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value['$file'] === 'string' ? context.pathOf(value['$file']) : undefined;
}

/** A value as the program would write it, short. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (isMatcher(value)) return value.says;
  if (isSize(value)) return value.$size % 1024 ** 3 === 0 ? `Size.gib(${value.$size / 1024 ** 3})` : value.$size % 1024 ** 2 === 0 ? `Size.mib(${value.$size / 1024 ** 2})` : `Size.bytes(${value.$size})`;
  if (isDuration(value)) return value.$duration % 60_000 === 0 ? `Duration.minutes(${value.$duration / 60_000})` : value.$duration % 1000 === 0 ? `Duration.seconds(${value.$duration / 1000})` : `Duration.milliseconds(${value.$duration})`;
  return short(plain(value), 120);
}
