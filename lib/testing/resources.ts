/** What a template holds, as a flat list: each component of each target, with its props as they are in the plan. */
import type { BoundComponent } from '../constructs/bind.js';
import type { ImageBuild } from '../constructs/image-build.js';
import type { AnyKind, Role } from '../kinds.js';
import type { Plan, PlannedComponent } from '../plan.js';
import type { Program } from '../synth/collect.js';

export interface Resource {
  readonly role: Role;
  /** `source/qemu` */
  readonly kind: string;
  /** Construct path: `web/qemu`, `web/shell-2`. */
  readonly path: string;
  /** The target that it belongs to; empty for a data source. */
  readonly target: string;
  /** Props as in the plan, and settings beside them. */
  readonly props: { readonly [name: string]: unknown };
  readonly at: string | undefined;
  /** The value that the program made. */
  readonly component: object | undefined;
}

/** How a test names components: a class, a kind, or a kind's key (`source/qemu`, or `qemu`). */
export type KindLike = string | AnyKind | (abstract new (...args: never[]) => object);

export function resourcesOf(plan: Plan, program: Program): Resource[] {
  const bound = new Map<string, object>();
  for (const build of program.builds) for (const each of componentsOf(build)) bound.set(each.node.path, each.component);
  for (const data of program.data) bound.set(data.node.path, data);
  const resource = (role: Role, target: string, planned: PlannedComponent, settings: object = {}): Resource =>
    ({ role, kind: planned.kind, path: planned.path, target, props: { ...planned.props, ...settings }, at: planned.at, component: bound.get(planned.path) });
  return [
    ...plan.data.map(data => resource('data', '', data)),
    ...plan.targets.flatMap(target => [
      resource('source', target.path, target.source),
      ...[...target.provisioners, ...target.errorCleanup].map(step => resource('provisioner', target.path, step, durations(step.settings))),
      ...target.postProcessors.flat().map(each => resource('post-processor', target.path, each, each.keepInputArtifact === undefined ? {} : { keepInputArtifact: each.keepInputArtifact })),
    ]),
  ];
}

const componentsOf = (build: ImageBuild): readonly BoundComponent[] => [...build.sources, ...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()];

/** Settings of a step as the program wrote them: the plan has milliseconds. */
function durations(settings: object): object {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, ['pauseBefore', 'pauseAfter', 'timeout', 'expires'].includes(name) ? { $duration: value as number } : value as unknown]));
}

/** Whether a resource is of a kind. A class counts by its instances, so that a class of yours is told from the one that it extends. */
export function isOfKind(resource: Resource, kind: KindLike): boolean {
  if (typeof kind === 'string') return kind === resource.kind || kind === resource.kind.slice(resource.role.length + 1);
  if (typeof kind === 'object') return kind.key === resource.kind;
  return resource.component instanceof kind;
}

export function nameOfKind(kind: KindLike): string {
  return typeof kind === 'string' ? kind : typeof kind === 'object' ? kind.key : kind.name;
}
