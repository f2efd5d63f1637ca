/** From builds to targets: which steps run on which source, and everything encoded. */
import { type AnySource, type Component, postProcessorSettings, provisionerSettings, type Source, sourceSettings } from '../constructs/component.js';
import type { BoundComponent } from '../constructs/bind.js';
import { type ImageBuild, isImageBuild } from '../constructs/image-build.js';
import type { Lookups } from '../evaluate.js';
import type { Fields } from '../fields.js';
import { byCodeUnit, isObject, type Json, type JsonObject } from '../json.js';
import { formatLocation, userLocation } from '../location.js';
import type { PlannedComponent, PlannedData, PlannedPostProcessor, PlannedStep, StepSettings, Target } from '../plan.js';
import { suggest } from '../suggest.js';
import { type Expr, isDuration } from '../values.js';
import type { Program } from './collect.js';
import { ownDigests } from './digest.js';
import { encodeComponent, type Encoder } from './encode.js';
import type { FileCollector } from './files.js';
import type { ProblemSink } from './problem-sink.js';

export interface Encoding { readonly program: Program; readonly lookups: Lookups; readonly files: FileCollector; readonly problems: ProblemSink; readonly targets: ReadonlyMap<string, AnySource> }

/** Every source of every build by target path: what references are checked against. */
export function sourcesByTarget(program: Program): Map<string, AnySource> {
  return new Map(program.builds.flatMap(build => build.sources.map(s => [`${build.node.path}/${nameOf(s)}`, s.component] as const)));
}

const nameOf = (source: BoundComponent): string => (source.component as unknown as Source).name;

export function planBuild(build: ImageBuild, encoding: Encoding): Target[] {
  const { problems } = encoding;
  for (const found of build.bindingProblems) problems.add({ ...found });
  if (build.sources.length === 0 && build.bindingProblems.length === 0) {
    problems.add({ code: 'NO_SOURCES', path: build.node.path, at: build.at, message: 'this build has no sources', remedy: 'Give it at least one: sources: [new QemuSource({…})].' });
  }
  const names = build.sources.map(nameOf);
  const steps = [...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()];
  for (const step of steps) checkNames(step, names, encoding);
  return build.sources.map(source => planTarget(build, source, encoding));
}

function planTarget(build: ImageBuild, source: BoundComponent, encoding: Encoding): Target {
  const name = nameOf(source), path = `${build.node.path}/${name}`;
  const here = (step: BoundComponent): boolean => runsOn(step.component.props as RoleProps, name);
  const planned = planComponent(path, source.component, sourceSettings, source.component.props, encoding);
  const provisioners = build.provisioners.filter(here).map(step => planStep(build, step, name, encoding));
  const errorCleanup = build.errorCleanup.filter(here).map(step => planStep(build, step, name, encoding));
  const postProcessors = build.postProcessors.map(sequence => sequence.filter(here).map(step => planPostProcessor(step, encoding))).filter(s => s.length > 0);
  const components: PlannedComponent[] = [planned, ...provisioners, ...errorCleanup, ...postProcessors.flat()];
  return {
    path, build: build.node.path, name, after: [...new Set(components.flatMap(c => [...edgesOf(c.props)]))].filter(p => p !== path).sort(byCodeUnit),
    source: planned, provisioners, errorCleanup, postProcessors,
    settings: { ...(build.checkpoint === undefined ? {} : { checkpoint: build.checkpoint }), ...(build.timeout === undefined ? {} : { timeout: build.timeout.$duration }) },
    ...placed(build.at, encoding),
  };
}

