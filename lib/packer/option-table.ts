/** Packer's options, as data: what each component of Packer and its plugins takes. Read from options/<plugin>.json on first use. */
import { readFileSync } from 'node:fs';
import { errors } from '../errors.js';
import { pluginOf, type PackerComponentKey } from './components/catalogue.js';

const fail = errors('PACKER', {
  NO_COMPONENT: {
    message: (key: string) => `Packer's option table has no component '${key}'.`,
    remedy: 'Use PackerComponent for a component that only you know; its options are then taken as they are.',
  },
});

/** An attribute's type in Packer's notation; `duration` is a string such as `1h30m`. */
export type AttributeType = 'string' | 'duration' | 'bool' | 'number' | 'list(string)' | 'list(number)' | 'list(list(string))' | 'map(string)' | 'any';
/**
 * `required` is what Packer's documentation says, not a rule: what is enforced stands in rules/. `secret`: the value is a secret, or text
 * in which one is common (commands, environments, files written into the guest).
 */
export type Option =
  | { readonly type: AttributeType; readonly required?: true; readonly secret?: true }
  | { readonly block: 'single' | 'list'; readonly options: OptionTable };
export interface OptionTable { readonly [option: string]: Option }
export interface ComponentOptions { readonly options: OptionTable; readonly outputs?: OptionTable }
/** One file of options/. Packer's own components have no source. */
export interface PluginOptions {
  readonly plugin: string; readonly source?: string; readonly version: string;
  readonly components: { readonly [key: string]: ComponentOptions };
}

/** Packer's word for a role. */
export type PackerRole = 'builder' | 'provisioner' | 'post-processor' | 'data';
export const packerRole = (role: string): PackerRole => (role === 'source' ? 'builder' : role) as PackerRole;

const loaded = new Map<string, PluginOptions>();

/** The options of one plugin (`amazon`; `packer` for what is built in). */
export function pluginOptions(plugin: string): PluginOptions {
  let options = loaded.get(plugin);
  if (options === undefined) {
    options = JSON.parse(readFileSync(new URL(`./options/${plugin}.json`, import.meta.url), 'utf8')) as PluginOptions;
    loaded.set(plugin, options);
  }
  return options;
}

/** The plugin that a component comes from, or undefined where the table does not know it. `role` is ours or Packer's. */
export function pluginFor(role: string, type: string): PluginOptions | undefined {
  const key = `${packerRole(role)}/${type}`;
  return Object.hasOwn(pluginOf, key) ? pluginOptions(pluginOf[key as PackerComponentKey]) : undefined;
}

/** The options and outputs of a component, or undefined where the table does not know it. */
export function findComponent(role: string, type: string): ComponentOptions | undefined {
  return pluginFor(role, type)?.components[`${packerRole(role)}/${type}`];
}

/** The options and outputs of a component that is in the table. Throws PACKER_NO_COMPONENT otherwise. */
export function componentOptions(role: string, type: string): ComponentOptions {
  const found = findComponent(role, type);
  if (found === undefined) throw fail.NO_COMPONENT(`${packerRole(role)}/${type}`);
  return found;
}
