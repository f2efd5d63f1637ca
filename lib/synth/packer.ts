/** A program in Packer's shapes, and from there as HCL or JSON. Variables, locals and other expressions stay symbolic. */
import { resolve } from 'node:path';
import type { App } from '../constructs/app.js';
import type { BoundComponent } from '../constructs/bind.js';
import type { Component, Source } from '../constructs/component.js';
import { type ImageBuild, isImageBuild } from '../constructs/image-build.js';
import { variableLookup } from '../constructs/variable.js';
import { isObject, type Json } from '../json.js';
import { findComponent, pluginFor } from '../packer/option-table.js';
import type { Problem } from '../problems.js';
import { sortProblems } from '../problems.js';
import { isDuration, ref } from '../values.js';
import { collect, type Program } from './collect.js';
import type { Body, Report, Template, TemplateBuild, TemplatePostProcessor, TemplateSource, TemplateStep } from './packer-body.js';
import { type BodyContext, bodyOf } from './packer-component.js';
import { printHcl } from './packer-hcl.js';
import { printJson } from './packer-json.js';
import { Identifiers, packerType, TemplateNames } from './packer-names.js';
import { goDuration } from './packer-units.js';
import { registerNames, templateVariables } from './packer-variables.js';
import { ProblemSink } from './problem-sink.js';
import { mergeProps } from './merge.js';
import { trySynth } from './synth.js';

export interface PackerOptions {
  /** What the program's relative paths are relative to. @default the folder of the file that made the App */
  readonly folder?: string;
  /** The folder that the template will lie in: paths of the program are rewritten to be found from there. @default the program's folder */
  readonly out?: string;
  /** HCL only: one file each for plugins, variables, sources and builds. @default false */
  readonly split?: boolean;
}
export interface PackerFiles {
  /** Texts by file name. */
  readonly files: { readonly [name: string]: string };
  /** What is wrong with the program, and what the format cannot say. With an error among them the files, if there are any, are not to be used. */
  readonly problems: readonly Problem[];
}

/** The program as Packer's HCL: a folder of `.pkr.hcl` files, unchanged by `packer fmt`. */
export function toPackerHcl(app: App, options: PackerOptions = {}): PackerFiles {
  return print(app, options, 'hcl', (template, names, report) => printHcl(template, names, report, options));
}

/** The program as Packer's JSON templates, one file for each ImageBuild. */
export function toPackerJson(app: App, options: PackerOptions = {}): PackerFiles {
  return print(app, options, 'json', printJson);
}

function print(app: App, options: PackerOptions, format: 'hcl' | 'json', printer: (template: Template, names: TemplateNames, report: Report) => { readonly [file: string]: string }): PackerFiles {
  // Policies extend the builds here, and everything that is wrong with the program comes to light. Values of variables are not needed, and files only where Packer runs.
  const checked = trySynth(app, options.folder === undefined ? {} : { folder: options.folder }).problems.filter(p => p.code !== 'MISSING_VARIABLE')
    .map((p): Problem => (p.code === 'MISSING_FILE' ? { ...p, severity: 'warning' } : p));
  // What refers to nothing, or to itself, cannot be printed.
  if (checked.some(p => p.severity === 'error')) return { files: {}, problems: checked };
  const program = collect(app, options.folder), sink = new ProblemSink(program.folder);
  const report: Report = problem => sink.add(problem);
  const names = new TemplateNames(program, { folder: program.folder, out: outOf(program, options) }, name => valueOf(program, name));
  const beside: { [name: string]: string } = {};
  const template = templateOf(program, names, { ...options, format }, report, beside);
  return { files: { ...printer(template, names, report), ...beside }, problems: sortProblems([...checked, ...sink.problems]) };
}

const outOf = (program: Program, options: PackerOptions): string => (options.out === undefined ? program.folder : resolve(options.out));

function valueOf(program: Program, name: string): Json | undefined {
  const variable = program.variables.get(name), found = variable && variableLookup.read(variable);
  return found !== undefined && 'value' in found ? found.value : undefined;
}