function planStep(build: ImageBuild, step: BoundComponent, source: string, encoding: Encoding): PlannedStep {
  const props = step.component.props as RoleProps & { readonly [name: string]: unknown };
  const override = isObject(props.override) ? props.override[source] : undefined;
  const planned = planComponent(step.node.path, step.component, provisionerSettings, merge(props, override), encoding);
  const { settings, own } = splitSettings(planned.props, provisionerSettings, step.component);
  const milliseconds = (key: string): { [k: string]: number } => (isDuration(settings[key]) ? { [key]: (settings[key] as { $duration: number }).$duration } : {});
  return {
    ...planned, props: own,
    settings: {
      ...milliseconds('pauseBefore'), ...milliseconds('pauseAfter'), ...milliseconds('timeout'), ...milliseconds('expires'),
      ...only(settings, 'maxRetries'), ...only(settings, 'continueOnError'), ...only(settings, 'creates'),
      ...(settings['checkpoint'] !== undefined ? only(settings, 'checkpoint') : build.checkpoint === undefined ? {} : { checkpoint: build.checkpoint }),
    } as StepSettings,
  };
}

function planPostProcessor(step: BoundComponent, encoding: Encoding): PlannedPostProcessor {
  const planned = planComponent(step.node.path, step.component, postProcessorSettings, step.component.props, encoding);
  const { settings, own } = splitSettings(planned.props, postProcessorSettings, step.component);
  return { ...planned, props: own, ...(only(settings, 'keepInputArtifact') as { keepInputArtifact?: boolean }) };
}

export function planData(encoding: Encoding): PlannedData[] {
  return encoding.program.data.map(data => ({ ...planComponent(data.node.path, data, {}, data.props, encoding), outputs: Object.keys(data.kind.outputs) }));
}

function planComponent(path: string, component: Component, settings: Fields, props: object, encoding: Encoding): PlannedComponent {
  const { kind } = component;
  const encoder: Encoder = {
    lookups: encoding.lookups, files: encoding.files,
    image: (value, type) => findImage(value, type, encoding),
    checkExpr: expr => checkExpr(expr, encoding),
    problem: (code, field, message, remedy) => encoding.problems.add({ code, path, field, message, remedy, at: component.at }),
  };
  if (!isObject(props)) {
    encoder.problem('WRONG_TYPE', '', `the props are ${props === undefined ? 'missing' : `a ${typeof props}`} where an object belongs`, `Write them in braces: { … }.`);
    return { kind: kind.key, path, props: {}, own: ownDigests(kind, {}) };
  }
  const encoded = encodeComponent(kind, settings, props, encoder);
  const own = kind.role === 'source' ? without(encoded, Object.keys(settings)) : encoded;
  const secrets = [...new Set(secretsIn(own))].sort(byCodeUnit);
  return { kind: kind.key, path, props: own, own: ownDigests(kind, own), ...(secrets.length > 0 ? { secrets } : {}), ...placed(component.at, encoding) };
}

const placed = (at: Error, encoding: Encoding): { readonly at?: string } => {
  const location = userLocation(at);
  return location === undefined ? {} : { at: formatLocation(location, encoding.program.folder) };
};

// ---- the settings of a role ----------------------------------------------------------------------------------------------------

interface RoleProps { readonly only?: readonly string[]; readonly except?: readonly string[]; readonly override?: { readonly [source: string]: object } }

function runsOn(props: RoleProps | undefined, source: string): boolean {
  if (Array.isArray(props?.only) && !props.only.includes(source)) return false;
  return !(Array.isArray(props?.except) && props.except.includes(source));
}

function checkNames(step: BoundComponent, names: readonly string[], { problems }: Encoding): void {
  const props = step.component.props as RoleProps | undefined;
  const mentioned = [
    ...(Array.isArray(props?.only) ? props.only.map(n => ['only', n] as const) : []), ...(Array.isArray(props?.except) ? props.except.map(n => ['except', n] as const) : []),
    ...(isObject(props?.override) ? Object.keys(props.override).map(n => ['override', n] as const) : []),
  ];
  for (const [field, name] of mentioned) {
    if (typeof name !== 'string' || names.includes(name)) continue;
    const near = suggest(name, names);
    problems.add({
      code: 'UNKNOWN_SOURCE', path: step.node.path, field, at: step.component.at, message: `'${name}' is none of this build's sources`,
      remedy: near === undefined ? `Its sources are: ${names.join(', ')}.` : `Did you mean '${near}'?`,
    });
  }
}

