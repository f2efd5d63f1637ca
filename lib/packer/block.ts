/** Blocks in options that no table knows. */

/** Options by Packer's own names; `block({…})` where the plugin takes a block. Refs and Secrets fit everywhere. */
export interface RawOptions { readonly [option: string]: unknown }
/** Marks a nested block, or several of one name. */
export interface RawBlock { readonly $block: RawOptions | readonly RawOptions[] }

/** Options that are a block in HCL: `block({ size: 10 })`, or `block([{ … }, { … }])` for a block that is repeated. */
export function block(options: RawOptions | readonly RawOptions[]): RawBlock { return { $block: options }; }

export function isBlock(value: unknown): value is RawBlock {
  return typeof value === 'object' && value !== null && '$block' in value;
}
