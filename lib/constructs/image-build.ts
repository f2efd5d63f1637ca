/** An image to build: sources side by side, the same provisioners on each, post-processors on what comes out. */
import { Construct } from 'constructs';
import type { Fields, ImageOf, ImageRef, ReadOf } from '../fields.js';
import type { AnyKind } from '../kinds.js';
import { placeOf } from '../location.js';
import { type Duration, type Ref, ref } from '../values.js';
import { acknowledge } from './acknowledge.js';
import { type BindingProblem, bindPostProcessor, bindProvisioner, bindSource, type BoundComponent, listOf } from './bind.js';
import type { AnySource, PostProcessorFor, ProvisionerFor, Source } from './component.js';

type Sources = readonly AnySource[];
type KindOf<S> = S extends { readonly kind: infer K extends AnyKind } ? K : never;
type NameOf<S> = S extends { readonly name: infer N extends string } ? N : never;
/** The names of a build's sources, as literals where they are known. */
export type NamesOf<S extends Sources> = NameOf<S[number]>;
type RefsOf<F extends Fields> = { readonly [K in keyof F]: Ref<ReadOf<F[K]>> };
/** Per source name, a Ref for each output of its kind. */
export type BuildOutputs<S extends Sources> = { readonly [X in S[number] as NameOf<X>]: RefsOf<KindOf<X>['outputs']> };

export interface ImageBuildProps<S extends Sources> {
  /** Machines to start from. Each makes an artifact of its own, at the same time as the others. */
  readonly sources: S;
  /** Steps that change the machine, in order. */
  readonly provisioners?: readonly ProvisionerFor<NoInfer<NamesOf<S>>>[];
  /** Steps run on the guest when a provisioner failed, before clean-up: to save logs, to give a licence back. */
  readonly errorCleanup?: readonly ProvisionerFor<NoInfer<NamesOf<S>>>[];
  /** Each entry starts from the source's artifact; a list inside is a sequence, each step starting from the one before. */
  readonly postProcessors?: readonly (PostProcessorFor<NoInfer<NamesOf<S>>> | readonly PostProcessorFor<NoInfer<NamesOf<S>>>[])[];
  /** What the image is for, in a line: shown by `bake list` and `bake inspect`. */
  readonly description?: string;
  /** Each target of the build is ended and counts as failed after this time. No limit when left out. */
  readonly timeout?: Duration;
  /** For all steps that do not say themselves. @default 'auto' */
  readonly checkpoint?: 'auto' | 'always' | 'never';
}

export class ImageBuild<const S extends Sources = Sources> extends Construct implements ImageOf<S[number]['kind']['type']> {
  declare readonly $types?: { readonly [T in S[number]['kind']['type']]: true };
  readonly $imageBuild = true;
  /** Refs to what each source makes, by source name: inputs of other builds, of `text`, of post-processors. */
  readonly outputs: BuildOutputs<S>;
  readonly at: Error;
  readonly description: string | undefined;
  readonly timeout: Duration | undefined;
  readonly checkpoint: 'auto' | 'always' | 'never' | undefined;
  /** What was bound so far, for synth, policies and exporters. */
  readonly sources: BoundComponent[] = [];
  readonly provisioners: BoundComponent[] = [];
  readonly errorCleanup: BoundComponent[] = [];
  readonly postProcessors: BoundComponent[][] = [];
  readonly bindingProblems: BindingProblem[] = [];

  constructor(scope: Construct, id: string, props: ImageBuildProps<S>) {
    super(scope, id);
    this.at = placeOf(new.target);
    this.description = props.description;
    this.timeout = props.timeout;
    this.checkpoint = props.checkpoint;
    for (const source of listOf(this, 'sources', props.sources)) bindSource(this, source);
    for (const p of listOf(this, 'provisioners', props.provisioners)) bindProvisioner(this, p, this.provisioners, 'provisioners');
    for (const p of listOf(this, 'errorCleanup', props.errorCleanup)) bindProvisioner(this, p, this.errorCleanup, 'errorCleanup');
    for (const p of listOf(this, 'postProcessors', props.postProcessors)) bindPostProcessor(this, p);
    this.outputs = Object.fromEntries(this.sources.map(({ component }) => [(component as Source).name,
      Object.fromEntries(Object.keys(component.kind.outputs).map(output => [output, ref({ op: 'output', target: `${this.node.path}/${(component as Source).name}`, output })]))])) as BuildOutputs<S>;
  }

  /** Adds a step after those there are. */
  addProvisioner(provisioner: ProvisionerFor<NamesOf<S>>): this {
    bindProvisioner(this, provisioner, this.provisioners, 'addProvisioner');
    return this;
  }

  /** Adds a post-processor, or a sequence of them, after those there are. */
  addPostProcessor(postProcessor: PostProcessorFor<NamesOf<S>> | readonly PostProcessorFor<NamesOf<S>>[]): this {
    bindPostProcessor(this, postProcessor);
    return this;
  }

  /** One source of this build as the base of another, where the build has several of that type. */
  source<N extends NamesOf<S>>(name: N): ImageRef<Extract<S[number], { readonly name: N }>['kind']['type']> {
    return { $image: `${this.node.path}/${name}` };
  }

  /** Refs to what a step or post-processor of this build gives, by source name: `build.outputsOf(push)['docker'].digest`. */
  outputsOf<K extends AnyKind>(component: { readonly kind: K; readonly at: Error }): { readonly [N in NamesOf<S>]: RefsOf<K['outputs']> } {
    const bound = [...this.provisioners, ...this.postProcessors.flat()].find(b => (b.component as object) === component);
    if (bound === undefined) {
      this.bindingProblems.push({ code: 'BAD_REFERENCE', path: this.node.path, at: component.at, message: `outputs of a ${component.kind.role} (${component.kind.type}) are asked for that is not in this build`, remedy: 'Put it into provisioners or postProcessors first.' });
    }
    const of = bound?.node.path ?? '';
    return Object.fromEntries(this.sources.map(({ component: source }) => (source as Source).name).map(name =>
      [name, Object.fromEntries(Object.keys(component.kind.outputs).map(output => [output, ref({ op: 'output', target: `${this.node.path}/${name}`, output, of })]))])) as never;
  }

  /**
   * Accepts the findings of a policy for this build, or for one component of it (its path below the build: `qemu`, `shell-2`), for a
   * reason that stands in the plan.
   */
  acknowledge(policy: string, reason: string, component?: string): this {
    acknowledge(this, policy, reason, component);
    return this;
  }
}

/** Whether a value is an ImageBuild, of whichever copy of this package. */
export function isImageBuild(value: unknown): value is ImageBuild {
  return typeof value === 'object' && value !== null && '$imageBuild' in value;
}
