/** Runs a Plan. Results are data: a failed build does not throw, misuse does. */
import { randomBytes, randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type BakeError, errors, type ExitCode, exitCodes, isBakeError, problemData } from '../errors.js';
import type { Ask, Listener, Outcome } from '../events.js';
import type { AnyKind } from '../kinds.js';
import type { Plan, Target } from '../plan.js';
import type { Problem } from '../problems.js';
import { type Built, buildTarget } from './build.js';
import { type Finished as UpToDate, findFinished } from './checkpoints/finished.js';
import type { CheckpointOptions } from './checkpoints/options.js';
import { checkSteps } from './checkpoints/steer.js';
import { date, now } from './clock.js';
import { type LockOptions, readDataSources } from './data.js';
import { openJournal } from './journal.js';
import { makeRunLog } from './log.js';
import { preflight, readSecrets } from './preflight.js';
import { makeRedactor } from './secrets/redact.js';
import { makeRegistry, type Registry } from './registry.js';
import { ResultCollector, type RunResult, type TargetResult } from './results.js';
import { RunScope } from './run-scope.js';
import type { RunState } from './run-state.js';
import { schedule } from './scheduler.js';
import { selectTargets } from './select.js';
import { makeEventStream } from './stream.js';

const fail = errors('RUN', {
  PARALLEL: { message: (n: number) => `parallel is ${n}; it must be a whole number of at least 1.`, exit: exitCodes.usage },
  INTERRUPTED: { message: (signal: string) => `the run was interrupted by ${signal}` },
});

export interface RunOptions {
  /** What relative output paths, and `file:` secrets, are relative to. @default the current folder */
  readonly programFolder?: string;
  /** What the plan's file paths are relative to: the plan's own folder after `bake synth --out`. @default programFolder */
  readonly filesFolder?: string;
  /** Journal, logs and kept machines. @default `.bake` in programFolder */
  readonly stateFolder?: string;
  /** Kinds that are not ours, or drivers' registry as a whole. */
  readonly kinds?: readonly AnyKind[];
  readonly registry?: Registry;
  /** Values of secret variables, by name; `env:` and `file:` secrets are read where the plan says. */
  readonly secrets?: { readonly [name: string]: string };
  /** What `env:` secrets, and the programs that steps start, see. @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** Outputs of data sources that were read before, by path. */
  readonly data?: { readonly [path: string]: { readonly [output: string]: unknown } };
  /** images.lock: what data sources said before is taken from it, and what they say now recorded. They are always read when left out. */
  readonly lock?: LockOptions;
  /** Targets at a time. @default twice the processors, at least 4 */
  readonly parallel?: number;
  /** Target paths, builds, source names, or globs of these. What they stand on is built too. */
  readonly only?: readonly string[];
  readonly except?: readonly string[];
  /** What happens to the machine of a failed build. @default 'cleanup' */
  readonly onFailure?: 'cleanup' | 'keep';
  /** Existing outputs are replaced, after success. @default false */
  readonly force?: boolean;
  /** Answers questions; without it, each has its default answer. */
  readonly ask?: Ask;
  /** Saved machines and finished artifacts: `{}` uses the user's store. Nothing is looked up or saved when left out. */
  readonly checkpoints?: CheckpointOptions;
  readonly listen?: Listener | readonly Listener[];
  /** Cancels the run; `interruption(name)` as its reason gives the exit code of that signal. */
  readonly signal?: AbortSignal;
  /** Milliseconds for each clean-up. @default 60000 */
  readonly cleanupDeadline?: number;
  /** Milliseconds that cancelled work gets to end by itself. @default 15000 */
  readonly cancelGrace?: number;
}

/** The reason to abort a run with, so that it ends with the exit code of that signal. */
export function interruption(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP'): BakeError {
  const exit = { SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated, SIGHUP: exitCodes.hangup }[signal];
  return fail.INTERRUPTED(signal, { exit });
}

