/** The keys along a target's way: of its machine before the first step and after each, of the memory states, of the artifact. */
import type { Json } from '../../json.js';
import type { AnyKind } from '../../kinds.js';
import type { Effects, ProvisionerDriver } from '../driver.js';
import type { AnyDriver } from '../registry.js';
import type { RunScope } from '../run-scope.js';
import type { TargetContext } from '../target-context.js';
import { type Part, partOf } from './history.js';
import { identityOf } from './identity.js';
import { captureKey, lateTexts, machineKey, sourceKey, stepKey } from './keys.js';
import { lateInputs } from './late-inputs.js';

interface Loaded { readonly kind: AnyKind; readonly driver: AnyDriver }

export class TargetKeys {
  readonly #keys: (string | undefined)[] = [];
  private constructor(readonly context: TargetContext, readonly source: Loaded, readonly steps: readonly Loaded[], readonly identity: Json | undefined, readonly start: string | undefined) {}

  /** `fetch: false`: what names stand for is only looked up, and where that is not enough, no key is known. */
  static async of(context: TargetContext, scope: RunScope, fetch: boolean): Promise<TargetKeys> {
    const { target, run: { registry } } = context, load = async (name: string): Promise<Loaded> => ({ kind: await registry.kind(name), driver: await registry.driver(name) });
    const source = await load(target.source.kind), steps = await Promise.all(target.provisioners.map(step => load(step.kind)));
    const identity = await identityOf(context, source.driver, scope, fetch);
    const late = lateInputs(context.run), key = sourceKey(source.kind, target.source, late, identity);
    return new TargetKeys(context, source, steps, identity, late.missing.size === 0 && (source.driver.identify === undefined || identity !== undefined) ? key : undefined);
  }

  /** What a step changes; `guest` where the driver does not say. */
  effects(index: number): Effects {
    const effects = (this.steps[index]!.driver as Partial<ProvisionerDriver<AnyKind>>).effects ?? 'guest';
    return typeof effects === 'function' ? effects(this.context.target.provisioners[index]!.props) : effects;
  }

  /** The key of the machine after the steps up to `index` (-1: before the first). Undefined while a late input is not known. */
  key(index: number): string | undefined {
    if (index < 0) return this.start;
    if (this.#keys[index] !== undefined) return this.#keys[index];
    const before = this.key(index - 1), step = this.context.target.provisioners[index]!;
    if (before === undefined) return undefined;
    // What happens on this computer does not change the machine; files that it makes count where they are used.
    if (this.effects(index) === 'host') return this.#keys[index] = before;
    const late = lateInputs(this.context.run);
    const key = stepKey(before, this.steps[index]!.kind, step, late);
    if (late.missing.size === 0) this.#keys[index] = key;
    return this.#keys[index];
  }

  /** What a step made on this computer may be in the keys of later steps: they are made anew. */
  forgetFrom(index: number): void { this.#keys.length = Math.min(this.#keys.length, index); }

  /** A memory state belongs to a machine as well as to a disk. */
  memoryKey(index: number): string | undefined {
    const disk = this.key(index);
    return disk === undefined ? undefined : machineKey(disk, this.source.kind, this.context.target.source, lateInputs(this.context.run));
  }

  /** The key of the source's artifact. */
  captureKey(): string | undefined {
    const { target, run } = this.context, last = this.key(target.provisioners.length - 1);
    if (last === undefined) return undefined;
    const late = lateInputs(run), key = captureKey(last, this.source.kind, target.source, late, run.folders.program);
    return late.missing.size === 0 ? key : undefined;
  }

  /** Source and steps as they are now, for comparing with the last time. */
  parts(upTo: number, took: ReadonlyMap<string, number>): Part[] {
    const { target, run } = this.context, late = lateInputs(run);
    return [target.source, ...target.provisioners.slice(0, upTo + 1)].map((component, i) => {
      const texts = lateTexts(i === 0 ? this.source.kind : this.steps[i - 1]!.kind, component, late);
      const identity = i === 0 && this.identity !== undefined && this.identity !== null ? { identity: JSON.stringify(this.identity) } : {};
      return partOf(run, component, { ...texts, ...identity }, took.get(component.path));
    });
  }
}
