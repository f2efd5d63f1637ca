/** The Plan: what is to be done, as plain JSON with tagged values. It runs anywhere; nothing of the program is needed any more. */
import type { Json, JsonObject } from './json.js';

export const planFormat = 'imagebake/plan/1';

export interface Plan {
  readonly format: typeof planFormat;
  /** Packages that the kinds of this plan come from, where they are not ours: name -> version and module. */
  readonly requires: { readonly [pkg: string]: { readonly version: string; readonly modules: { readonly [kind: string]: string } } };
  readonly variables: { readonly [name: string]: PlannedVariable };
  /** Data sources, read between synth and run, in this order. */
  readonly data: readonly PlannedData[];
  /** In an order in which each comes after those it stands on. */
  readonly targets: readonly Target[];
  /** Findings of policies that were accepted, and why. */
  readonly acknowledged?: readonly { readonly policy: string; readonly path: string; readonly reason: string }[];
  /** Every file that the plan names: digest -> where it lies (relative to the plan's folder after `bake synth --out`, else to the program's), what it is and how large. */
  readonly files: { readonly [digest: string]: PlannedFile };
}

export interface PlannedVariable { readonly type: string; readonly description?: string; readonly sensitive?: true; readonly value?: Json; readonly structural?: true }
export interface PlannedFile { readonly path: string; readonly kind: 'file' | 'folder'; readonly size: number; readonly mode: number }

/** The unit of work: one source of one build. */
export interface Target {
  /** `web/qemu` */
  readonly path: string;
  /** Construct path of the ImageBuild: `web`. */
  readonly build: string;
  /** Name of the source in the build. */
  readonly name: string;
  /** Targets whose artifacts or outputs this one uses. */
  readonly after: readonly string[];
  readonly source: PlannedComponent;
  readonly provisioners: readonly PlannedStep[];
  /** Run on the guest when a provisioner failed, before clean-up. */
  readonly errorCleanup: readonly PlannedStep[];
  /** Each entry starts from the source's artifact; inside an entry one follows the other. */
  readonly postProcessors: readonly (readonly PlannedPostProcessor[])[];
  readonly settings: TargetSettings;
  readonly at?: string;
}
export interface TargetSettings { readonly checkpoint?: 'auto' | 'always' | 'never'; readonly timeout?: number }

export interface PlannedComponent {
  /** `source/qemu` */
  readonly kind: string;
  /** Construct path: `web/qemu`, `web/shell-2`. */
  readonly path: string;
  /** Tagged: `{"$size":…}`, `{"$duration":…}`, `{"$secret":…}`, `{"$file":"sha256:…"}`, `{"$expr":…}`, `{"$image":"base/qemu"}`, `{"$generated":"x"}`. Defaults filled in. */
  readonly props: JsonObject;
  /** Digest of the props and of the files they name, by what a change of them makes invalid. */
  readonly own: { readonly disk: string; readonly machine: string; readonly capture: string };
  /** Secrets that the props mention, by name. */
  readonly secrets?: readonly string[];
  /** Outside every digest. */
  readonly at?: string;
}
export interface PlannedStep extends PlannedComponent {
  readonly settings: StepSettings;
}
/** Milliseconds throughout. */
export interface StepSettings {
  readonly pauseBefore?: number; readonly pauseAfter?: number; readonly timeout?: number; readonly maxRetries?: number;
  readonly continueOnError?: boolean; readonly checkpoint?: 'auto' | 'always' | 'never'; readonly expires?: number; readonly creates?: readonly string[];
}
export interface PlannedPostProcessor extends PlannedComponent { readonly keepInputArtifact?: boolean }
export interface PlannedData extends PlannedComponent {
  readonly outputs: readonly string[];
  /** Recorded in images.lock, and read again only by `bake update`. */
  readonly lock: boolean;
  /** Outputs that must never be printed or recorded. */
  readonly sensitive?: readonly string[];
}
