/**
 * How far a target has come already: the keys along its steps, the saved machines among them, and what is worth saving.
 * One object a target; build.ts asks it before each step and tells it after.
 */
import { messageOf } from '../../errors.js';
import type { Json } from '../../json.js';
import type { AnyKind } from '../../kinds.js';
import type { PlannedStep } from '../../plan.js';
import type { Context, Effects, Machine, ProvisionerDriver, Saved } from '../driver.js';
import type { AnyDriver } from '../registry.js';
import type { RunScope } from '../run-scope.js';
import type { TargetContext } from '../target-context.js';
import { type Part, partOf, writeHistory } from './history.js';
import { identityOf } from './identity.js';
import { captureKey, lateTexts, machineKey, sourceKey, stepKey } from './keys.js';
import { lateInputs } from './late-inputs.js';
import { type CheckpointOptions, matches, wishFor } from './options.js';
import { outsideOf } from './outside.js';
import { factsUpTo } from './facts.js';
import { type CheckpointRecord, CheckpointStore, sizeLimit } from './store.js';
import { Turns } from './turns.js';

/** A saved machine to go on from, after the step of this index; -1: before the first, its system is installed. */
export interface ResumePoint { readonly index: number; readonly record: CheckpointRecord }

/** Milliseconds that saving is taken to cost before it was measured. */
const firstGuess = 700;

export class Progress {
  readonly store: CheckpointStore;
  #kinds: readonly { readonly kind: AnyKind; readonly driver: AnyDriver }[] = [];
  #sourceKind!: AnyKind;
  #driver!: AnyDriver;
  #identity: Json | undefined;
  /** It starts by installing an operating system, and that is saved. */
  installs = false;
  #start: string | undefined;
  readonly #keys: (string | undefined)[] = [];
  readonly #took = new Map<string, number>();
  #sinceSaved = 0;
  #cost = firstGuess;
  #saving: Promise<void> = Promise.resolve();
  #added = false;
  #expires = Infinity;
  /** Index of the last step that is behind us. */
  #reached = -1;
  /** A step went wrong and the build went on: what comes after is nothing to go on from. */
  #spoilt = false;
  /** Keys of saved machines that did not come up. */
  readonly #distrusted = new Set<string>();
  readonly #turns: Turns;
  readonly #leases: (() => Promise<void>)[] = [];

  private constructor(readonly context: TargetContext, readonly options: CheckpointOptions) {
    this.store = options.store ?? new CheckpointStore(undefined, outsideOf(context.run.registry));
    this.#turns = new Turns(this.store);
  }

