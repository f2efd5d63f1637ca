/** Sources, provisioners, post-processors and data sources as values: described once, bound into builds later. */
import { Construct } from 'constructs';
import type { Fields, PropsOf, ReadOf } from '../fields.js';
import { field } from '../fields.js';
import type { AnyKind } from '../kinds.js';
import { placeOf } from '../location.js';
import { type Duration, type Ref, ref } from '../values.js';

/** What all components share: a kind, the props as written, and where they were written. */
export interface Component<K extends AnyKind = AnyKind> {
  readonly kind: K;
  /** Fields of the kind and settings of the role, as the user gave them. */
  readonly props: object;
  /** Its stack says where the user wrote the component. */
  readonly at: Error;
}

// ---- sources -------------------------------------------------------------------------------------------------------------------

export interface SourceSettings<N extends string = string> {
  /** Name of this source in its build; its type when left out. Needed where a build has two sources of one type. */
  readonly name?: N | undefined;
  /** Options of Packer for the exported template, by Packer's names: written over what this component exports; null takes one away. Without effect on builds here. */
  readonly packerOverrides?: { readonly [option: string]: unknown } | undefined;
}
/** The settings as a table, for validation and docs. */
export const sourceSettings = {
  /** Name of this source in its build; its type when left out. */
  name: field.string({ packerName: false, affects: 'none' }),
  /** Options of Packer for the exported template, by Packer's names; null takes one away. Without effect on builds here. */
  packerOverrides: field.json({ affects: 'none', packerName: false }),
};

/** A description of a machine to start from. N is its name, a literal. */
export abstract class Source<K extends AnyKind = AnyKind, N extends string = string> implements Component<K> {
  declare readonly $role?: 'source';
  readonly name: N;
  readonly at: Error;
  constructor(readonly kind: K, readonly props: PropsOf<K['fields']> & SourceSettings<N>) {
    this.at = placeOf(new.target);
    // A kind of another package is called by what follows its package: '@acme/foo:bar' is 'bar'.
    this.name = (props?.name ?? kind.type.slice(kind.type.lastIndexOf(':') + 1)) as N;
  }
}
/** Any source. Its name is left out on purpose: named here, a source without a name would be inferred as `string`. */
export interface AnySource { readonly kind: AnyKind; readonly props: object }

// ---- provisioners --------------------------------------------------------------------------------------------------------------

export interface ProvisionerSettings<O extends string = string, V extends string = string, P = object> {
  /** Name of this step in its build; its type when left out. */
  readonly name?: string | undefined;
  /** Names of sources to run on; all when left out. */
  readonly only?: readonly O[] | undefined;
  /** Names of sources not to run on. */
  readonly except?: readonly O[] | undefined;
  /** Props that differ for one source, by its name. */
  readonly override?: { readonly [S in V]: Partial<P> } | undefined;
  /** Waited before the step starts. */
  readonly pauseBefore?: Duration | undefined;
  /** Waited after the step succeeded. */
  readonly pauseAfter?: Duration | undefined;
  /** The step is ended and counts as failed after this time. No limit when left out. */
  readonly timeout?: Duration | undefined;
  /** How often a failed step is tried again. @default 0 */
  readonly maxRetries?: number | undefined;
  /** A failure of this step is a warning, and the build goes on. @default false */
  readonly continueOnError?: boolean | undefined;
  /** Whether the machine is saved after this step, so that a later build resumes here. @default 'auto' */
  readonly checkpoint?: 'auto' | 'always' | 'never' | undefined;
  /** A saved result of this step is not used any more after this time. */
  readonly expires?: Duration | undefined;
  /** For steps on this computer: the files they make. Where all are there and nothing changed, the step is not repeated. */
  readonly creates?: readonly string[] | undefined;
  /** Options of Packer for the exported template, by Packer's names: written over what this component exports; null takes one away. Without effect on builds here. */
  readonly packerOverrides?: { readonly [option: string]: unknown } | undefined;
}
export const provisionerSettings = {
  /** Name of this step in its build; its type when left out. */
  name: field.string({ packerName: false, affects: 'none' }),
  /** Names of sources to run on; all when left out. */
  only: field.list(field.string(), { affects: 'none' }),
  /** Names of sources not to run on. */
  except: field.list(field.string(), { affects: 'none' }),
  /** Props that differ for one source, by its name. */
  override: field.json({ affects: 'none' }),
  /** Waited before the step starts. */
  pauseBefore: field.duration({ affects: 'none' }),
  /** Waited after the step succeeded. */
  pauseAfter: field.duration({ affects: 'none', packerName: false }),
  /** The step is ended and counts as failed after this time. */
  timeout: field.duration({ affects: 'none' }),
  /**
   * How often a failed step is tried again.
   * @default 0
   */
  maxRetries: field.integer({ affects: 'none', min: 0 }),
  /**
   * A failure of this step is a warning, and the build goes on.
   * @default false
   */
  continueOnError: field.boolean({ affects: 'none' }),
  /**
   * Whether the machine is saved after this step.
   * @default 'auto'
   */
  checkpoint: field.oneOf(['auto', 'always', 'never'], { affects: 'none', packerName: false }),
  /** A saved result of this step is not used any more after this time. */
  expires: field.duration({ affects: 'none', packerName: false }),
  /** For steps on this computer: the files they make. */
  creates: field.list(field.string(), { affects: 'none', packerName: false }),
  /** Options of Packer for the exported template, by Packer's names; null takes one away. Without effect on builds here. */
  packerOverrides: field.json({ affects: 'none', packerName: false }),
};

