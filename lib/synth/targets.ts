/** From builds to targets: which steps run on which source, and everything encoded. */
import { type AnySource, type Component, dataSettings, postProcessorSettings, provisionerSettings, sourceSettings } from '../constructs/component.js';
import type { BoundComponent } from '../constructs/bind.js';
import type { ImageBuild } from '../constructs/image-build.js';
import { describeExpr, type Lookups } from '../evaluate.js';
import { type Fields, fieldsOf } from '../fields.js';
import { byCodeUnit, isObject, type Json, type JsonObject } from '../json.js';
import { short } from '../short.js';
import { formatLocation, userLocation } from '../location.js';
import type { PlannedComponent, PlannedData, PlannedPostProcessor, PlannedStep, StepSettings, Target } from '../plan.js';
import { suggest } from '../suggest.js';
import { isDuration } from '../values.js';
import type { Program } from './collect.js';
import { ownDigests } from './digest.js';
import { encodeComponent, type Encoder } from './encode.js';
import type { FileCollector } from './files.js';
import { mergeProps } from './merge.js';
import { order } from './order.js';
import type { ProblemSink } from './problem-sink.js';
import { checkExpr, edgesOf, findImage, nameOf, referencesIn } from './references.js';

export interface Encoding { readonly program: Program; readonly lookups: Lookups; readonly files: FileCollector; readonly problems: ProblemSink; readonly targets: ReadonlyMap<string, AnySource> }

/** Every source of every build by target path: what references are checked against. */
export function sourcesByTarget(program: Program): Map<string, AnySource> {
  return new Map(program.builds.flatMap(build => build.sources.map(s => [`${build.node.path}/${nameOf(s)}`, s.component] as const)));
}

export function planBuild(build: ImageBuild, encoding: Encoding): Target[] {
  const { problems } = encoding;
  for (const found of build.bindingProblems) problems.add({ ...found });
  if (build.sources.length === 0 && build.bindingProblems.length === 0) {
    problems.add({ code: 'NO_SOURCES', path: build.node.path, at: build.at, message: 'this build has no sources', remedy: 'Give it at least one: sources: [new QemuSource({…})].' });
  }
  const names = build.sources.map(nameOf);
  const steps = [...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()];
  for (const step of steps) checkNames(step, names, encoding);
  const memory: Memory = new Map();
  return build.sources.map(source => planTarget(build, source, encoding, memory));
}

/** Steps as they were planned for one source: the same for another, unless it overrides something. */
type Memory = Map<BoundComponent, PlannedComponent>;

function planTarget(build: ImageBuild, source: BoundComponent, encoding: Encoding, memory: Memory): Target {
  const name = nameOf(source), path = `${build.node.path}/${name}`;
  const here = (step: BoundComponent): boolean => runsOn(step.component.props as RoleProps, name);
  const planned = planComponent(path, source.component, sourceSettings, source.component.props, encoding);
  const provisioners = build.provisioners.filter(here).map(step => planStep(build, step, name, encoding, memory));
  const errorCleanup = build.errorCleanup.filter(here).map(step => planStep(build, step, name, encoding, memory));
  const postProcessors = build.postProcessors.map(sequence => sequence.filter(here).map(step => planPostProcessor(step, encoding, memory))).filter(s => s.length > 0);
  const machine: PlannedComponent[] = [planned, ...provisioners, ...errorCleanup], components = [...machine, ...postProcessors.flat()];
  for (const component of machine) {
    const own = referencesIn(component.props).exprs.find(e => e.op === 'output' && e.target === path);
    if (own !== undefined) encoding.problems.add({ code: 'NOT_KNOWN_YET', path: component.path, at: build.at, message: `${describeExpr(own)} is used while it is made`, remedy: 'Use it in another build, or in a post-processor.' });
  }
  return {
    path, build: build.node.path, name, after: [...new Set(components.flatMap(c => edgesOf(c.props)))].filter(p => p !== path).sort(byCodeUnit),
    source: planned, provisioners, errorCleanup, postProcessors,
    settings: { ...(build.checkpoint === undefined ? {} : { checkpoint: build.checkpoint }), ...(build.timeout === undefined ? {} : { timeout: build.timeout.$duration }) },
    ...placed(build.at, encoding),
  };
}

function planStep(build: ImageBuild, step: BoundComponent, source: string, encoding: Encoding, memory: Memory): PlannedStep {
  const props = step.component.props as RoleProps & { readonly [name: string]: unknown };
  const override = isObject(props) && isObject(props.override) ? props.override[source] as unknown : undefined;
  const before = override === undefined ? memory.get(step) : undefined;
  if (before !== undefined) return before as PlannedStep;
  const merged = isObject(props) ? mergeProps(step.component.kind.fields, props, isObject(override) ? override : undefined) : props;
  const planned = planComponent(step.node.path, step.component, provisionerSettings, merged, encoding);
  const { settings, own } = splitSettings(step, planned.props, provisionerSettings, encoding);
  const milliseconds = (key: string): { [k: string]: number } => (isDuration(settings[key]) ? { [key]: (settings[key] as { $duration: number }).$duration } : {});
  const result = {
    ...planned, props: own,
    settings: {
      ...milliseconds('pauseBefore'), ...milliseconds('pauseAfter'), ...milliseconds('timeout'), ...milliseconds('expires'),
      ...only(settings, 'maxRetries'), ...only(settings, 'continueOnError'), ...only(settings, 'creates'),
      ...(settings['checkpoint'] !== undefined ? only(settings, 'checkpoint') : build.checkpoint === undefined ? {} : { checkpoint: build.checkpoint }),
    } as StepSettings,
  };
  if (override === undefined) memory.set(step, result);
  return result;
}

