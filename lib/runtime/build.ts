/** Builds one target: start, connect, provision, capture, post-process; and what has to happen when one of these fails. */
import { BakeError, errors, isBakeError, messageOf } from '../errors.js';
import type { PlannedStep, Target } from '../plan.js';
import { outputKey } from '../values.js';
import { type Finished, finishedTarget, hasMade, mayBeFinished, outputsOf, presentArtifact, provide, stampsOf, targetKey } from './checkpoints/finished.js';
import { Progress, type ResumePoint } from './checkpoints/progress.js';
import type { Artifact, Communicator, Context } from './driver.js';
import { keepMachine } from './kept.js';
import { postProcess } from './post-process.js';
import { check } from './preflight.js';
import type { TargetResult } from './results.js';
import { retry, sleep, within } from './retry.js';
import { errorData, livingIn, type RunScope } from './run-scope.js';
import type { RunState } from './run-state.js';
import { TargetContext } from './target-context.js';
import { type Builder, type Live, Walk } from './walk.js';

const fail = errors('BUILD', {
  STEP: { message: (step: string, why: string) => `${step} failed, and the build goes on: ${why}` },
});

export type Built = Pick<TargetResult, 'outcome' | 'artifacts' | 'outputs' | 'error' | 'failedStep' | 'reason'>;

/** Never throws: how it ended is the result. */
export async function buildTarget(run: RunState, target: Target, index: number, root: RunScope): Promise<Built> {
  const building = new Building(run, target, index);
  try {
    const done = await root.step(target.path, scope => building.run(scope), { timeout: target.settings.timeout, what: `the build of ${target.path}`, at: target.at });
    return done;
  } catch (error) {
    return {
      outcome: building.kept ? 'kept' : root.signal.aborted ? 'cancelled' : 'failed', artifacts: [], outputs: {}, error: run.redactor.deep(errorData(error, building.at ?? target.at)),
      ...(building.failedStep === undefined ? {} : { failedStep: building.failedStep }),
    };
  }
}

class Building implements Builder {
  readonly context: TargetContext;
  failedStep: string | undefined;
  at: string | undefined;
  kept = false;
  /** The machine is off: nothing of it can be looked at or kept any more. */
  captured = false;
  /** Why the machine is not there any more. */
  gone: Error | undefined;
  walk: Walk | undefined;
  /** Milliseconds from the start to connected, and of the capture: for the forecast of the next run. */
  readonly times: { start?: number; capture?: number } = {};
  constructor(readonly state: RunState, readonly target: Target, index: number) { this.context = new TargetContext(state, target, index); }

  async run(scope: RunScope): Promise<Pick<Built, 'outcome' | 'artifacts' | 'outputs' | 'reason'>> {
    const { context, target, state } = this;
    const finished = state.finished.get(target.path);
    if (finished !== undefined) return this.upToDate(scope, finished);
    context.cleanUpIn(scope);
    const progress = await Progress.of(context, state.checkpoints, scope, { fetch: true });
    // What its base came to, or what stands behind a name, is known only now.
    const already = progress && mayBeFinished(target, state.checkpoints) ? await finishedTarget(progress).catch(() => undefined) : undefined;
    if (already !== undefined) { provide(state, target, already.source); return this.upToDate(scope, already); }
    if (progress) scope.defer('look after the saved machines', async () => {
      await progress.writeHistory(this.times);
      await progress.end();
    });
    const walk = this.walk = new Walk(this, progress);
    try {
      const continued = await this.continued(scope, progress);
      if (continued === undefined && await walk.through(scope) === 'until') return { outcome: 'done', artifacts: [], outputs: {}, reason: `it was told to end after ${state.checkpoints!.until}` };
      const artifact = continued ?? await this.artifact(scope, walk, progress);
      this.announce(scope, artifact);
      provide(state, target, artifact);
      const { artifacts, wrote } = await postProcess(artifact, target, context, scope, progress, (label, planned, work) => this.step(scope, label, planned, work));
      const key = progress && targetKey(progress);
      if (key !== undefined) await progress!.remember(key, { what: 'target', artifact, artifacts, wrote, outputs: outputsOf(state, target), stamps: await stampsOf(artifacts) });
      return { outcome: 'done', artifacts, outputs: artifact.outputs };
    } catch (error) {
      await this.afterFailure(scope, walk.live?.guest, error);
      throw error;
    } finally {
      await progress?.stored();
    }
  }

