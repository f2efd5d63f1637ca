/**
 * The way through a target's steps: from the deepest saved machine where there is one, from the start otherwise. A machine is started
 * only when something needs it: a step that changes it, or the capture.
 */
import { messageOf } from '../errors.js';
import type { PlannedStep } from '../plan.js';
import { hasMade, madeKey } from './checkpoints/finished.js';
import type { Progress, ResumePoint } from './checkpoints/progress.js';
import { noCommunicator } from './communicators/none.js';
import type { Communicator, Machine } from './driver.js';
import type { RunScope } from './run-scope.js';
import type { TargetContext } from './target-context.js';

export interface Live { readonly machine: Machine; readonly guest: Communicator }

/** What the walk asks of the build that it belongs to. */
export interface Builder {
  readonly context: TargetContext;
  /** Starts the machine, or resumes it, and connects. */
  start(scope: RunScope, from: ResumePoint | undefined): Promise<Live>;
  /** False: the step failed, and the build goes on all the same. */
  provision(scope: RunScope, step: PlannedStep, guest: Communicator): Promise<boolean>;
}

export class Walk {
  live: Live | undefined;
  /** The saved machine that stands for where we are, as long as none is live. */
  #from: ResumePoint | undefined;
  #next = 0;
  readonly #steps: readonly PlannedStep[];
  constructor(readonly builder: Builder, readonly progress: Progress | undefined) { this.#steps = builder.context.target.provisioners; }

  /** Goes through all steps. `until`: it ended after the step that the run was told to end after. */
  async through(scope: RunScope): Promise<'all' | 'until'> {
    const { progress } = this, steps = this.#steps;
    const last = progress === undefined ? -1 : steps.findIndex(step => progress.isUntil(step));
    await this.look();
    while (this.#next < steps.length) {
      if (last >= 0 && this.#next > last) return 'until';
      const step = steps[this.#next]!;
      if (progress === undefined) { await this.take(scope, step); continue; }
      if (await this.madeBefore(step, progress)) continue;
      if (progress.effects(this.#next) !== 'host' && (await this.turnToInstall(scope) || await progress.takeTurn(this.#next, scope, this.live !== undefined) && await this.look())) continue;
      await this.take(scope, step);
      // Files that a step on this computer made may be all that the key of the next one needed.
      await this.look();
    }
    return last >= 0 ? 'until' : 'all';
  }

  /** The machine with all steps behind it. */
  async machine(scope: RunScope): Promise<Live> {
    for (;;) {
      const live = await this.up(scope);
      if (live !== undefined && this.#next === this.#steps.length) return live;
      await this.through(scope);
    }
  }

  /** Waits while another build installs the same system. Whether it did, and there is something to go on from. */
  private async turnToInstall(scope: RunScope): Promise<boolean> {
    const { progress } = this;
    return progress?.installs === true && this.live === undefined && this.#from === undefined && await progress.takeTurn(-1, scope, false) && this.look();
  }

  /** The machine, started now if it was not. A saved one that does not come up costs time, never the build: undefined then, and the way goes on from an earlier step. */
  private async up(scope: RunScope): Promise<Live | undefined> {
    if (this.live !== undefined) return this.live;
    if (await this.turnToInstall(scope)) return undefined;
    const from = this.#from;
    try {
      return this.live = await this.builder.start(scope, from);
    } catch (error) {
      if (from === undefined || scope.signal.aborted) throw error;
      this.progress!.distrust(from);
      this.#from = undefined;
      this.#next = 0;
      const earlier = await this.look() ? `what was saved after ${this.progress!.nameOf(this.#next - 1)} is used` : 'everything is done again';
      scope.emit({ type: 'warning', code: 'CHECKPOINT_RESUME', message: `The machine saved after ${this.progress!.nameOf(from.index)} could not be resumed, so ${earlier}: ${messageOf(error)}` });
      return undefined;
    }
  }

  /** Moves on to the deepest saved machine from here; whether there was one. */
  private async look(): Promise<boolean> {
    const { progress } = this;
    const point = this.live !== undefined ? undefined : await progress?.ahead(this.#next, index => hasMade(progress, index));
    if (point === undefined) return false;
    progress!.restore(point);
    for (const step of this.#steps.slice(this.#next, point.index + 1)) this.announceCached(step);
    this.#from = point;
    this.#next = point.index + 1;
    return true;
  }

  /** Passes a step on this computer whose files are all there already. */
  private async madeBefore(step: PlannedStep, progress: Progress): Promise<boolean> {
    if (progress.effects(this.#next) !== 'host' || progress.isFrom(step) || !await hasMade(progress, this.#next)) return false;
    this.announceCached(step);
    this.#next++;
    return true;
  }

  private async take(scope: RunScope, step: PlannedStep): Promise<void> {
    const { progress } = this, index = this.#next;
    const onHost = progress?.effects(index) === 'host', alone = onHost && this.live === undefined && !needsMachine(step);
    const made = onHost ? await madeKey(progress!, index) : undefined;
    const guest = alone ? noCommunicator() : (await this.up(scope))?.guest;
    if (guest === undefined) return;
    const begun = performance.now();
    const well = await this.builder.provision(scope, step, guest);
    this.#next++;
    if (made !== undefined && well) await progress!.remember(made, { what: 'done' });
    await progress?.after(index, this.live?.machine, Math.round(performance.now() - begun), well, scope);
  }

  private announceCached(step: PlannedStep): void {
    const { run, target } = this.builder.context;
    run.stream.emit([target.path, step.path], { type: 'step-end', label: step.path, outcome: 'cached', milliseconds: 0 });
  }
}

/** Whether a step on this computer asks for something that only a running machine knows. */
function needsMachine(step: PlannedStep): boolean {
  const text = JSON.stringify(step.props);
  return /PACKER_HTTP|PACKER_(HOST|PORT|IP)/i.test(text) || /"op":"host"/.test(text.replace(/"name":"(source|build)[A-Za-z]*","op":"host"|"op":"host","name":"(source|build)[A-Za-z]*"/g, ''));
}
