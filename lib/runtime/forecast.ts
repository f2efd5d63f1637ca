/** What a run would do, without doing it: `bake plan` and `bake why`. Reads data sources and asks platforms what names stand for; makes nothing. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { digestWithMode } from '../file-digest.js';
import type { Plan, Target } from '../plan.js';
import { findFinished, hasMade } from './checkpoints/finished.js';
import { type History, type Part, readHistory } from './checkpoints/history.js';
import { Progress } from './checkpoints/progress.js';
import { checkSteps } from './checkpoints/steer.js';
import { type Change, changesBetween, type FilesNow } from './checkpoints/why.js';
import { readDataSources } from './data.js';
import { makeRedactor } from './secrets/redact.js';
import { makeRegistry } from './registry.js';
import type { RunOptions } from './run.js';
import { RunScope } from './run-scope.js';
import type { RunState } from './run-state.js';
import { selectTargets } from './select.js';
import { readSecrets } from './preflight.js';
import { makeEventStream } from './stream.js';
import { TargetContext } from './target-context.js';

export interface Forecast {
  readonly target: string;
  readonly state: 'up-to-date' | 'resumes' | 'full';
  /** The step whose saved machine it resumes from; `the installation` where it is that of the operating system. */
  readonly after?: string;
  /** What is done, in order. */
  readonly steps: readonly string[];
  /** Why not less, in words: `web/shell-2: the contents of scripts/base.sh changed`. Empty where it is up to date. */
  readonly because: readonly Change[];
  /** What is made, where and as whom, where the platform is not this computer. */
  readonly makes?: readonly string[];
  /** From earlier runs here; missing where a part was never measured. Milliseconds. */
  readonly expected?: number;
  readonly at?: string;
}

/** One entry a target, bases first. Throws where secrets or data sources cannot be read. */
export async function forecast(plan: Plan, options: RunOptions = {}): Promise<Forecast[]> {
  const selected = selectTargets(plan.targets, options.only, options.except), { targets } = selected;
  checkSteps(options.checkpoints, plan.targets, selected);
  const signal = options.signal ?? new AbortController().signal;
  const run = lookingState(plan, options);
  const root = new RunScope([], signal, { emit: run.stream.emit, cleanupDeadline: 10_000, cancelGrace: 1000 });
  await readSecrets(run, targets, options.secrets ?? {}, signal);
  await readDataSources(run, plan.data, root, options.lock && { ...options.lock, record: false });
  const finished = await findFinished(run, targets, root);
  const out: Forecast[] = [];
  for (const [index, target] of targets.entries()) out.push(await forecastTarget(run, target, index, finished.has(target.path), root));
  return out;
}

async function forecastTarget(run: RunState, target: Target, index: number, finished: boolean, root: RunScope): Promise<Forecast> {
  const base = { target: target.path, ...(target.at === undefined ? {} : { at: target.at }) };
  if (finished) return { ...base, state: 'up-to-date', steps: [], because: [], expected: 0 };
  const context = new TargetContext(run, target, index);
  const progress = await Progress.of(context, run.checkpoints, root, { fetch: false });
  const history = await readHistory(run.folders.state, target.path);
  const point = await progress?.ahead(0, i => hasMade(progress, i));
  await progress?.end();
  const done = point === undefined ? -1 : point.index;
  const last = progress === undefined ? -1 : target.provisioners.findIndex(step => progress.isUntil(step));
  const left = target.provisioners.slice(done + 1, last < 0 ? undefined : last + 1).map(step => step.path);
  const unbuilt = target.after.filter(base => !run.images.has(base));
  const because: Change[] = unbuilt.map(base => ({ path: target.path, what: `${base}, which it stands on, is built too` }));
  if (because.length === 0) because.push(...reasons(run, target, progress, history));
  const steps = [...(point === undefined ? ['start'] : ['resume']), ...left, ...(last >= 0 ? [] : ['capture', ...target.postProcessors.flat().map(p => p.path)])];
  const expected = expectedTime(history, left, point !== undefined), makes = await outline(context, root);
  return {
    ...base, state: point === undefined ? 'full' : 'resumes', ...(point === undefined ? {} : { after: progress!.nameOf(point.index) }), steps, because,
    ...(makes === undefined ? {} : { makes }), ...(expected === undefined ? {} : { expected }),
  };
}

async function outline(context: TargetContext, root: RunScope): Promise<readonly string[] | undefined> {
  const { driver, props } = await context.ready(context.target.source, 'later');
  return driver.outline && context.with(context.target.source.path, root, ctx => driver.outline!(props, ctx));
}

function reasons(run: RunState, target: Target, progress: Progress | undefined, history: History | undefined): Change[] {
  if (progress === undefined) return [{ path: target.path, what: `a ${target.source.kind.replace('/', ' ')} is built anew each time` }];
  if (!progress.isKnown) return [{ path: target.path, what: 'what it starts from is not here yet, or is asked for anew each time' }];
  const parts: Part[] = progress.parts();
  const changes = changesBetween(history, { parts }, filesNow(run));
  if (changes.length + progress.passedOver.length > 0) return [...progress.passedOver, ...changes];
  const again = target.provisioners.filter((_, i) => progress.effects(i) === 'host' && (target.provisioners[i]!.settings.creates ?? []).length === 0);
  if (again.length > 0) return again.map(step => ({ path: step.path, what: 'it changes this computer and does not say what it creates' }));
  return [{ path: target.path, what: 'nothing changed, but its artifact is not there any more, or was made elsewhere' }];
}

function filesNow(run: RunState): FilesNow {
  return {
    name: digest => run.plan.files[digest]?.path,
    digestWithMode: (digest, inside, mode) => {
      const file = run.plan.files[digest];
      try { return file && digestWithMode(join(resolve(run.folders.files, file.path), inside), mode); } catch { return undefined; }
    },
  };
}

function expectedTime(history: History | undefined, steps: readonly string[], resumes: boolean): number | undefined {
  if (history?.capture === undefined) return undefined;
  let sum = history.capture + (resumes ? 0 : history.start ?? 0);
  for (const path of steps) {
    const took = history.parts.find(p => p.path === path)?.took;
    if (took === undefined) return undefined;
    sum += took;
  }
  return sum;
}

/** A run's state that only looks: no journal, no log. */
export function lookingState(plan: Plan, options: RunOptions): RunState {
  const program = resolve(options.programFolder ?? '.'), redactor = makeRedactor(), state = resolve(program, options.stateFolder ?? '.bake');
  const nothing = async (): Promise<void> => {};
  return {
    id: 'forecast', uuid: randomUUID(), started: new Date(), plan, redactor, stream: makeEventStream([options.listen ?? []].flat(), redactor),
    journal: { of: () => ({ intend: async () => ({ id: 'forecast', made: nothing, gone: nothing }) }), keep: nothing, left: () => 0, close: nothing },
    force: false, onFailure: 'cleanup', ask: undefined, checkpoints: options.checkpoints ?? {}, finished: new Map(), standing: new Set(),
    registry: options.registry ?? makeRegistry({ kinds: options.kinds, requires: plan.requires, from: join(program, 'package.json') }),
    folders: { program, files: resolve(options.filesFolder ?? program), state, run: join(state, 'runs', 'forecast'), temporary: join(tmpdir(), `bake-${randomUUID().slice(0, 8)}`) },
    environment: options.environment ?? process.env, secrets: new Map(), data: new Map(Object.entries(options.data ?? {})), outputs: new Map(), images: new Map(), identities: new Map(), told: new Set(),
  };
}