/** Overridden props replace those of the step; the members of a group one by one. */
function merge(props: { readonly [name: string]: unknown }, override: object | undefined): object {
  if (override === undefined) return props;
  const out: { [name: string]: unknown } = { ...props };
  for (const [name, value] of Object.entries(override)) {
    const before = out[name];
    const isGroup = isObject(before) && isObject(value) && !Object.keys({ ...before, ...value }).some(k => k.startsWith('$'));
    out[name] = isGroup ? { ...before, ...value } : value;
  }
  return out;
}

function splitSettings(props: JsonObject, table: Fields, component: Component): { readonly settings: JsonObject; readonly own: JsonObject } {
  // A role's setting wins over an option of the same name; the option is then the kind's own affair under another field name.
  const names = Object.keys(table).filter(name => !Object.hasOwn(component.kind.fields, name) || Object.hasOwn(table, name));
  return { settings: Object.fromEntries(names.filter(n => props[n] !== undefined).map(n => [n, props[n]!])), own: without(props, names) };
}

function without(props: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(props).filter(([name]) => !names.includes(name)));
}
const only = (settings: JsonObject, key: string): { readonly [key: string]: Json } => (settings[key] === undefined ? {} : { [key]: settings[key] });

// ---- references ----------------------------------------------------------------------------------------------------------------

function findImage(value: unknown, type: string, { program, targets }: Encoding): { readonly target: string } | { readonly wrong: string; readonly remedy: string } {
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

function checkExpr(expr: Expr, { program, targets }: Encoding): { readonly message: string; readonly remedy?: string } | undefined {
  if (expr.op === 'output') {
    const source = targets.get(expr.target);
    if (source === undefined) return { message: `there is no source '${expr.target}'`, remedy: `The program's sources are: ${[...targets.keys()].join(', ')}.` };
    const outputs = Object.keys(source.kind.outputs);
    return outputs.includes(expr.output) ? undefined : { message: `'${expr.target}' has no output '${expr.output}'`, remedy: `Its outputs are: ${outputs.join(', ') || 'none'}.` };
  }
  if (expr.op === 'data') {
    return program.data.some(d => d.node.path === expr.path) ? undefined : { message: `there is no data source '${expr.path}' in this App`, remedy: 'Declare it in the same App.' };
  }
  if (expr.op === 'local') return program.locals.has(expr.name) ? { message: `local '${expr.name}' is defined by itself` } : { message: `there is no local '${expr.name}' in this App`, remedy: 'Declare it with local(app, …).' };
  if (expr.op === 'variable') return program.variables.has(expr.name) ? undefined : { message: `there is no variable '${expr.name}' in this App`, remedy: `Declare it: new Variable(app, '${expr.name}').` };
  return undefined;
}

/** Targets whose images or outputs some encoded props use. */
function* edgesOf(value: Json): Generator<string> {
  if (Array.isArray(value)) { for (const item of value) yield* edgesOf(item as Json); return; }
  if (!isObject(value)) return;
  if (typeof value['$image'] === 'string') yield value['$image'];
  if (value['op'] === 'output' && typeof value['target'] === 'string') yield value['target'];
  for (const item of Object.values(value)) yield* edgesOf(item as Json);
}

function* secretsIn(value: Json): Generator<string> {
  if (Array.isArray(value)) { for (const item of value) yield* secretsIn(item as Json); return; }
  if (!isObject(value)) return;
  if (typeof value['$secret'] === 'string') yield value['$secret'];
  if (value['op'] === 'secret' && typeof value['secret'] === 'string') yield value['secret'];
  for (const item of Object.values(value)) yield* secretsIn(item as Json);
}
