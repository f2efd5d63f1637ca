/** `imagebake/packer`: every component of Packer and its plugins as a typed class, in Packer's own options. They validate and export. */
export * from './components/index.js';
export { block, type RawBlock, type RawOptions } from './block.js';
export { PackerComponent, PackerDataComponent, type PluginSettings } from './component.js';
export type { PackerKind } from './kind.js';
export type * from './types.js';
export { type PackerFiles, type PackerOptions, toPackerHcl, toPackerJson } from '../synth/packer.js';
