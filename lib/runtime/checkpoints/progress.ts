/**
 * How far a target has come already: the keys along its steps, the saved machines among them, and what is worth saving.
 * One object a target; build.ts asks it before each step and tells it after.
 */
import type { PlannedStep } from '../../plan.js';
import type { Context, Effects, Machine, Saved } from '../driver.js';
import type { AnyDriver } from '../registry.js';
import type { RunScope } from '../run-scope.js';
import type { TargetContext } from '../target-context.js';
import { Ages, type KeyedStep, tooOld } from './ages.js';
import { factsUpTo } from './facts.js';
import { type Part, writeHistory } from './history.js';
import { asksToSave, type CheckpointOptions, matches, maySave, wishFor } from './options.js';
import { outsideOf } from './outside.js';
import { Shelf } from './shelf.js';
import { type CheckpointRecord, CheckpointStore } from './store.js';
import { TargetKeys } from './target-keys.js';
import type { Change } from './why.js';

/** A saved machine to go on from, after the step of this index; -1: before the first, its system is installed. */
export interface ResumePoint { readonly index: number; readonly record: CheckpointRecord }

/** Milliseconds that saving is taken to cost before it was measured. */
const firstGuess = 700;

export class Progress {
  readonly store: CheckpointStore;
  /** It starts by installing an operating system, and that is saved. */
  installs = false;
  readonly #took = new Map<string, number>();
  #sinceSaved = 0;
  #cost = firstGuess;
  #saving: Promise<void> = Promise.resolve();
  readonly #ages = new Ages();
  /** Index of the last step that is behind us. */
  #reached = -1;
  /** A step went wrong and the build went on: what comes after is nothing to go on from. */
  #spoilt = false;
  /** Keys of saved machines that did not come up. */
  readonly #distrusted = new Set<string>();
  readonly shelf: Shelf;
  /** Why what was saved is not used although nothing changed, by what it says. */
  readonly #passedOver = new Map<string, Change>();

  private constructor(readonly context: TargetContext, readonly options: CheckpointOptions, readonly keys: TargetKeys) {
    this.store = options.store ?? new CheckpointStore(undefined, outsideOf(context.run.registry));
    this.shelf = new Shelf(this.store, context.run, context.target.path);
  }

  /**
   * Undefined where nothing of this target is ever saved: checkpoints are off, or its kind has nothing to save. `fetch: false`: what names stand for
   * is only looked up, and where that is not enough, no key is known.
   */
  static async of(context: TargetContext, options: CheckpointOptions | undefined, scope: RunScope, { fetch }: { readonly fetch: boolean }): Promise<Progress | undefined> {
    if (options === undefined) return undefined;
    const driver = await context.run.registry.driver(context.target.source.kind);
    if (driver.resume === undefined && driver.present === undefined) return undefined;
    const progress = new Progress(context, options, await TargetKeys.of(context, scope, fetch));
    progress.installs = driver.resume !== undefined && wishFor(context.target, options) !== 'never' && driver.installs?.((await context.ready(context.target.source, 'later')).props) === true;
    return progress;
  }

  /** Whether it is known what everything stands on. */
  get isKnown(): boolean { return this.keys.start !== undefined; }

  /** What a step changes; `guest` where the driver does not say. */
  effects(index: number): Effects { return this.keys.effects(index); }
  /** The key of the machine after the steps up to `index` (-1: before the first). Undefined while a late input is not known. */
  key(index: number): string | undefined { return this.keys.key(index); }
  /** The key of the source's artifact. */
  captureKey(): string | undefined { return this.keys.captureKey(); }