function templateOf(program: Program, names: TemplateNames, options: PackerOptions & { readonly format: 'hcl' | 'json' }, report: Report, beside: { [name: string]: string }): Template {
  const folder = program.folder, out = outOf(program, options);
  const contextOf = (path: string, component: { readonly at: Error }): BodyContext => ({
    path, at: component.at, folder, out, report, format: options.format,
    addFile: (name, text) => {
      // What one source overrides is a script of its own.
      let free = name;
      for (let n = 2; beside[free] !== undefined && beside[free] !== text; n++) free = name.replace(/(\.\w+)?$/, `-${n}$1`);
      beside[free] = text;
      return { $expr: { op: 'template', parts: [{ op: 'host', name: 'templateFolder' }, { op: 'value', value: `/${free}` }] } };
    },
    image: value => {
      const target = targetOf(value);
      return target === undefined ? undefined : { target, output: name => ref({ op: 'output', target, output: name }) };
    },
  });
  const buildNames = new Identifiers(), labels = new Map<string, Identifiers>();
  const builds = program.builds.map(build => templateBuild(build, buildNames.of(build.node.path), labels, contextOf, report));
  const data = program.data.flatMap(d => {
    const body = bodyOf(d, d.props, contextOf(d.node.path, d));
    return body === undefined ? [] : [{ type: packerType(d.kind), label: names.labelOf(d.node.path), path: d.node.path, at: d.at, body }];
  });
  warnOfRest(program, report);
  registerNames({ data, builds, locals: [...program.locals.values()].map(l => l.expression) }, names);
  return { plugins: pluginsOf(program), ...templateVariables(program, names, report), data, builds };
}

type ContextOf = (path: string, component: { readonly at: Error }) => BodyContext;

function templateBuild(build: ImageBuild, name: string, labels: Map<string, Identifiers>, contextOf: ContextOf, report: Report): TemplateBuild {
  const sources = build.sources.flatMap((bound): TemplateSource[] => {
    const source = bound.component as unknown as Source, type = packerType(source.kind);
    const body = bodyOf(source, source.props, contextOf(bound.node.path, source));
    if (body === undefined) return [];
    const ofType = labels.get(type) ?? new Identifiers();
    labels.set(type, ofType);
    return [{ type, name: source.name, label: ofType.of(`${build.node.path}/${source.name}`, source.name === source.kind.type ? name : `${name}-${source.name}`), path: bound.node.path, at: source.at, body }];
  });
  if (build.timeout !== undefined) lostSetting(report, build.node.path, build.at, 'timeout', 'a time limit of a whole build');
  if (build.checkpoint !== undefined && build.checkpoint !== 'auto') lostSetting(report, build.node.path, build.at, 'checkpoint', 'saved machines: every run starts anew');
  return {
    name, path: build.node.path, ...(build.description === undefined ? {} : { description: build.description }), sources,
    provisioners: build.provisioners.flatMap(step => templateSteps(step, contextOf, report)),
    errorCleanup: build.errorCleanup.flatMap(step => templateSteps(step, contextOf, report)),
    postProcessors: build.postProcessors.map(sequence => sequence.flatMap(p => postProcessor(p, contextOf))).filter(s => s.length > 0),
  };
}

/** A step, and the pause after it where Packer needs a step of its own for that. */
function templateSteps(bound: BoundComponent, contextOf: ContextOf, report: Report): TemplateStep[] {
  const { component } = bound, props = component.props as { readonly [name: string]: unknown };
  const context = contextOf(bound.node.path, component), type = packerType(component.kind);
  const body = bodyOf(component, props, context), names = onlyExcept(props);
  if (body === undefined || names.only?.length === 0) return [];
  for (const [name, what] of [['checkpoint', 'saved machines: every run starts anew'], ['expires', 'saved machines: every run starts anew'], ['creates', 'steps that need not be repeated'], ['continueOnError', 'steps that may fail']] as const) {
    if (props[name] !== undefined && props[name] !== 'auto' && props[name] !== false) lostSetting(report, bound.node.path, component.at, name, what);
  }
  const duration = (value: unknown): string | undefined => (isDuration(value) ? goDuration(value.$duration) : undefined);
  const pauseBefore = duration(props['pauseBefore']), timeout = duration(props['timeout']), pauseAfter = duration(props['pauseAfter']);
  const ownPause = pauseAfter !== undefined && findComponent('provisioner', type)?.options['pause_after'] !== undefined;
  const withPause = (b: Body): Body => (ownPause && !b.attributes.some(([name]) => name === 'pause_after') ? { ...b, attributes: [...b.attributes, ['pause_after', pauseAfter]] } : b);
  const step: TemplateStep = {
    type, path: bound.node.path, at: component.at, body: withPause(body), ...names,
    overrides: Object.entries(isObject(props['override']) ? props['override'] : {}).flatMap(([source, differing]) => {
      const whole = bodyOf(component, mergeProps(component.kind.fields, props, differing as object), context), differs = bodyOf(component, differing as object, context, { defaults: false });
      return whole === undefined || differs === undefined ? [] : [{ source, body: withPause(whole), differs }];
    }),
    ...(pauseBefore === undefined ? {} : { pauseBefore }), ...(timeout === undefined ? {} : { timeout }), ...(typeof props['maxRetries'] === 'number' ? { maxRetries: props['maxRetries'] } : {}),
  };
  if (pauseAfter === undefined || ownPause) return [step];
  return [step, { type: 'sleep', path: `${bound.node.path}: pauseAfter`, at: component.at, body: { attributes: [['duration', pauseAfter]], blocks: [] }, ...names, overrides: [] }];
}

