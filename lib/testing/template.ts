/** A program, synthesized, as a test looks at it. Works with any test runner: an expectation that is not met throws. */
import type { App } from '../constructs/app.js';
import type { ImageBuild } from '../constructs/image-build.js';
import { byCodeUnit, type Json } from '../json.js';
import type { Role } from '../kinds.js';
import type { Plan } from '../plan.js';
import type { Problem } from '../problems.js';
import { suggest } from '../suggest.js';
import { collect } from '../synth/collect.js';
import { type SynthOptions, trySynth } from '../synth/synth.js';
import { differenceText, fail, indented, nearest, noneOfKind, ofKind, problemsText, type Tried, unique } from './explain.js';
import { compare, type MatchContext } from './match.js';
import { type KindLike, nameOfKind, type Resource, resourcesOf } from './resources.js';
import { snapshotOf, type SnapshotOptions } from './snapshot.js';

/** Expected props: each a value, or a matcher. For a class, a name that is none of its props is a type error. */
export type ExpectedProps<K> = K extends abstract new (...args: never[]) => { readonly props: infer P } ? { readonly [N in keyof P | SettingNames]?: unknown } : { readonly [name: string]: unknown };
type SettingNames = 'pauseBefore' | 'pauseAfter' | 'timeout' | 'maxRetries' | 'continueOnError' | 'checkpoint' | 'expires' | 'creates' | 'keepInputArtifact';

/** Where a component is looked for: a build (`web`) or a target (`web/qemu`); everywhere when left out. */
export interface Where { readonly in?: string }

/** A component found: its path, target, kind, and its props as they are in the plan. */
export interface FoundComponent { readonly path: string; readonly target: string; readonly kind: string; readonly props: { readonly [name: string]: unknown } }

export interface ExpectedBuild {
  readonly description?: unknown;
  /** Names of its sources, sorted. */
  readonly sources?: unknown;
  /** Paths of its provisioners, in order. */
  readonly provisioners?: unknown;
  /** Paths of its post-processors, each entry a sequence. */
  readonly postProcessors?: unknown;
}

export class Template {
  readonly plan: Plan;
  /** Everything that synth found, errors first. */
  readonly problems: readonly Problem[];
  private readonly resources: readonly Resource[];
  private readonly constructs: readonly ImageBuild[];
  private readonly builds: ReadonlyMap<string, { readonly [name: string]: Json }>;

  private constructor(app: App, options: SynthOptions) {
    const { plan, problems } = trySynth(app, options), program = collect(app, options.folder);
    this.plan = plan;
    this.problems = problems;
    this.resources = resourcesOf(plan, program);
    const paths = (list: readonly { readonly node: { readonly path: string } }[]): string[] => list.map(each => each.node.path);
    this.constructs = program.builds;
    this.builds = new Map(program.builds.map(build => [build.node.path, {
      ...(build.description === undefined ? {} : { description: build.description }),
      sources: build.sources.map(s => s.node.id).sort(byCodeUnit), provisioners: paths(build.provisioners), postProcessors: build.postProcessors.map(paths),
    }]));
  }

  /** Synthesizes a program. A program with problems is a template too: look at `problems`, or ask with `hasNoProblems`. */
  static fromApp(app: App, options: SynthOptions = {}): Template { return new Template(app, options); }

  /** There is a build of this path: with this description, these sources and steps. */
  hasBuild(path: string, expected: ExpectedBuild = {}): this {
    const build = this.builds.get(path);
    if (build === undefined) {
      const near = suggest(path, this.builds.keys());
      throw this.failed(this.hasBuild, `There is no build '${path}'.${near === undefined ? '' : ` Did you mean '${near}'?`}\nThe program's builds are: ${[...this.builds.keys()].join(', ') || 'none'}.`);
    }
    const context = this.context(), [difference] = compare(expected, build, '', context, false);
    if (difference !== undefined) throw this.failed(this.hasBuild, `Build '${path}' is not as expected.\n${differenceText(difference)}\nIt is: ${indented(build)}`);
    for (const keep of context.captured) keep();
    return this;
  }

  /** There is a source of this kind, with at least these props. */
  hasSource<K extends KindLike>(kind: K, props?: ExpectedProps<K>, where?: Where): this { return this.has('source', kind, props, where, this.hasSource); }
  /** There is a provisioner of this kind, with at least these props or settings; also among the steps of error clean-up. */
  hasProvisioner<K extends KindLike>(kind: K, props?: ExpectedProps<K>, where?: Where): this { return this.has('provisioner', kind, props, where, this.hasProvisioner); }
  hasPostProcessor<K extends KindLike>(kind: K, props?: ExpectedProps<K>, where?: Where): this { return this.has('post-processor', kind, props, where, this.hasPostProcessor); }
  hasDataSource<K extends KindLike>(kind: K, props?: ExpectedProps<K>): this { return this.has('data', kind, props, undefined, this.hasDataSource); }