  /**
   * Undefined where nothing of this target is ever saved: checkpoints are off, or its kind has nothing to save. `fetch: false`: what names stand for
   * is only looked up, and where that is not enough, no key is known.
   */
  static async of(context: TargetContext, options: CheckpointOptions | undefined, scope: RunScope, { fetch }: { readonly fetch: boolean }): Promise<Progress | undefined> {
    if (options === undefined) return undefined;
    const { target, run } = context;
    const [kind, driver] = await Promise.all([run.registry.kind(target.source.kind), run.registry.driver(target.source.kind)]);
    if (driver.resume === undefined && driver.present === undefined) return undefined;
    const progress = new Progress(context, options);
    progress.#sourceKind = kind;
    progress.#driver = driver;
    progress.#kinds = await Promise.all(target.provisioners.map(async step => ({ kind: await run.registry.kind(step.kind), driver: await run.registry.driver(step.kind) })));
    progress.installs = driver.resume !== undefined && wishFor(target, options) !== 'never' && driver.installs?.((await context.ready(target.source, 'later')).props) === true;
    progress.#identity = await identityOf(context, driver, scope, fetch);
    const late = lateInputs(run), key = sourceKey(kind, target.source, late, progress.#identity);
    if (late.missing.size === 0 && (driver.identify === undefined || progress.#identity !== undefined)) progress.#start = key;
    return progress;
  }

  /** Whether it is known what everything stands on. */
  get isKnown(): boolean { return this.#start !== undefined; }

  /** What a step changes; `guest` where the driver does not say. */
  effects(index: number): Effects {
    const effects = (this.#kinds[index]!.driver as Partial<ProvisionerDriver<AnyKind>>).effects ?? 'guest';
    return typeof effects === 'function' ? effects(this.context.target.provisioners[index]!.props) : effects;
  }

  /** The key of the machine after the steps up to `index` (-1: before the first). Undefined while a late input is not known. */
  key(index: number): string | undefined {
    if (index < 0) return this.#start;
    if (this.#keys[index] !== undefined) return this.#keys[index];
    const before = this.key(index - 1), step = this.context.target.provisioners[index]!;
    if (before === undefined) return undefined;
    // What happens on this computer does not change the machine; files that it makes count where they are used.
    if (this.effects(index) === 'host') return this.#keys[index] = before;
    const late = lateInputs(this.context.run);
    const key = stepKey(before, this.#kinds[index]!.kind, step, late);
    if (late.missing.size === 0) this.#keys[index] = key;
    return this.#keys[index];
  }

  /** The key of the source's artifact. */
  captureKey(): string | undefined {
    const last = this.key(this.context.target.provisioners.length - 1);
    if (last === undefined) return undefined;
    const late = lateInputs(this.context.run);
    const key = captureKey(last, this.#sourceKind, this.context.target.source, late, this.context.run.folders.program);
    return late.missing.size === 0 ? key : undefined;
  }

  /** The deepest saved machine from step `from` on, as far as every step on the way only changes the guest (or has done what it makes). */
  async ahead(from: number, passed: (index: number) => Promise<boolean>): Promise<ResumePoint | undefined> {
    // Where two did not come up, the third would hardly.
    if (this.#driver.resume === undefined || this.options.use === false || this.#distrusted.size >= 2) return undefined;
    const steps = this.context.target.provisioners, found: ResumePoint[] = [];
    if (this.installs && this.key(from - 1) === this.#start) {
      const record = await this.saved(-1);
      if (record !== undefined) found.push({ index: from - 1, record });
    }
    for (let i = from; i < steps.length && !this.isFrom(steps[i]!); i++) {
      if ((this.effects(i) !== 'guest' && !await passed(i)) || this.memoryKey(i) === undefined) break;
      const record = this.effects(i) === 'host' ? undefined : await this.saved(i);
      if (record !== undefined) found.push({ index: i, record });
      if (this.isUntil(steps[i]!)) break;
    }
    for (let deepest = found.pop(); deepest !== undefined; deepest = found.pop()) {
      this.#leases.push(await this.store.lease(deepest.record.key));
      if (await this.#driver.intact?.(this.store.saved(deepest.record)).catch(() => false) !== false) return deepest;
    }
    return undefined;
  }

  /** The machine that was saved after a step, if it may be trusted. */
  private async saved(index: number): Promise<CheckpointRecord | undefined> {
    const key = this.memoryKey(index);
    // Where the machine is another than the saved one, its disk is what is left to go on from.
    const record = key === undefined ? undefined : await this.store.find(key) ?? await this.store.find(this.key(index)!);
    return record === undefined || this.#distrusted.has(record.key) ? undefined : record;
  }

  /** This saved machine did not come up: it is not tried again in this run. */
  distrust(point: ResumePoint): void { this.#distrusted.add(point.record.key); }

  /**
   * One build makes what a step (or, after the last, the capture) leads to while the others wait. Returns whether the turn is new: then another
   * build may have had it before, and it is worth looking again. A build whose machine runs already does not wait.
   */
  async takeTurn(index: number, scope: RunScope, live: boolean): Promise<boolean> {
    const key = this.turnKey(index);
    // Where no machine can be saved, the steps of others are nothing to wait for: ten clouds' instances are provisioned at once.
    if (key === undefined || (this.#driver.resume === undefined && index < this.context.target.provisioners.length)) return false;
    if (!live) return this.#turns.take(key, scope);
    await this.#turns.takeIfFree(key);
    return false;
  }

  /** After a step: how long it took, and whether to save now. Saves while the machine runs on. `well`: it did not fail. */
  async after(index: number, machine: Machine | undefined, took: number, well: boolean, scope: RunScope): Promise<void> {
    const step = this.context.target.provisioners[index]!;
    this.#spoilt ||= !well;
    this.#took.set(step.path, took);
    this.#reached = index;
    // What it made on this computer may be in the keys of later steps.
    if (this.effects(index) !== 'guest') this.#keys.length = Math.min(this.#keys.length, index);
    if (machine === undefined || this.effects(index) === 'host') return;
    this.#sinceSaved += took;
    if (step.settings.expires !== undefined) this.#expires = Math.min(this.#expires, Date.now() + step.settings.expires);
    if (this.worthSaving(index)) await this.saveNow(index, machine, scope);
  }

  /** After the machine was started anew, which took so many milliseconds: an installed system is saved before anything else is done with it. */
  async afterStart(machine: Machine, took: number, scope: RunScope): Promise<void> {
    if (!this.installs) return;
    this.#took.set(this.context.target.source.path, took);
    await this.saveNow(-1, machine, scope);
  }

  private async saveNow(index: number, machine: Machine, scope: RunScope): Promise<void> {
    const key = this.memoryKey(index);
    if (key === undefined || machine.save === undefined || this.#driver.resume === undefined || this.#spoilt) return;
    await scope.step('save', here => this.context.with(this.context.target.source.path, here, ctx => this.save(key, index, machine, ctx)), { what: 'saving the machine' })
      .catch(error => { if (scope.signal.aborted) throw error; scope.emit({ type: 'warning', code: 'CHECKPOINT', message: `The machine could not be saved, and the build goes on: ${messageOf(error)}` }); });
  }

  private worthSaving(index: number): boolean {
    const step = this.context.target.provisioners[index]!, wish = wishFor(this.context.target, this.options, step);
    return this.isUntil(step) || wish === 'always' || (wish === 'auto' && this.#sinceSaved >= 2 * this.#cost);
  }

  private async save(key: string, index: number, machine: Machine, ctx: Context): Promise<void> {
    const began = performance.now();
    // One at a time: a second save would stand on files that the first still moves.
    await this.#saving;
    const saved = await machine.save!(ctx);
    this.#cost = Math.max(100, performance.now() - began);
    this.#sinceSaved = 0;
    const label = `${this.context.target.path} after ${this.nameOf(index)}`;
    // Into the store beside the running guest; whoever waits for the key gets its turn when it is in.
    this.#saving = this.add(key, index, label, saved).then(
      ({ bytes }) => ctx.note(`Saved ${label}: ${Math.round(bytes / 1e6)} MB.`, { detail: true }),
      (error: unknown) => ctx.warn(`The saved machine could not be stored: ${messageOf(error)}`, 'CHECKPOINT'),
    ).then(async () => {
      // Hand over hand: who waited goes on from here, and waits again for the next step, which is ours.
      const next = this.turnKey(this.nextInGuest(index + 1));
      if (next !== undefined) await this.#turns.takeIfFree(next);
      await this.#turns.giveBack(key);
    }).catch((error: unknown) => ctx.warn(messageOf(error), 'CHECKPOINT'));
  }

  private async add(key: string, index: number, label: string, saved: Saved): Promise<{ readonly bytes: number }> {
    const { target, run } = this.context;
    const outside = this.#driver.forget === undefined ? {} : { outside: { bytes: saved.outside ?? 0, requires: run.plan.requires, from: run.folders.program } };
    try {
      const record = {
        key, what: 'machine' as const, label, driver: target.source.kind, ...this.facts(index), fits: saved.fits, data: saved.data,
        took: [...this.#took.values()].reduce((a, b) => a + b, 0), ...outside, ...(this.#expires === Infinity ? {} : { expires: this.#expires }),
      };
      const added = await this.store.add(record, Object.fromEntries(Object.entries(saved.blobs).map(([name, file]) => [name, file.path])));
      if (saved.boots) await this.store.alias(key, this.key(index)!);
      this.#added = true;
      await saved.stored?.();
      return added;
    } catch (error) {
      await this.#driver.forget?.(saved).catch(() => {});
      throw error;
    }
  }

  /** What a saved machine has behind it, for people. */
  nameOf(index: number): string { return this.key(index) === this.#start && this.installs ? 'the installation' : this.context.target.provisioners[index]!.path; }

  /** Outputs of the steps that a saved machine has behind it. */
  restore(point: ResumePoint): void {
    this.#reached = point.index;
    for (const [path, outputs] of Object.entries(point.record.outputs ?? {})) this.context.run.outputs.set(path, outputs);
    for (const link of point.record.chain ?? []) if (link.took !== undefined) this.#took.set(link.path, link.took);
    if (point.record.expires !== undefined) this.#expires = Math.min(this.#expires, point.record.expires);
  }

  /** Remembers what stands at the end of something, under its key. */
  async remember(key: string, facts: Pick<CheckpointRecord, 'what' | 'artifact' | 'artifacts' | 'data' | 'wrote' | 'outputs' | 'stamps'>): Promise<void> {
    if (this.#spoilt) return;
    const { target } = this.context, last = target.provisioners.length - 1;
    this.#added = true;
    await this.store.add({
      key, label: target.path, driver: target.source.kind, ...this.facts(last), ...facts,
      ...(this.#expires === Infinity ? {} : { expires: this.#expires }),
    }, {});
  }

  isUntil(step: PlannedStep): boolean { return this.options.until !== undefined && matches(step, this.options.until); }
  isFrom(step: PlannedStep): boolean { return this.options.from !== undefined && matches(step, this.options.from); }

  /** Source and steps as they are now, for comparing with the last time. */
  parts(upTo = this.context.target.provisioners.length - 1): Part[] {
    const { target, run } = this.context, late = lateInputs(run);
    return [target.source, ...target.provisioners.slice(0, upTo + 1)].map((component, i) => {
      const texts = lateTexts(i === 0 ? this.#sourceKind : this.#kinds[i - 1]!.kind, component, late);
      const identity = i === 0 && this.#identity !== undefined && this.#identity !== null ? { identity: JSON.stringify(this.#identity) } : {};
      return partOf(run, component, { ...texts, ...identity }, this.#took.get(component.path));
    });
  }

  /** How far it came and how long it took, for the next time. `times`: of start and capture, in milliseconds. */
  async writeHistory(times: { readonly start?: number; readonly capture?: number }): Promise<void> {
    const { target, run } = this.context;
    let reached = -1;
    while (reached + 1 < target.provisioners.length && (this.#took.has(target.provisioners[reached + 1]!.path) || this.#reached > reached)) reached++;
    await writeHistory(run.folders.state, { target: target.path, parts: this.parts(reached), ...times });
  }

  /** Waits for what is still being stored: the files are the machine's, and go with it. */
  async stored(): Promise<void> { await this.#saving; }

  /** Gives back turns and leases, and keeps the store within its bound. */
  async end(): Promise<void> {
    await this.#saving;
    await this.#turns.giveBack();
    for (const release of this.#leases.splice(0)) await release();
    if (this.#added && await this.store.size() > sizeLimit()) await this.store.prune();
  }

  /** A memory state belongs to a machine as well as to a disk. */
  private memoryKey(index: number): string | undefined {
    const disk = this.key(index);
    return disk === undefined ? undefined : machineKey(disk, this.#sourceKind, this.context.target.source, lateInputs(this.context.run));
  }

  private turnKey(index: number): string | undefined { return index < this.context.target.provisioners.length ? this.memoryKey(index) : this.captureKey(); }

  /** The next step that changes the machine, from `index` on; the number of steps where there is none. */
  private nextInGuest(index: number): number {
    let next = index;
    while (next < this.context.target.provisioners.length && this.effects(next) === 'host') next++;
    return next;
  }

  private facts(index: number): ReturnType<typeof factsUpTo> { return factsUpTo(this.context, index, i => this.key(i), this.#took); }
}