  /** Nothing to do: what was made before is there, and nothing that led to it has changed. */
  upToDate(scope: RunScope, { source, artifacts, outputs }: Finished): Pick<Built, 'outcome' | 'artifacts' | 'outputs' | 'reason'> {
    scope.outcome = 'cached';
    scope.emit({ type: 'note', message: 'Up to date.' });
    for (const artifact of artifacts) this.announce(scope, artifact);
    for (const [key, given] of Object.entries(outputs)) this.state.outputs.set(key, given);
    return { outcome: 'cached', artifacts, outputs: source.outputs, reason: 'it is up to date' };
  }

  async start(scope: RunScope, from: ResumePoint | undefined): Promise<Live> {
    const { context, target } = this;
    this.failedStep = this.at = undefined;
    if (this.state.standing.has(target.path)) await this.lookAgain(scope);
    // Tags and names may speak of what only the running machine knows: they are complete at the capture.
    const source = await context.ready(target.source, 'host'), begun = performance.now();
    const machine = context.machine = await this.step(scope, from === undefined ? 'start' : 'resume', target.source, here => context.with(target.source.path, livingIn(scope, here), ctx =>
      from === undefined ? source.driver.start(source.props, ctx) : source.driver.resume!(source.props, this.walk!.progress!.store.saved(from.record), ctx)));
    const guest = await this.step(scope, 'connect', target.source, here => context.with(target.source.path, livingIn(scope, here), ctx => machine.connect(ctx)));
    scope.defer('disconnect', async () => { await guest[Symbol.asyncDispose](); });
    if (from === undefined) {
      this.times.start = Math.round(performance.now() - begun);
      await this.walk!.progress?.afterStart(machine, this.times.start, scope);
    }
    return { machine, guest };
  }

  /** The output that stood there is not what is to be made: what preflight passed over counts now, before anything slow starts. */
  async lookAgain(scope: RunScope): Promise<void> {
    const [problem] = await check(this.context, this.target.source, scope);
    if (problem !== undefined) throw new BakeError(problem.message, { code: problem.code, remedy: problem.remedy });
  }

  /** What an earlier run of the same inputs could not finish, finished now without a machine. */
  async continued(scope: RunScope, progress: Progress | undefined): Promise<Artifact | undefined> {
    const { context, target, state } = this, key = progress?.captureKey(), driver = await state.registry.driver(target.source.kind);
    if (key === undefined || driver.complete === undefined || state.force || !mayBeFinished(target, progress!.options)) return undefined;
    for (const [i] of target.provisioners.entries()) if (progress!.effects(i) !== 'guest' && !await hasMade(progress!, i)) return undefined;
    context.key = key;
    const artifact = await this.step(scope, 'continue', target.source, async here => {
      const { props } = await context.ready(target.source, 'host');
      return context.with(target.source.path, here, ctx => driver.complete!(props, ctx));
    });
    if (artifact !== undefined) await progress!.remember(key, { what: 'artifact', artifact, stamps: await stampsOf([artifact]) });
    return artifact;
  }

  /** The source's artifact: the one there is, or a new one. */
  async artifact(scope: RunScope, walk: Walk, progress: Progress | undefined): Promise<Artifact> {
    const { context, target } = this, key = progress?.captureKey();
    if (key !== undefined && walk.live === undefined) {
      await progress!.takeTurn(target.provisioners.length, scope, false);
      const present = await presentArtifact(progress!, key);
      if (present) return present.artifact;
    }
    const { machine } = await walk.machine(scope), begun = performance.now();
    context.key = key;
    const artifact = await this.step(scope, 'capture', target.source, async here => {
      // Once more: values that only the running machine knows are in it now.
      const { props } = await context.ready(target.source);
      return context.with(target.source.path, here, ctx => machine.capture(props, ctx)).catch(async error => { throw await this.lost(here) ?? error; });
    });
    this.captured = true;
    this.times.capture = Math.round(performance.now() - begun);
    if (key !== undefined) await progress!.remember(key, { what: 'artifact', artifact, stamps: await stampsOf([artifact]) });
    return artifact;
  }