/** Runs a plan's targets. Throws only for misuse (unknown targets or steps, a bad option); everything else is in the result. */
export async function run(plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  const begun = now(), started = new Date(date());
  const parallel = options.parallel ?? Math.max(4, 2 * availableParallelism());
  if (!Number.isInteger(parallel) || parallel < 1) throw fail.PARALLEL(parallel);
  const selected = selectTargets(plan.targets, options.only, options.except), { targets, needed } = selected;
  const unsteered = checkSteps(options.checkpoints, plan.targets, selected);

  const id = `${started.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15)}-${randomBytes(3).toString('hex')}`;
  const program = resolve(options.programFolder ?? '.'), stateFolder = resolve(program, options.stateFolder ?? '.bake'), folder = join(stateFolder, 'runs', id);
  // Unix sockets in it need a short path.
  const temporary = join(tmpdir().length > 40 ? '/tmp' : tmpdir(), `bake-${randomBytes(4).toString('hex')}`);
  const journal = await openJournal(stateFolder, id, temporary, plan.requires);
  const log = await whole(() => makeRunLog(folder), () => journal.close()), collector = new ResultCollector(), redactor = makeRedactor();
  const stream = makeEventStream([log.listen, collector.listen, ...[options.listen ?? []].flat()], redactor);
  const state: RunState = {
    id, uuid: randomUUID(), started, plan, stream, redactor, journal, force: options.force ?? false, onFailure: options.onFailure ?? 'cleanup', ask: options.ask,
    checkpoints: options.checkpoints, finished: new Map(), standing: new Set(),
    registry: options.registry ?? makeRegistry({ kinds: options.kinds, requires: plan.requires, from: join(program, 'package.json') }),
    folders: { program, files: resolve(options.filesFolder ?? program), state: stateFolder, run: folder, temporary },
    environment: options.environment ?? process.env,
    secrets: new Map(), data: new Map(Object.entries(options.data ?? {})), outputs: new Map(), images: new Map(), identities: new Map(), told: new Set(),
  };
  const signal = options.signal ?? new AbortController().signal;
  setMaxListeners(0, signal);
  const root = new RunScope([], signal, { emit: stream.emit, cleanupDeadline: options.cleanupDeadline ?? 60_000, cancelGrace: options.cancelGrace ?? 15_000 });

  stream.emit([], { type: 'run-start', run: id, targets: targets.map(t => t.path), folder });
  for (const [base, by] of needed) stream.emit([], { type: 'note', message: `${base} is built too: ${by} stands on it.` });
  for (const message of unsteered) stream.emit([], { type: 'note', message });
  const problems = await lookAhead(state, targets, root, options);
  const built = problems.length > 0 || signal.aborted ? targets.map(() => notBegun(signal)) : await buildAll(state, targets, parallel, root);
  const results = targets.map((target, i): TargetResult => ({
    target: target.path, ...built[i]!, steps: collector.steps.get(target.path) ?? [], log: log.fileOf(target.path),
  }));
  const outcome = outcomeOf(results, signal);
  const milliseconds = Math.round(now() - begun);
  stream.emit([], { type: 'run-end', outcome, milliseconds });
  log.close();
  // A machine that stays may need what is in there.
  if (!results.some(r => r.outcome === 'kept')) await rm(temporary, { recursive: true, force: true }).catch(() => {});
  await journal.close();
  return redactor.deep({ run: id, folder, outcome, exit: exitOf(outcome, problems, signal), targets: results, problems, warnings: collector.warnings, milliseconds });
}

/** What is made; where it cannot be, what came before it is undone. */
async function whole<T>(make: () => T, undo: () => Promise<void>): Promise<T> {
  try { return make(); } catch (error) { await undo(); throw error; }
}

/** Secrets, data sources and preflight: nothing slow, and all problems at once. */
async function lookAhead(state: RunState, targets: readonly Target[], root: RunScope, options: RunOptions): Promise<Problem[]> {
  const { stream } = state;
  let problems: Problem[] = [];
  try {
    problems = await readSecrets(state, targets, options.secrets ?? {}, root.signal);
    if (problems.length === 0) await readDataSources(state, state.plan.data, root, options.lock);
    if (problems.length === 0) for (const [path, finished] of await findFinished(state, targets, root)) (state.finished as Map<string, UpToDate>).set(path, finished);
    problems.push(...await preflight(state, targets.filter(t => !state.finished.has(t.path)), root));
  } catch (error) {
    if (root.signal.aborted) return [];
    if (isBakeError(error) && error.problems.length > 0) problems.push(...error.problems);
    else problems.push({ ...problemData(error, 'PREFLIGHT'), severity: 'error', path: '' });
  }
  problems = state.redactor.deep(unique(problems));
  for (const problem of problems) stream.emit([], { type: 'warning', code: problem.code, message: `${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`, problem });
  return problems;
}

/** A step that several targets share finds the same thing in each. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map(p => [JSON.stringify([p.code, p.path, p.field, p.message]), p])).values()];
}

type Finished = Built & Pick<TargetResult, 'milliseconds'>;

async function buildAll(state: RunState, targets: readonly Target[], parallel: number, root: RunScope): Promise<Finished[]> {
  return schedule<Finished>(targets, parallel, root.signal, {
    build: async (target, index) => {
      const begun = now();
      return { ...await buildTarget(state, target, index, root), milliseconds: Math.round(now() - begun) };
    },
    skip: (target, because) => {
      const reason = `${because}, which it stands on, was not built`;
      state.stream.emit([target.path], { type: 'step-end', label: target.path, outcome: 'skipped', milliseconds: 0 });
      state.stream.emit([target.path], { type: 'note', message: `Skipped: ${reason}.` });
      return { outcome: 'skipped', artifacts: [], outputs: {}, reason, milliseconds: 0 };
    },
    cancel: () => notBegun(root.signal),
    succeeded: result => result.outcome === 'done' || result.outcome === 'cached',
  });
}

function notBegun(signal: AbortSignal): Finished {
  return signal.aborted
    ? { outcome: 'cancelled', artifacts: [], outputs: {}, reason: 'the run ended before it began', milliseconds: 0 }
    : { outcome: 'skipped', artifacts: [], outputs: {}, reason: 'preflight found problems', milliseconds: 0 };
}

function outcomeOf(results: readonly TargetResult[], signal: AbortSignal): Outcome {
  if (results.every(r => r.outcome === 'done' || r.outcome === 'cached')) return results.length > 0 && results.every(r => r.outcome === 'cached') ? 'cached' : 'done';
  return signal.aborted ? 'cancelled' : 'failed';
}

function exitOf(outcome: Outcome, problems: readonly Problem[], signal: AbortSignal): ExitCode {
  if (outcome === 'done' || outcome === 'cached') return exitCodes.done;
  if (outcome === 'cancelled') return isBakeError(signal.reason) ? signal.reason.exit : exitCodes.interrupted;
  return problems.length > 0 ? exitCodes.preflight : exitCodes.failed;
}
