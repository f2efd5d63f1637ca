/** Description in, Plan out. Nothing here talks to a network or starts a process. */
import type { App } from '../constructs/app.js';
import { BakeError, exitCodes } from '../errors.js';
import type { AnyKind } from '../kinds.js';
import { type Plan, planFormat, type Target } from '../plan.js';
import { formatProblem, type Problem } from '../problems.js';
import { collect, type Program } from './collect.js';
import { FileCollector } from './files.js';
import { readInputs } from './inputs.js';
import { order } from './order.js';
import { checkPolicies, extendByPolicies } from './policies.js';
import { ProblemSink } from './problem-sink.js';
import { type Encoding, planBuild, planData, sourcesByTarget } from './targets.js';

export interface SynthOptions {
  /** What relative paths are relative to. @default the folder of the file that made the App */
  readonly folder?: string;
}

export interface SynthResult {
  readonly plan: Plan;
  /** Everything found, errors first. With an error among them the plan must not be run. */
  readonly problems: readonly Problem[];
  /** The program's folder: what the plan's file paths are relative to. */
  readonly folder: string;
}

/** Synthesizes, and throws a BakeError with all problems where there is an error. */
export function synth(app: App, options: SynthOptions = {}): SynthResult {
  const result = trySynth(app, options);
  const wrong = result.problems.filter(p => p.severity === 'error');
  if (wrong.length > 0) {
    throw new BakeError(`${wrong.length === 1 ? 'a problem' : `${wrong.length} problems`} in the program:\n${wrong.map(formatProblem).join('\n')}`,
      { code: 'PROGRAM_PROBLEMS', exit: exitCodes.problems, problems: result.problems });
  }
  return result;
}

/**
 * Synthesizes and returns what was found, whatever it is. Phases:
 *  1. collect   the construct tree is read; components were bound when the builds were made
 *  2. extend    policies may add steps
 *  3. inputs    variables get their values
 *  4. encode    every component is checked against its kind, evaluated, its files and props digested
 *  5. policies  look at the builds
 *  6. order     targets after those they stand on
 */
export function trySynth(app: App, options: SynthOptions = {}): SynthResult {
  const program = collect(app, options.folder);
  const problems = new ProblemSink(program.folder);
  extendByPolicies(program, problems);
  const inputs = readInputs(program, problems);
  const files = new FileCollector(program.folder);
  const encoding: Encoding = { program, lookups: { ...inputs.lookups, templateFile: path => files.text(path) }, files, problems, targets: sourcesByTarget(program) };
  const data = planData(encoding);
  const targets = program.builds.flatMap(build => planBuild(build, encoding));
  const acknowledged = checkPolicies(program, problems);
  const plan: Plan = {
    format: planFormat, requires: requirements(program), variables: sortedObject(inputs.planned), data, targets: inOrder(targets, program, problems),
    files: sortedObject(Object.fromEntries([...files.files].map(([digest, { absolute: _, ...file }]) => [digest, file]))),
    ...(acknowledged.length > 0 ? { acknowledged } : {}),
  };
  return { plan, problems: problems.problems, folder: program.folder };
}

function inOrder(targets: readonly Target[], program: Program, problems: ProblemSink): Target[] {
  const byPath = new Map(targets.map(t => [t.path, t]));
  const { order: sorted, cycles } = order(new Map(targets.map(t => [t.path, t.after])));
  for (const cycle of cycles) {
    const build = program.builds.find(b => b.node.path === byPath.get(cycle[0]!)?.build);
    problems.add({ code: 'CYCLE', path: cycle[0]!, at: build?.at, message: `these stand on each other: ${[...cycle, cycle[0]].join(' -> ')}`, remedy: 'Start one of them from something else.' });
  }
  return sorted.map(path => byPath.get(path)!);
}

/** Packages that kinds come from, where they are not ours. */
function requirements(program: Program): Plan['requires'] {
  const kinds = new Map<string, AnyKind>();
  for (const build of program.builds) for (const { component } of [...build.sources, ...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()]) kinds.set(component.kind.key, component.kind);
  for (const data of program.data) kinds.set(data.kind.key, data.kind);
  const out: { [pkg: string]: { version: string; modules: { [kind: string]: string } } } = {};
  for (const kind of [...kinds.values()].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    if (kind.from === undefined) continue;
    const entry = (out[kind.from.package] ??= { version: kind.from.version, modules: {} });
    entry.modules[kind.key] = kind.from.module;
  }
  return out;
}

function sortedObject<T>(object: { readonly [key: string]: T }): { readonly [key: string]: T } {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