  async provision(scope: RunScope, planned: PlannedStep, guest: Communicator): Promise<boolean> {
    let well = true;
    const { context, state } = this, { settings } = planned;
    await pause(scope, settings.pauseBefore, `before ${planned.path}`);
    const attempt = async (here: RunScope): Promise<void> => {
      const { driver, props } = await context.ready(planned);
      const outputs = await context.with(planned.path, here, ctx => driver.run(props, guest, ctx)).catch(async error => { throw await this.lost(here) ?? error; });
      if (outputs) state.outputs.set(outputKey({ target: this.target.path, of: planned.path }), outputs as { readonly [name: string]: unknown });
    };
    const limit = { timeout: settings.timeout, what: planned.path };
    try {
      if (settings.maxRetries === undefined || settings.maxRetries === 0) await this.step(scope, planned.path, planned, attempt, limit);
      else {
        await this.step(scope, planned.path, planned, here => retry(n => here.step(`attempt ${n}`, attempt, limit), {
          what: planned.path, attempts: 1 + settings.maxRetries!, pause: 500, signal: here.signal, retryIf: () => this.gone === undefined,
          onRetry: (error, n, wait) => here.emit({ type: 'warning', code: 'BUILD_RETRY', message: `Attempt ${n} failed; the next comes in ${wait / 1000} s: ${messageOf(error)}` }),
        }));
      }
    } catch (error) {
      if (!settings.continueOnError || scope.signal.aborted || this.gone !== undefined) throw error;
      this.failedStep = this.at = undefined;
      scope.emit({ type: 'warning', code: 'BUILD_STEP', message: fail.STEP(planned.path, messageOf(error)).message });
      well = false;
    }
    await pause(scope, settings.pauseAfter, `after ${planned.path}`);
    return well;
  }

  /** What became of the machine, where that is why a step failed. */
  async lost(scope: RunScope): Promise<Error | undefined> {
    const { context, target } = this, { machine } = context;
    if (scope.signal.aborted || machine?.lost === undefined) return undefined;
    return this.gone ??= await context.with(target.source.path, scope, ctx => machine.lost!(ctx)).catch(() => undefined);
  }

  /** A step of this target that remembers, when it fails, that it was the one. */
  async step<T>(scope: RunScope, label: string, planned: { readonly at?: string }, work: (here: RunScope) => Promise<T>, options: { readonly timeout?: number | undefined; readonly what?: string } = {}): Promise<T> {
    try {
      return await scope.step(label, work, { ...options, at: planned.at });
    } catch (error) {
      this.failedStep ??= label;
      this.at ??= planned.at;
      throw error;
    }
  }

  announce(scope: RunScope, artifact: Artifact): void {
    scope.emit({ type: 'artifact', id: artifact.id, files: artifact.files.map(f => f.path), outputs: artifact.outputs });
  }

  /** While the machine is still there: a picture, the user's own clean-up, and whether it stays. */
  async afterFailure(scope: RunScope, guest: Communicator | undefined, error: unknown): Promise<void> {
    const { context, target, state } = this, { machine } = context;
    const quietly = async (what: string, work: (ctx: Context) => Promise<void>): Promise<void> => {
      try {
        await context.with(target.source.path, scope, ctx => within(60_000, what, new AbortController().signal, () => work(ctx)));
      } catch (error) {
        scope.emit({ type: 'warning', code: 'BUILD_AFTER_FAILURE', message: `${what}: ${messageOf(error)}` });
      }
    };
    if (scope.signal.aborted || !machine || this.captured) return;
    // The error says it already, where it is about the machine itself.
    const seen = isBakeError(error) && error.facts['serial'] !== undefined;
    if (machine.screenshot && !seen) await quietly('A picture of the screen could not be taken', async ctx => ctx.note(`The screen at that moment: ${await machine.screenshot!(`${ctx.run.folder}/screenshot.png`)}`));
    if (machine.serialLog !== undefined) scope.emit({ type: 'note', message: `The serial console: ${machine.serialLog}` });
    if (guest) {
      const failed = this.failedStep, at = this.at;
      for (const step of target.errorCleanup) {
        try { await this.provision(scope, step, guest); } catch (error) { scope.emit({ type: 'warning', code: 'BUILD_ERROR_CLEANUP', message: `${step.path}: ${messageOf(error)}` }); }
      }
      this.failedStep = failed;
      this.at = at;
    }
    if (state.onFailure !== 'keep') return;
    if (!machine.keep) { scope.emit({ type: 'note', message: `A ${target.source.kind.replace('/', ' ')} cannot be kept: it is cleaned up.` }); return; }
    await quietly('The machine could not be kept', async ctx => {
      await keepMachine(state, target, { data: await machine.keep!(ctx), endpoint: guest?.endpoint, temporary: context.temporary });
      this.kept = true;
      scope.outcome = 'kept';
      ctx.note(`The machine stays. Look inside: bake ssh ${state.id} ${target.path}; end it: bake destroy ${state.id}`);
    });
  }
}

async function pause(scope: RunScope, milliseconds: number | undefined, when: string): Promise<void> {
  if (milliseconds === undefined || milliseconds === 0) return;
  scope.emit({ type: 'note', message: `Pausing ${milliseconds / 1000} s ${when}.` });
  await sleep(milliseconds, scope.signal);
}