  /** The deepest saved machine from step `from` on, as far as every step on the way only changes the guest (or has done what it makes). */
  async ahead(from: number, passed: (index: number) => Promise<boolean>): Promise<ResumePoint | undefined> {
    // Where two did not come up, the third would hardly.
    if (this.#driver.resume === undefined || this.options.use === false || this.#distrusted.size >= 2) return undefined;
    const steps = this.context.target.provisioners, found: ResumePoint[] = [];
    if (this.installs && this.key(from - 1) === this.keys.start) {
      const record = await this.saved(-1);
      if (record !== undefined) found.push({ index: from - 1, record });
    }
    for (let i = from; i < steps.length && !this.isFrom(steps[i]!); i++) {
      if ((this.effects(i) !== 'guest' && !await passed(i)) || this.keys.memoryKey(i) === undefined) break;
      const record = this.effects(i) === 'host' ? undefined : await this.saved(i);
      if (record !== undefined) found.push({ index: i, record });
      if (this.isUntil(steps[i]!)) break;
    }
    for (let deepest = found.pop(); deepest !== undefined; deepest = found.pop()) {
      await this.shelf.lease(deepest.record.key);
      if (await this.#driver.intact?.(this.store.saved(deepest.record)).catch(() => false) !== false) return deepest;
      this.passOver(this.context.target.path, `what was saved after ${this.nameOf(deepest.index)} is not there any more`);
    }
    return undefined;
  }

  /** The machine that was saved after a step, if it may be trusted. */
  private async saved(index: number): Promise<CheckpointRecord | undefined> {
    const key = this.keys.memoryKey(index);
    // Where the machine is another than the saved one, its disk is what is left to go on from.
    const what = `${this.context.target.path} after ${index < 0 ? 'the installation' : this.nameOf(index)}`;
    const record = key === undefined ? undefined : await this.shelf.find(key, what) ?? await this.shelf.find(this.key(index)!, what);
    return record === undefined || this.#distrusted.has(record.key) || !this.isFresh(record, index) ? undefined : record;
  }

  /** Whether nothing that a record holds is older than its steps, as they are now, let it be. */
  isFresh(record: CheckpointRecord, upTo = this.context.target.provisioners.length - 1): boolean {
    const old = tooOld(record, this.keyed(upTo));
    if (old !== undefined) this.passOver(old.step.path, old.what);
    return old === undefined;
  }

  /** What was saved and is not used although nothing changed: with the reason, for `bake plan` and `bake why`. */
  get passedOver(): readonly Change[] { return [...this.#passedOver.values()]; }

  private passOver(path: string, what: string): void {
    const { run, target } = this.context, line = path === target.path ? what : `${path}: ${what}`, known = `${target.path} ${line}`;
    this.#passedOver.set(line, { path, what });
    if (!run.told.has(known)) run.stream.emit([target.path], { type: 'note', message: `Done again, as ${line}.` });
    run.told.add(known);
  }

  /** The steps up to an index that change the machine. */
  private keyed(upTo: number): KeyedStep[] {
    return this.context.target.provisioners.slice(0, upTo + 1).flatMap((step, i) => (this.effects(i) === 'host' ? [] : [{ step, key: this.key(i) }]));
  }

  /** This saved machine did not come up: it is not tried again in this run. */
  distrust(point: ResumePoint): void { this.#distrusted.add(point.record.key); }

  /**
   * One build makes what a step (or, after the last, the capture) leads to while the others wait. Returns whether the turn is new: then another
   * build may have had it before, and it is worth looking again. A build whose machine runs already does not wait.
   */
  async takeTurn(index: number, scope: RunScope, live: boolean): Promise<boolean> {
    const key = this.turnKey(index), { target } = this.context;
    // Where no machine will be saved, the steps of others are nothing to wait for: ten clouds' instances are provisioned at once.
    if (key === undefined || (index < target.provisioners.length && !maySave(target, this.options, this.#driver, index))) return false;
    if (!live) return this.shelf.takeTurn(key, scope);
    await this.shelf.takeTurnIfFree(key);
    return false;
  }

  /** After a step: how long it took, and whether to save now. Saves while the machine runs on. `well`: it did not fail. */
  async after(index: number, machine: Machine | undefined, took: number, well: boolean, scope: RunScope): Promise<void> {
    const step = this.context.target.provisioners[index]!;
    this.#spoilt ||= !well;
    this.#took.set(step.path, took);
    this.#reached = index;
    // What it made on this computer may be in the keys of later steps.
    if (this.effects(index) !== 'guest') this.keys.forgetFrom(index);
    if (machine === undefined || this.effects(index) === 'host') return;
    this.#sinceSaved += took;
    this.#ages.set(this.key(index), Date.now());
    if (this.worthSaving(index)) await this.saveNow(index, machine, scope);
  }

  /** After the machine was started anew, which took so many milliseconds: an installed system is saved before anything else is done with it. */
  async afterStart(machine: Machine, took: number, scope: RunScope): Promise<void> {
    if (!this.installs) return;
    this.#took.set(this.context.target.source.path, took);
    await this.saveNow(-1, machine, scope);
  }

  private async saveNow(index: number, machine: Machine, scope: RunScope): Promise<void> {
    const key = this.keys.memoryKey(index);
    if (key === undefined || machine.save === undefined || this.#driver.resume === undefined || this.#spoilt || !this.shelf.isOpen) return;
    await scope.step('save', here => this.context.with(this.context.target.source.path, here, ctx => this.save(key, index, machine, ctx)), { what: 'saving the machine' })
      .catch(error => { if (scope.signal.aborted) throw error; this.shelf.refused(error); });
  }

  private worthSaving(index: number): boolean {
    const { target } = this.context, step = target.provisioners[index]!;
    return asksToSave(target, this.options, step) || (this.#driver.savesOnRequest !== true && wishFor(target, this.options, step) === 'auto' && this.#sinceSaved >= 2 * this.#cost);
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
      (error: unknown) => this.shelf.refused(error),
    ).then(async () => {
      // Hand over hand: who waited goes on from here, and waits again for the next step, which is ours.
      const next = this.turnKey(this.nextInGuest(index + 1));
      if (next !== undefined) await this.shelf.takeTurnIfFree(next);
      await this.shelf.giveBackTurns(key);
    }).catch((error: unknown) => this.shelf.refused(error));
  }

  private async add(key: string, index: number, label: string, saved: Saved): Promise<{ readonly bytes: number }> {
    const { target, run } = this.context;
    const outside = this.#driver.forget === undefined ? {} : { outside: { bytes: saved.outside ?? 0, requires: run.plan.requires, from: run.folders.program } };
    try {
      const record = {
        key, what: 'machine' as const, label, driver: target.source.kind, ...this.facts(index), fits: saved.fits, data: saved.data,
        took: [...this.#took.values()].reduce((a, b) => a + b, 0), ...outside,
      };
      const added = await this.shelf.add(record, Object.fromEntries(Object.entries(saved.blobs).map(([name, file]) => [name, file.path])), saved.boots ? this.key(index) : undefined);
      await saved.stored?.();
      return added;
    } catch (error) {
      // Half of it would be worse than nothing: what is outside goes too.
      if (await this.#driver.forget?.(saved).then(() => true, () => false) ?? true) await saved.stored?.();
      throw error;
    }
  }

  /** What a saved machine has behind it, for people. */
  nameOf(index: number): string { return this.key(index) === this.keys.start && this.installs ? 'the installation' : this.context.target.provisioners[index]!.path; }

  /** Outputs of the steps that a saved machine has behind it. */
  restore(point: ResumePoint): void {
    this.#reached = point.index;
    for (const [path, outputs] of Object.entries(point.record.outputs ?? {})) this.context.run.outputs.set(path, outputs);
    for (const link of point.record.chain ?? []) if (link.took !== undefined) this.#took.set(link.path, link.took);
    this.#ages.takeOver(point.record);
  }

  /** An artifact that there was stands for the work of then. */
  takeOver(record: CheckpointRecord): void { this.#ages.takeOver(record); }

  /** Remembers what stands at the end of something, under its key. */
  async remember(key: string, facts: Pick<CheckpointRecord, 'what' | 'artifact' | 'artifacts' | 'data' | 'wrote' | 'outputs' | 'stamps'>): Promise<void> {
    if (this.#spoilt) return;
    const { target } = this.context, last = target.provisioners.length - 1;
    await this.shelf.tolerating(async () => { await this.shelf.add({ key, label: target.path, driver: target.source.kind, ...this.facts(last), ...facts }); });
  }

  isUntil(step: PlannedStep): boolean { return this.options.until !== undefined && matches(step, this.options.until); }
  isFrom(step: PlannedStep): boolean { return this.options.from !== undefined && matches(step, this.options.from); }

  /** Source and steps as they are now, for comparing with the last time. */
  parts(upTo = this.context.target.provisioners.length - 1): Part[] { return this.keys.parts(upTo, this.#took); }

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
    await this.shelf.end();
  }

  get #driver(): AnyDriver { return this.keys.source.driver; }

  private turnKey(index: number): string | undefined { return index < this.context.target.provisioners.length ? this.keys.memoryKey(index) : this.captureKey(); }

  /** The next step that changes the machine, from `index` on; the number of steps where there is none. */
  private nextInGuest(index: number): number {
    let next = index;
    while (next < this.context.target.provisioners.length && this.effects(next) === 'host') next++;
    return next;
  }

  private facts(index: number): ReturnType<typeof factsUpTo> & Pick<CheckpointRecord, 'expires'> {
    const expires = this.#ages.expiry(this.keyed(index));
    return { ...factsUpTo(this.context, index, i => this.key(i), this.#ages, this.#took), ...(expires === undefined ? {} : { expires }) };
  }
}
