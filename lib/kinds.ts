/** A kind: what a component is, as data. Constructs, validation, printers and drivers all speak of the same object. */
import type { Fields, ResolvedOf } from './fields.js';
import type { Rule } from './rules.js';

export type Role = 'source' | 'provisioner' | 'post-processor' | 'data';

export interface Kind<R extends string, T extends string, F extends Fields, O extends Fields> {
  readonly role: R;
  /** Packer's name of the type (`amazon-ebs`), or `@package/name:type` for a kind of another package. */
  readonly type: T;
  readonly key: `${R}/${T}`;
  readonly fields: F;
  readonly outputs: O;
  readonly rules: readonly Rule<string>[];
  /** Counted up when the driver does something else with the same props: checkpoints made before no longer match. */
  readonly revision: number;
  /** Packer's name, where it is another; `false`: Packer has no such component. */
  readonly packerType: string | false;
  /** For data sources: whether what is read is recorded in images.lock. @default true */
  readonly lock?: boolean;
  /** Set where the runtime has no driver and never will: the kind is validated and exported, and this is what to do instead of building it. */
  readonly exportOnly?: string;
  /** For kinds of other packages: loads the driver (its default export). Ours are found by the runtime's registry. */
  readonly driver?: () => Promise<{ readonly default: unknown }>;
  /** For kinds of other packages: `name@version`, so that another machine can load it; and the module that exports the kind. */
  readonly from?: { readonly package: string; readonly version: string; readonly module: string };
}
export type AnyKind = Kind<string, string, Fields, Fields>;
export type Resolved<K extends AnyKind> = ResolvedOf<K['fields']>;
export type OutputsOf<K extends AnyKind> = ResolvedOf<K['outputs']>;

export interface KindSettings<F extends Fields, O extends Fields> {
  readonly rules?: readonly Rule<NoInfer<keyof F & string>>[];
  readonly outputs?: O;
  /** @default 1 */
  readonly revision?: number;
  readonly packerType?: string | false;
  /** For data sources: whether what is read is recorded in images.lock, where the user does not say. @default true */
  readonly lock?: boolean;
  readonly driver?: () => Promise<{ readonly default: unknown }>;
  readonly from?: { readonly package: string; readonly version: string; readonly module: string };
}

const role = <const R extends Role>(r: R) =>
  <const T extends string, F extends Fields, O extends Fields = {}>(type: T, fields: F, settings: KindSettings<F, O> = {}): Kind<R, T, F, O> => ({
    role: r, type, key: `${r}/${type}`, fields, outputs: settings.outputs ?? ({} as O), rules: (settings.rules ?? []) as readonly Rule<string>[],
    revision: settings.revision ?? 1, packerType: settings.packerType ?? type,
    ...(settings.lock === undefined ? {} : { lock: settings.lock }),
    ...(settings.driver ? { driver: settings.driver } : {}), ...(settings.from ? { from: settings.from } : {}),
  });

/** Declares a kind of source. */
export const source = role('source');
/** Declares a kind of provisioner. */
export const provisioner = role('provisioner');
/** Declares a kind of post-processor. */
export const postProcessor = role('post-processor');
/** Declares a kind of data source. */
export const data = role('data');
