/** `imagebake/packer`: every component of Packer and its plugins as a typed class, in Packer's own options. They validate and export. */
export * from './components/index.js';
export { block, PackerComponent, PackerDataComponent, type PluginSettings, type RawBlock, type RawOptions } from './component.js';
export type { PackerKind } from './kind.js';
export type * from './types.js';