/**
 * A step that changes the machine. O: the source names that it mentions; a build accepts it only where it has them all. NoInfer: without
 * exactOptionalPropertyTypes, O would be inferred from the build around it, as `string`.
 */
export abstract class Provisioner<K extends AnyKind = AnyKind, O extends string = never> implements Component<K> {
  declare readonly $role?: 'provisioner';
  declare readonly $names?: NoInfer<O>;
  readonly at: Error;
  constructor(readonly kind: K, readonly props: PropsOf<K['fields']>) { this.at = placeOf(new.target); }
}
/** Anything that names only sources in N: one provisioner, or a group of them. */
export interface ProvisionerFor<N extends string> { readonly at: Error; readonly $role?: 'provisioner'; readonly $names?: N }

/** Several provisioners under one name, as one value. Extend it to share them: `class Hardened extends ProvisionerGroup { … }`. */
export class ProvisionerGroup<O extends string = never> {
  declare readonly $role?: 'provisioner';
  declare readonly $names?: NoInfer<O>;
  readonly at: Error;
  readonly provisioners: readonly ProvisionerFor<O>[];
  /** Name of the group in its build; the class name in kebab-case when left out. */
  readonly name: string;
  constructor(props: { readonly name?: string; readonly provisioners: readonly ProvisionerFor<O>[] }) {
    this.at = placeOf(new.target);
    this.provisioners = props.provisioners;
    this.name = props.name ?? kebab(this.constructor.name === 'ProvisionerGroup' ? 'group' : this.constructor.name);
  }
}
const kebab = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();

// ---- post-processors -----------------------------------------------------------------------------------------------------------

export interface PostProcessorSettings<O extends string = string> {
  /** Name of this post-processor in its build; its type when left out. */
  readonly name?: string | undefined;
  /** Names of sources to run for; all when left out. */
  readonly only?: readonly O[] | undefined;
  /** Names of sources not to run for. */
  readonly except?: readonly O[] | undefined;
  /** Keep what went in. Each post-processor has its own default. */
  readonly keepInputArtifact?: boolean | undefined;
  /** Options of Packer for the exported template, by Packer's names: written over what this component exports; null takes one away. Without effect on builds here. */
  readonly packerOverrides?: { readonly [option: string]: unknown } | undefined;
}
export const postProcessorSettings = {
  /** Name of this post-processor in its build; its type when left out. */
  name: field.string({ affects: 'none', packerName: false }),
  /** Names of sources to run for; all when left out. */
  only: field.list(field.string(), { affects: 'none' }),
  /** Names of sources not to run for. */
  except: field.list(field.string(), { affects: 'none' }),
  /** Keep what went in. Each post-processor has its own default. */
  keepInputArtifact: field.boolean({ affects: 'none' }),
  /** Options of Packer for the exported template, by Packer's names; null takes one away. Without effect on builds here. */
  packerOverrides: field.json({ affects: 'none', packerName: false }),
};

/** Something done with a finished artifact. */
export abstract class PostProcessor<K extends AnyKind = AnyKind, O extends string = never> implements Component<K> {
  declare readonly $role?: 'post-processor';
  declare readonly $names?: NoInfer<O>;
  readonly at: Error;
  constructor(readonly kind: K, readonly props: PropsOf<K['fields']>) { this.at = placeOf(new.target); }
}
export interface PostProcessorFor<N extends string> { readonly at: Error; readonly $role?: 'post-processor'; readonly $names?: N }

// ---- data sources --------------------------------------------------------------------------------------------------------------

export type RefsOf<F extends Fields> = { readonly [K in keyof F]: Ref<ReadOf<F[K]>> };

export interface DataSettings {
  /** Whether what was read is recorded in images.lock, and read again only by `bake update`. Each kind has its own default. */
  readonly lock?: boolean | undefined;
  /** What is read is secret: it is never printed, nor recorded. @default false */
  readonly sensitive?: boolean | undefined;
}
export const dataSettings = {
  /** Whether what was read is recorded in images.lock, and read again only by `bake update`. */
  lock: field.boolean({ affects: 'none', packerName: false }),
  /**
   * What is read is secret: it is never printed, nor recorded.
   * @default false
   */
  sensitive: field.boolean({ affects: 'none', packerName: false }),
};

/** Something read from outside between synth and run: a construct, whose outputs are Refs. */
export abstract class DataSource<K extends AnyKind = AnyKind> extends Construct implements Component<K> {
  readonly $dataSource = true;
  readonly at: Error;
  readonly outputs: RefsOf<K['outputs']>;
  constructor(scope: Construct, id: string, readonly kind: K, readonly props: PropsOf<K['fields']> & DataSettings) {
    super(scope, id);
    this.at = placeOf(new.target);
    this.outputs = Object.fromEntries(Object.keys(kind.outputs).map(output => [output, ref({ op: 'data', path: this.node.path, output })])) as RefsOf<K['outputs']>;
  }
}

// ---- what a value is, without instanceof ---------------------------------------------------------------------------------------

/** Whether a value is a component of a role: by its kind, so that a second copy of this package is understood too. */
export function isComponent(value: unknown, role?: string): value is Component {
  const kind = (value as Component | undefined)?.kind;
  return typeof kind === 'object' && kind !== null && typeof kind.role === 'string' && (role === undefined || kind.role === role);
}
export function isGroup(value: unknown): value is ProvisionerGroup<string> {
  return typeof value === 'object' && value !== null && Array.isArray((value as ProvisionerGroup).provisioners);
}
