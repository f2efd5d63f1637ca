/** References from one thing of a program to another: builds as images, outputs, variables, secrets. */
import type { BoundComponent } from '../constructs/bind.js';
import type { AnySource, Source } from '../constructs/component.js';
import { isImageBuild } from '../constructs/image-build.js';
import { byCodeUnit, isObject, type Json } from '../json.js';
import { type Expr, walkExpr } from '../values.js';
import type { Program } from './collect.js';

/** What references are checked against. */
interface Referable { readonly program: Program; readonly targets: ReadonlyMap<string, AnySource> }

/** A source's name in its build. */
export const nameOf = (source: BoundComponent): string => (source.component as unknown as Source).name;

/** The target that a build or `build.source(name)` stands for. */
export function findImage(value: unknown, type: string, { program, targets }: Referable): { readonly target: string } | { readonly wrong: string; readonly remedy: string } {
  if (isObject(value) && typeof (value as { $image?: unknown }).$image === 'string') {
    const target = (value as { $image: string }).$image;
    const source = targets.get(target);
    if (source === undefined) return { wrong: `there is no source '${target}'`, remedy: `The program's sources are: ${[...targets.keys()].join(', ')}.` };
    return source.kind.type === type ? { target } : { wrong: `'${target}' is a '${source.kind.type}' source, and '${type}' is needed`, remedy: `Name a source of type '${type}'.` };
  }
  if (!isImageBuild(value)) return { wrong: `${value === null ? 'null' : `a ${typeof value}`} is not a build`, remedy: 'Give it an ImageBuild, or build.source(name).' };
  if (value.node.root !== program.app) return { wrong: `build '${value.node.path}' belongs to another App`, remedy: 'Put both builds into one App.' };
  const fitting = value.sources.filter(s => s.component.kind.type === type);
  if (fitting.length === 1) return { target: `${value.node.path}/${nameOf(fitting[0]!)}` };
  if (fitting.length === 0) return { wrong: `build '${value.node.path}' has no '${type}' source`, remedy: `Add one to it, or start from a build that has one.` };
  return { wrong: `build '${value.node.path}' has ${fitting.length} sources of type '${type}'`, remedy: `Say which: ${fitting.map(s => `source('${nameOf(s)}')`).join(' or ')} of that build.` };
}

/** What is wrong with one reference: a thing that the program does not have. */
export function checkExpr(expr: Expr, { program, targets }: Referable): { readonly message: string; readonly remedy?: string } | undefined {
  if (expr.op === 'output') {
    const source = targets.get(expr.target);
    if (source === undefined) return { message: `there is no source '${expr.target}'`, remedy: `The program's sources are: ${[...targets.keys()].join(', ')}.` };
    const component = expr.of === undefined ? source : componentAt(program, expr.of);
    if (component === undefined) return { message: `there is no step or post-processor '${expr.of!}'`, remedy: 'Put it into the build whose outputs are asked for.' };
    const outputs = Object.keys(component.kind.outputs);
    return outputs.includes(expr.output) ? undefined : { message: `'${expr.target}' has no output '${expr.output}'`, remedy: `Its outputs are: ${outputs.join(', ') || 'none'}.` };
  }
  if (expr.op === 'data') {
    return program.data.some(d => d.node.path === expr.path) ? undefined : { message: `there is no data source '${expr.path}' in this App`, remedy: 'Declare it in the same App.' };
  }
  if (expr.op === 'local') return program.locals.has(expr.name) ? { message: `local '${expr.name}' is defined by itself` } : { message: `there is no local '${expr.name}' in this App`, remedy: 'Declare it with local(app, …).' };
  if (expr.op === 'variable') return program.variables.has(expr.name) ? undefined : { message: `there is no variable '${expr.name}' in this App`, remedy: `Declare it: new Variable(app, '${expr.name}').` };
  return undefined;
}

function componentAt(program: Program, path: string): AnySource | undefined {
  const build = program.builds.find(b => path.startsWith(`${b.node.path}/`));
  return build && [...build.provisioners, ...build.postProcessors.flat()].find(step => step.node.path === path)?.component;
}

/** What some encoded props mention. */
export interface References { readonly images: readonly string[]; readonly secrets: readonly string[]; /** Every expression, also inside of others. */ readonly exprs: readonly Expr[] }

const none: References = { images: [], secrets: [], exprs: [] };
const known = new WeakMap<object, References>();

/** Looked for once in each object. */
export function referencesIn(value: Json): References {
  if (typeof value !== 'object' || value === null) return none;
  let found = known.get(value);
  if (found === undefined) {
    const images: string[] = [], secrets: string[] = [], exprs: Expr[] = [];
    const walk = (inside: unknown): void => {
      if (typeof inside !== 'object' || inside === null) return;
      if (Array.isArray(inside)) return inside.forEach(walk);
      const { $expr, $image, $secret } = inside as { readonly [tag: string]: unknown };
      if (typeof $expr === 'object' && $expr !== null) {
        for (const expr of walkExpr($expr as Expr)) {
          exprs.push(expr);
          if (expr.op === 'secret') secrets.push(expr.secret);
        }
        return;
      }
      if (typeof $image === 'string') images.push($image);
      if (typeof $secret === 'string') secrets.push($secret);
      for (const key in inside) walk((inside as { readonly [key: string]: unknown })[key]);
    };
    walk(value);
    found = images.length + secrets.length + exprs.length === 0 ? none : { images, secrets: [...new Set(secrets)].sort(byCodeUnit), exprs };
    known.set(value, found);
  }
  return found;
}

/** Targets whose images or outputs some encoded props use. */
export function edgesOf(value: Json): readonly string[] {
  const { images, exprs } = referencesIn(value);
  return exprs.length === 0 ? images : [...images, ...exprs.flatMap(expr => (expr.op === 'output' ? [expr.target] : []))];
}