  /** A build (on each of its targets) or a target has these provisioners in this order, perhaps with others between them. Each is a kind, or a kind with props. */
  hasProvisionersInOrder(where: string, expected: readonly (KindLike | readonly [kind: KindLike, props: { readonly [name: string]: unknown }])[]): this {
    const targets = this.plan.targets.filter(t => t.path === where || t.build === where);
    if (targets.length === 0) throw this.failed(this.hasProvisionersInOrder, this.noPlace(where));
    const all: (() => void)[] = [];
    for (const target of targets) {
      const steps = this.resources.filter(r => r.role === 'provisioner' && r.target === target.path && !target.errorCleanup.some(e => e.path === r.path));
      let at = 0;
      for (const [i, item] of expected.entries()) {
        const [kind, props] = Array.isArray(item) ? item as readonly [KindLike, object] : [item as KindLike, {}];
        const tried = ofKind(steps.slice(at), kind).map(resource => this.tried(resource, props)), match = tried.find(t => t.differences.length === 0);
        if (match === undefined) {
          const after = i === 0 ? '' : ` after ${steps[at - 1]!.path}`, earlier = ofKind(steps.slice(0, at), kind).find(r => this.tried(r, props).differences.length === 0);
          throw this.failed(this.hasProvisionersInOrder, `${target.path}: step ${i + 1}, '${nameOfKind(kind)}', is not there${after}${earlier === undefined ? '' : `: it comes before, as ${earlier.path}`}.\n${
            tried.length > 0 ? `${nearest(kind, tried)}\n` : ''}Its steps are:\n${steps.map(s => `  ${s.path} (${s.kind})`).join('\n') || '  none'}`);
        }
        all.push(...match.captured);
        at = steps.indexOf(match.resource) + 1;
      }
    }
    for (const keep of all) keep();
    return this;
  }

  /** As many components of a kind (or builds, given ImageBuild or a class that extends it) as expected. A step that several targets share is one. */
  resourceCount(kind: KindLike, count: number): this {
    const builds = kind === 'build' || nameOfKind(kind) === 'ImageBuild' ? this.constructs : typeof kind === 'function' ? this.constructs.filter(build => build instanceof kind) : [];
    const found = builds.length > 0 ? builds.map(build => build.node.path) : unique(ofKind(this.resources, kind)).map(r => r.path);
    if (found.length !== count) throw this.failed(this.resourceCount, `There ${found.length === 1 ? 'is 1' : `are ${found.length}`} of '${nameOfKind(kind)}', and ${count} ${count === 1 ? 'was' : 'were'} expected${found.length === 0 ? '.' : `: ${found.join(', ')}.`}`);
    return this;
  }

  /** Synth found a problem like this: code, severity, path, field, message, remedy, acknowledged. */
  hasProblem(expected: { readonly [N in keyof Problem]?: unknown }): this {
    const context = this.context();
    const tried = this.problems.map(problem => ({ problem, differences: compare(expected, problem, '', context, false) }));
    if (!tried.some(t => t.differences.length === 0)) {
      const best = tried.length === 0 ? undefined : tried.reduce((a, b) => (b.differences.length < a.differences.length ? b : a));
      throw this.failed(this.hasProblem, `There is no such problem.${best === undefined ? '' : ` The nearest is ${best.problem.code} [${best.problem.path}].\n${differenceText(best.differences[0]!)}`}\n${problemsText(this.problems)}`);
    }
    for (const keep of context.captured) keep();
    return this;
  }

  /** Synth found nothing to complain of. @param severity 'error' leaves warnings aside */
  hasNoProblems(severity: 'any' | 'error' = 'any'): this {
    const found = this.problems.filter(p => (severity === 'any' ? p.severity !== 'info' : p.severity === 'error'));
    if (found.length > 0) throw this.failed(this.hasNoProblems, problemsText(found));
    return this;
  }

  /** Every source, or those of a kind with at least these props, in the order of the plan. */
  allSources<K extends KindLike>(kind?: K, props?: ExpectedProps<K>): readonly FoundComponent[] {
    return this.resources.filter(r => r.role === 'source' && (kind === undefined || ofKind([r], kind).length > 0) && this.tried(r, props ?? {}).differences.length === 0)
      .map(({ path, target, kind: key, props: found }) => ({ path, target, kind: key, props: found }));
  }

  /** The plan for a snapshot: sorted, without places in the source; digests replaced by `digest-1`, `digest-2` … unless kept. */
  toJSON(options: SnapshotOptions | string = {}): Json {
    // JSON.stringify calls it with the key that it stands at.
    return snapshotOf(this.plan, typeof options === 'string' ? {} : options);
  }

  private has(role: Role, kind: KindLike, props: object | undefined, where: Where | undefined, method: Function): this {
    const place = where?.in;
    if (place !== undefined && !this.plan.targets.some(t => t.path === place || t.build === place)) throw this.failed(method, this.noPlace(place));
    const here = this.resources.filter(r => r.role === role && (place === undefined || r.target === place || r.target.startsWith(`${place}/`)));
    const tried = ofKind(here, kind).map(resource => this.tried(resource, props ?? {})), matches = tried.filter(t => t.differences.length === 0);
    if (matches.length === 0) throw this.failed(method, `${tried.length === 0 ? noneOfKind(role, kind, here) : nearest(kind, tried)}${this.unsound()}`);
    // Shared by several targets, it is one match still.
    for (const match of new Map(matches.map(m => [`${m.resource.path} ${JSON.stringify(m.resource.props)}`, m])).values()) for (const keep of match.captured) keep();
    return this;
  }

  private tried(resource: Resource, props: object): Tried & { readonly captured: readonly (() => void)[] } {
    const context = this.context();
    return { resource, differences: compare(props, resource.props, '', context, false), captured: context.captured };
  }

  private context(): MatchContext { return { pathOf: digest => this.plan.files[digest]?.path, captured: [] }; }

  private noPlace(where: string): string {
    const places = [...new Set(this.plan.targets.flatMap(t => [t.build, t.path]))], near = suggest(where, places);
    return `There is no build or target '${where}'.${near === undefined ? '' : ` Did you mean '${near}'?`}\nThere are: ${places.join(', ') || 'none'}.`;
  }

  /** A program with errors may lack what is expected just because of them. */
  private unsound(): string {
    const found = this.problems.filter(p => p.severity === 'error');
    return found.length === 0 ? '' : `\n${problemsText(found)}`;
  }

  private failed(method: Function, message: string): Error {
    const error = fail.NOT_FOUND(message);
    Error.captureStackTrace(error, method);
    return error;
  }
}