function postProcessor(bound: BoundComponent, contextOf: ContextOf): TemplatePostProcessor[] {
  const { component } = bound, props = component.props as { readonly [name: string]: unknown };
  const body = bodyOf(component, props, contextOf(bound.node.path, component)), names = onlyExcept(props);
  if (body === undefined || names.only?.length === 0) return [];
  return [{ type: packerType(component.kind), path: bound.node.path, at: component.at, body, ...names, ...(typeof props['keepInputArtifact'] === 'boolean' ? { keepInputArtifact: props['keepInputArtifact'] } : {}) }];
}

/** Packer takes one of the two; an empty `only` would mean all to it. */
function onlyExcept(props: { readonly [name: string]: unknown }): { readonly only?: readonly string[]; readonly except?: readonly string[] } {
  const only = props['only'] as readonly string[] | undefined, except = props['except'] as readonly string[] | undefined;
  if (only !== undefined) return { only: only.filter(name => !(except?.includes(name) ?? false)) };
  return except === undefined || except.length === 0 ? {} : { except };
}

function lostSetting(report: Report, path: string, at: Error, field: string, what: string): void {
  report({ code: 'EXPORT_NO_SETTING', severity: 'warning', path, field, at, message: `Packer does not know ${what}: '${field}' is left out`, remedy: 'Keep building this program with bake where you need it.' });
}

function warnOfRest(program: Program, report: Report): void {
  for (const policy of program.app.policies) {
    report({ code: 'EXPORT_POLICY', severity: 'warning', path: '', at: program.app.at, message: `Packer does not know policies: '${policy.id}' holds for this program, and not for the template`, remedy: 'Check the program with bake before it is exported.' });
  }
  for (const [name, variable] of program.variables) {
    if (!variable.structural) continue;
    report({ code: 'EXPORT_STRUCTURAL', severity: 'warning', path: name, at: variable.at, message: `the program read the value of variable '${name}' while it ran: what it decided by it is baked into the template`, remedy: 'Use the variable as a Ref, with text`…` or when(…), where that does.' });
  }
}

/** The target that an ImageBuild or ImageRef stands for, where there is no doubt. */
function targetOf(value: unknown): string | undefined {
  if (isObject(value) && typeof value['$image'] === 'string') return value['$image'];
  if (!isImageBuild(value)) return undefined;
  const [source] = value.sources;
  return source === undefined ? undefined : `${value.node.path}/${(source.component as unknown as Source).name}`;
}

function pluginsOf(program: Program): Template['plugins'] {
  const plugins = new Map<string, Template['plugins'][number]>();
  const components: Component[] = [...program.builds.flatMap(b => [...b.sources, ...b.provisioners, ...b.errorCleanup, ...b.postProcessors.flat()].map(bound => bound.component)), ...program.data];
  for (const { kind, props } of components) {
    const known = pluginFor(kind.role, packerType(kind)), own = (props as { readonly plugin?: { readonly name?: string; readonly source: string; readonly version?: string } }).plugin;
    if (isObject(own) && typeof own.source === 'string') {
      const name = own.name ?? own.source.split('/').at(-1)!.replace(/^packer-plugin-/, '');
      plugins.set(name, { name, source: own.source, ...(own.version === undefined ? {} : { version: own.version }) });
    } else if (known?.source !== undefined) plugins.set(known.plugin, { name: known.plugin, source: known.source, version: `>= ${known.version}` });
  }
  return [...plugins.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
