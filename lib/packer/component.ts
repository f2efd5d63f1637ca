/** Components that no table knows: a plugin of yours, in its own options. */
import type { Construct } from 'constructs';
import { DataSource, PostProcessor, type PostProcessorSettings, Provisioner, type ProvisionerSettings, Source, type SourceSettings } from '../constructs/component.js';
import type { Role } from '../kinds.js';
import { ref, type Ref } from '../values.js';
import type { RawOptions } from './block.js';
import { type PackerKind, unknownPackerKind } from './kind.js';
import type { PackerRole } from './option-table.js';

/** Where Packer finds the plugin: written into `required_plugins`. */
export interface PluginSettings { readonly plugin?: { readonly name?: string; readonly source: string; readonly version?: string } | undefined }
interface RawProps { readonly options: RawOptions }

class RawSource<N extends string> extends Source<PackerKind<'source', string>, N> {
  constructor(type: string, props: RawProps & SourceSettings<N> & PluginSettings) { super(unknownPackerKind('source', type), props); }
}
class RawProvisioner<O extends string> extends Provisioner<PackerKind<'provisioner', string>, O> {
  constructor(type: string, props: RawProps) { super(unknownPackerKind('provisioner', type), props); }
}
class RawPostProcessor<O extends string> extends PostProcessor<PackerKind<'post-processor', string>, O> {
  constructor(type: string, props: RawProps) { super(unknownPackerKind('post-processor', type), props); }
}

interface PackerComponentConstructor {
  new <const T extends string, const N extends string = T>(role: 'builder', type: T, options: RawOptions, settings?: SourceSettings<N> & PluginSettings): Source<PackerKind<'source', T>, N>;
  new <const O extends string = never, const V extends string = never>(role: 'provisioner', type: string, options: RawOptions, settings?: Omit<ProvisionerSettings<O, V, RawOptions>, 'override'> & { readonly override?: { readonly [S in V]: RawOptions } | undefined } & PluginSettings): Provisioner<PackerKind<'provisioner', string>, O | V>;
  new <const O extends string = never>(role: 'post-processor', type: string, options: RawOptions, settings?: PostProcessorSettings<O> & PluginSettings): PostProcessor<PackerKind<'post-processor', string>, O>;
}

/**
 * A component that imagebake knows nothing of, by Packer's role and type, in the plugin's own options:
 * `new PackerComponent('builder', 'my-plugin', { size: 3, disk: block({ … }) }, { name: 'x', plugin: { source: 'github.com/me/my-plugin' } })`.
 * It exports; the runtime refuses it.
 */
export const PackerComponent = function (role: PackerRole, type: string, options: RawOptions, settings: object = {}) {
  const props = { ...settings, options };
  if (role === 'builder') return new RawSource(type, props);
  if (role === 'provisioner') return new RawProvisioner(type, { ...props, ...overridden(settings) });
  if (role === 'post-processor') return new RawPostProcessor(type, props);
  throw new TypeError(`PackerComponent: the role is '${String(role)}', and must be 'builder', 'provisioner' or 'post-processor'. For a data source, use PackerDataComponent.`);
} as unknown as PackerComponentConstructor;

/** Overrides hold options, as the component itself does. */
function overridden(settings: { readonly override?: { readonly [name: string]: RawOptions } }): object {
  if (settings.override === undefined) return {};
  return { override: Object.fromEntries(Object.entries(settings.override).map(([name, options]) => [name, { options }])) };
}

/** A data source that imagebake knows nothing of. `output('x')` is a Ref to one of its outputs. */
export class PackerDataComponent extends DataSource<PackerKind<'data', string>> {
  constructor(scope: Construct, id: string, type: string, options: RawOptions, settings: PluginSettings = {}) {
    super(scope, id, unknownPackerKind('data' satisfies Role, type), { ...settings, options } as object);
  }
  output<T = string>(name: string): Ref<T> { return ref({ op: 'data', path: this.node.path, output: name }); }
}
