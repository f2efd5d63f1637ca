/** What policies read of a build: components, and texts as far as they are known when the program is looked at. */
import type { BoundComponent } from '../constructs/bind.js';
import type { Component } from '../constructs/component.js';
import type { ImageBuild } from '../constructs/image-build.js';
import type { Report } from '../constructs/policy.js';
import { type Local, type Variable, variableLookup } from '../constructs/variable.js';
import { type Lookups, simplify } from '../evaluate.js';
import { isObject, type Json } from '../json.js';
import { type Expr, isRef, isSecret } from '../values.js';

export interface PolicyOptions {
  /** @default 'error' */
  readonly severity?: 'error' | 'warning' | 'info';
}
export const reporter = (report: Report, { severity = 'error' }: PolicyOptions): Report['error'] => finding => report[severity](finding);

export const sourcesOf = (build: ImageBuild): readonly Component[] => build.sources.map(s => s.component);
/** Everything that runs on the guest or on this computer. */
export const stepsOf = (build: ImageBuild): readonly BoundComponent[] => [...build.provisioners, ...build.errorCleanup];
export const componentsOf = (build: ImageBuild): readonly Component[] => [...sourcesOf(build), ...stepsOf(build).map(s => s.component), ...build.postProcessors.flat().map(p => p.component)];

export const propsOf = (component: Component): { readonly [name: string]: unknown } => (isObject(component.props) ? component.props : {});

/** Stands in a text for what is only known later, or secret. */
export const unknownText = '\uFFFC';

/** A text as far as it is known; undefined: no text. */
export function knownText(build: ImageBuild, value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof URL) return value.href;
  if (!isRef(value)) return undefined;
  try { return textOf(simplify(value.$expr, lookupsOf(build))); } catch { return undefined; }
}

function textOf(expr: Expr): string {
  if (expr.op === 'template') return expr.parts.map(textOf).join('');
  return expr.op !== 'value' ? unknownText : typeof expr.value === 'string' ? expr.value : JSON.stringify(expr.value);
}

function lookupsOf(build: ImageBuild): Lookups {
  const find = (brand: string, name: string): unknown => build.node.root.node.findAll().find(c => brand in c && c.node.id === name);
  return {
    isSensitive: name => (find('$variable', name) as Variable | undefined)?.props.sensitive === true,
    variable: name => {
      const variable = find('$variable', name) as Variable | undefined, read = variable && variableLookup.read(variable);
      return read !== undefined && 'value' in read ? read.value : undefined;
    },
    local: name => (find('$local', name) as Local | undefined)?.expression,
  };
}

/** Every text inside of a component's props, with the field where it stands: `inline[2]`, `environment.TOKEN`. Secrets are none. */
export function* textsIn(build: ImageBuild, value: unknown, at = ''): Generator<{ readonly at: string; readonly text: string }> {
  const text = knownText(build, value);
  if (text !== undefined) yield { at, text };
  else if (isSecret(value) || isRef(value) || value instanceof URL) return;
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* textsIn(build, item, `${at}[${i}]`);
  else if (isPlain(value)) for (const [name, item] of Object.entries(value)) yield* textsIn(build, item as Json, at === '' ? name : `${at}.${name}`);
}

/** Not a build or another construct: these have places of their own. */
function isPlain(value: unknown): value is { readonly [name: string]: unknown } {
  return isObject(value) && [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
}
