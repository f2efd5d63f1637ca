/** Binding: components, which are values, get their places in the construct tree: paths, names, and what is wrong with them. */
import { Construct } from 'constructs';
import { type Component, isComponent, isGroup, type Source } from './component.js';
import type { ImageBuild } from './image-build.js';
import { short } from '../short.js';

/** A component at its place in the tree. */
export class BoundComponent extends Construct {
  readonly $bound = true;
  constructor(scope: Construct, id: string, readonly component: Component) { super(scope, id); }
}

/** A problem that came up while components were bound; synth reports it with the others. */
export interface BindingProblem { readonly code: string; readonly path: string; readonly message: string; readonly remedy: string; readonly at: Error }

export function bindSource(build: ImageBuild, value: unknown): void {
  if (!isComponent(value, 'source')) return refuse(build, 'sources', value, 'a source, such as new QemuSource({…})');
  const source = value as unknown as Source;
  if (typeof source.name !== 'string' || source.name === '' || source.name.includes('/')) {
    build.bindingProblems.push({
      code: 'BAD_NAME', path: build.node.path, at: source.at,
      message: `${short(source.name)} is no name for a source`, remedy: `Use text without '/': a source is known by the path of its build and its name.`,
    });
    return;
  }
  if (build.sources.some(s => (s.component as unknown as Source).name === source.name)) {
    build.bindingProblems.push({
      code: 'DUPLICATE_SOURCE', path: `${build.node.path}/${source.name}`, at: source.at,
      message: `two sources of this build are called '${source.name}'`, remedy: `Give one of them a name of its own, such as name: '${source.name}-2'.`,
    });
    return;
  }
  build.sources.push(new BoundComponent(build, source.name, source));
}

/** Binds a provisioner, or the members of a list or a group. */
export function bindProvisioner(build: ImageBuild, value: unknown, into: BoundComponent[], field: string, scope: Construct = build): void {
  if (Array.isArray(value)) {
    for (const each of value) bindProvisioner(build, each, into, field, scope);
  } else if (isGroup(value)) {
    const group = new Construct(scope, freeId(scope, value.name));
    for (const each of value.provisioners) bindProvisioner(build, each, into, field, group);
  } else if (isComponent(value, 'provisioner')) {
    into.push(new BoundComponent(scope, nameOrType(build, scope, value), value));
  } else {
    refuse(build, field, value, 'a provisioner, such as new ShellProvisioner({…})');
  }
}

/** Binds a post-processor, or a sequence of them. */
export function bindPostProcessor(build: ImageBuild, value: unknown): void {
  const bound: BoundComponent[] = [];
  for (const each of Array.isArray(value) ? value : [value]) {
    if (isComponent(each, 'post-processor')) bound.push(new BoundComponent(build, nameOrType(build, build, each), each));
    else refuse(build, 'postProcessors', each, 'a post-processor, such as new ManifestPostProcessor({})');
  }
  if (bound.length > 0) build.postProcessors.push(bound);
}

export function listOf<T>(build: ImageBuild, field: string, value: readonly T[] | undefined): readonly T[] {
  if (value === undefined || Array.isArray(value)) return value ?? [];
  build.bindingProblems.push({
    code: 'WRONG_TYPE', path: build.node.path, at: build.at,
    message: `${field} is ${shown(value)} where it must be a list`, remedy: `Write it in brackets: ${field}: [ … ].`,
  });
  return [];
}

/** A component's id: its name, else its type, else type-2 for the second of one type. A name that is taken is a problem. */
function nameOrType(build: ImageBuild, scope: Construct, component: Component): string {
  const name = (component.props as { readonly name?: unknown } | undefined)?.name;
  if (typeof name !== 'string' || name === '') return freeId(scope, component.kind.type);
  if (scope.node.tryFindChild(idFor(name)) !== undefined) {
    build.bindingProblems.push({
      code: 'DUPLICATE_NAME', path: `${scope.node.path}/${name}`, at: component.at,
      message: `two components here are called '${name}'`, remedy: 'Give one of them another name.',
    });
  }
  return freeId(scope, name);
}

function freeId(scope: Construct, wanted: string): string {
  for (let n = 1; ; n++) {
    const id = idFor(n === 1 ? wanted : `${wanted}-${n}`);
    if (scope.node.tryFindChild(id) === undefined) return id;
  }
}

/** `/` separates the parts of a path, so it cannot be in an id. */
const idFor = (name: string): string => (name === '' ? 'unnamed' : name.replaceAll('/', ':'));

function refuse(build: ImageBuild, field: string, value: unknown, wanted: string): void {
  build.bindingProblems.push({
    code: 'WRONG_TYPE', path: build.node.path, at: isComponent(value) ? value.at : build.at,
    message: `${field} holds ${shown(value)} where it takes ${wanted.split(',')[0]}`, remedy: `Put ${wanted} there.`,
  });
}

function shown(value: unknown): string {
  if (isComponent(value)) return `a ${value.kind.role} (${value.kind.type})`;
  if (value === null || value === undefined) return String(value);
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
