/** Why an expectation is not met: what there is instead, the nearest candidate, and where it differs first. */
import { errors } from '../errors.js';
import { byCodeUnit, canonicalJson, isObject } from '../json.js';
import type { Role } from '../kinds.js';
import { formatProblem, type Problem } from '../problems.js';
import { suggest } from '../suggest.js';
import { isDuration, isSize } from '../values.js';
import { type Difference, shown } from './match.js';
import { isOfKind, type KindLike, nameOfKind, type Resource } from './resources.js';

export const fail = errors('TEMPLATE', {
  NOT_FOUND: { message: (text: string) => text, explain: 'A test expects something of a program that is not so.' },
});

/** A candidate, and how it differs. */
export interface Tried { readonly resource: Resource; readonly differences: readonly Difference[] }

/** There is none of the kind. */
export function noneOfKind(role: Role | undefined, kind: KindLike, all: readonly Resource[]): string {
  const what = role ?? 'component', those = role === undefined ? all : all.filter(r => r.role === role), name = nameOfKind(kind);
  const kinds = [...new Set(those.map(r => r.kind))].sort(byCodeUnit);
  if (kinds.length === 0) return `There is no ${what} '${name}': the program has no ${what}s at all.`;
  const near = suggest(name, kinds.flatMap(k => [k, k.slice(k.indexOf('/') + 1)]));
  return `There is no ${what} '${name}'.${near === undefined ? '' : ` Did you mean '${near}'?`}\nThere are:\n${unique(those).map(r => `  ${r.path} (${r.kind})`).join('\n')}`;
}

/** There are some of the kind, and none is as expected. */
export function nearest(kind: KindLike, tried: readonly Tried[]): string {
  const best = tried.reduce((a, b) => (weightOf(b) < weightOf(a) ? b : a)), name = nameOfKind(kind);
  const { resource, differences } = best, [first] = differences;
  const count = tried.length === 1 ? 'The only one is' : `The nearest of ${tried.length} is`;
  const place = `${resource.path}${resource.target === '' || resource.role === 'source' ? '' : ` on ${resource.target}`}${resource.at === undefined ? '' : ` (${resource.at})`}`;
  return `No '${name}' is as expected. ${count} ${place}.\n${differenceText(first!)}${
    differences.length > 1 ? `\n  and differs in ${differences.length - 1} more place${differences.length === 2 ? '' : 's'}: ${differences.slice(1, 5).map(d => d.at).join(', ')}${differences.length > 5 ? ', …' : ''}` : ''
  }\nIts properties: ${indented(resource.props)}`;
}

const weightOf = ({ differences }: Tried): number => differences.reduce((sum, { weight = 1 }) => sum + weight, 0);

export function differenceText({ at, expected, found }: Difference): string {
  return `  ${at === '' ? '' : `${at}:\n    `}expected ${expected}\n${at === '' ? '  ' : '    '}found    ${found}`;
}

export function problemsText(problems: readonly Problem[]): string {
  return problems.length === 0 ? 'The program has no problems.' : `The program has these problems:\n${problems.map(p => formatProblem(p).replace(/^/gm, '  ')).join('\n')}`;
}

/** Components that several targets share, once. */
export function unique(resources: readonly Resource[]): Resource[] {
  return [...new Map(resources.map(r => [r.path, r])).values()];
}
export const ofKind = (resources: readonly Resource[], kind: KindLike): Resource[] => resources.filter(r => isOfKind(r, kind));

/** At most thirty lines: the rest is in the plan. */
export function indented(value: unknown): string {
  const readable = (v: unknown): unknown => (isSize(v) || isDuration(v) ? shown(v) : Array.isArray(v) ? v.map(readable) : isObject(v) ? Object.fromEntries(Object.entries(v).map(([k, item]) => [k, readable(item)])) : v);
  const lines = canonicalJson(readable(value), 2).split('\n');
  return (lines.length > 30 ? [...lines.slice(0, 30), '…'] : lines).join('\n');
}