function planPostProcessor(step: BoundComponent, encoding: Encoding, memory: Memory): PlannedPostProcessor {
  const before = memory.get(step);
  if (before !== undefined) return before;
  const planned = planComponent(step.node.path, step.component, postProcessorSettings, step.component.props, encoding);
  const { settings, own } = splitSettings(step, planned.props, postProcessorSettings, encoding);
  const result = { ...planned, props: own, ...(only(settings, 'keepInputArtifact') as { keepInputArtifact?: boolean }) };
  memory.set(step, result);
  return result;
}

/** Data sources, each after those whose outputs it uses. */
export function planData(encoding: Encoding): PlannedData[] {
  const planned = encoding.program.data.map((data): PlannedData => {
    const component = planComponent(data.node.path, data, dataSettings, data.props, encoding), { lock, sensitive } = component.props;
    const secret = fieldsOf(data.kind.outputs).filter(([, output]) => sensitive === true || output.type.is === 'secret').map(([name]) => name);
    return {
      ...component, props: without(component.props, Object.keys(dataSettings)), outputs: Object.keys(data.kind.outputs),
      lock: typeof lock === 'boolean' ? lock : data.kind.lock ?? true, ...(secret.length > 0 ? { sensitive: secret } : {}),
    };
  });
  for (const data of planned) {
    for (const expr of referencesIn(data.props).exprs) {
      if (expr.op !== 'output' && expr.op !== 'host') continue;
      const { at } = encoding.program.data.find(d => d.node.path === data.path)!;
      encoding.problems.add({
        code: 'NOT_KNOWN_YET', path: data.path, at, message: `${describeExpr(expr)} is used here, and is known only once something was built`,
        remedy: 'Data sources are read before anything is built: give it a value that is known by then.',
      });
    }
  }
  const uses = planned.map(data => [data.path, referencesIn(data.props).exprs.flatMap(e => (e.op === 'data' ? [e.path] : []))] as const);
  const byPath = new Map(planned.map(data => [data.path, data]));
  return order(new Map(uses)).order.map(path => byPath.get(path)!);
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
    encoder.problem('WRONG_TYPE', '', `the props are ${props === undefined ? 'missing' : short(props)} where an object belongs`, `Write them in braces: { … }.`);
    return { kind: kind.key, path, props: {}, own: ownDigests(kind, {}) };
  }
  const encoded = encodeComponent(kind, settings, props, encoder);
  const own = kind.role === 'source' ? without(encoded, Object.keys(settings)) : encoded;
  const { secrets } = referencesIn(own);
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
  checkOverride(step, props?.override, problems);
  if (Array.isArray(props?.only) && props.only.length === 0) {
    problems.add({ code: 'NEVER_RUN', severity: 'warning', path: step.node.path, field: 'only', at: step.component.at, message: `'only' is an empty list, so this never runs`, remedy: `Name sources in it, or take it out.` });
  }
  const mentioned = [
    ...(Array.isArray(props?.only) ? props.only.map(n => ['only', n] as const) : []), ...(Array.isArray(props?.except) ? props.except.map(n => ['except', n] as const) : []),
    // Only steps have such a setting; elsewhere it is an option of the component.
    ...(step.component.kind.role === 'provisioner' && isObject(props?.override) ? Object.keys(props.override).map(n => ['override', n] as const) : []),
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

function checkOverride(step: BoundComponent, override: unknown, problems: ProblemSink): void {
  const wrong = override === undefined ? undefined : !isObject(override) ? ['override', short(override)] : Object.entries(override).filter(([, o]) => !isObject(o)).map(([n, o]) => [`override.${n}`, short(o)])[0];
  if (wrong === undefined) return;
  const remedy = `Write the props by source name: override: { 'name': { … } }.`;
  problems.add({ code: 'WRONG_TYPE', path: step.node.path, field: wrong[0]!, at: step.component.at, message: `${wrong[1]} is not an object of props`, remedy });
}

/** The settings of the role, which steer the run and so must be known before it, and the component's own props. */
function splitSettings(step: BoundComponent, props: JsonObject, table: Fields, { problems }: Encoding): { readonly settings: JsonObject; readonly own: JsonObject } {
  const names = Object.keys(table);
  for (const name of names) {
    const [late] = referencesIn(props[name] ?? null).exprs;
    if (late === undefined) continue;
    problems.add({ code: 'NOT_KNOWN_YET', path: step.node.path, field: name, at: step.component.at, message: `${describeExpr(late)} is known only while the run goes on, and '${name}' must be known before`, remedy: 'Give it a value, or a variable.' });
  }
  return { settings: Object.fromEntries(names.filter(n => props[n] !== undefined).map(n => [n, props[n]!])), own: without(props, names) };
}

function without(props: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(props).filter(([name]) => !names.includes(name)));
}
const only = (settings: JsonObject, key: string): { readonly [key: string]: Json } => (settings[key] === undefined ? {} : { [key]: settings[key] });
