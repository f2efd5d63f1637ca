/** Packer's own components, from the option tables: one line of options for each. */
import { pluginOf } from '../../lib/packer/components/catalogue.js';
import { packerClassName, propName } from '../../lib/packer/names.js';
import { findComponent, type Option, type OptionTable, pluginOptions } from '../../lib/packer/option-table.js';
import { allPackerRules } from '../../lib/packer/rules/index.js';

const words: { readonly [type: string]: string } = { bool: 'true or false', string: 'text', 'list(string)': 'list', 'list(number)': 'list of numbers', 'list(list(string))': 'list of lists', 'map(string)': 'names and texts', any: 'any value' };

export function apiPacker(): string {
  const plugins = [...new Set(Object.values(pluginOf))].sort();
  const shared = Object.keys(pluginOf).flatMap(key => findComponent(key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1))!.options['ssh_private_key_file'] === undefined ? [] : [findComponent(key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1))!.options]);
  const communicator = Object.fromEntries(Object.entries(shared[0]!).filter(([name, option]) => shared.every(t => JSON.stringify(t[name]) === JSON.stringify(option))));
  const chapters = plugins.map(plugin => {
    const { source, version, components } = pluginOptions(plugin);
    const each = Object.entries(components).map(([key, { options, outputs }]) => {
      const [role, type] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)];
      const reached = Object.keys(communicator).every(name => name in options);
      const own = Object.fromEntries(Object.entries(options).filter(([name]) => !(reached && name in communicator)));
      const rules = (allPackerRules[`${role === 'builder' ? 'source' : role}/${type}`] ?? []).map(r => r.says);
      return `#### ${packerClassName(role, type)}\n\n\`${key}\`. ${listed(own)}${reached ? '; and the [options of the communicator](#options-of-the-communicator)' : ''}.${rules.length === 0 ? '' : ` Rules: ${rules.join('; ')}.`}${outputs === undefined ? '' : ` Outputs: ${listed(outputs)}.`}\n`;
    });
    return `### ${source === undefined ? `Packer ${version}` : `${plugin} (${source} ${version})`}\n\n${each.join('\n')}`;
  });
  return `Each class takes Packer's options in camel case; they validate and export (\`toPackerHcl(app)\`, \`toPackerJson(app)\`, \`bake synth --format packer-hcl\`), and \`bake build\` refuses them. A component that is not here: \`new PackerComponent('builder', 'my-plugin', { … })\`, with \`block({ … })\` for blocks.\n\n### Options of the communicator\n\n${listed(communicator)}.\n\n${chapters.join('\n')}`;
}

function listed(options: OptionTable): string {
  return Object.entries(options).map(([name, option]) => `\`${propName(name)}\` ${described(option)}`).join(', ');
}
function described(option: Option): string {
  if ('block' in option) return `${option.block === 'list' ? 'blocks' : 'block'} (${listed(option.options)})`;
  return `${words[option.type] ?? option.type}${option.secret ? ' or Secret' : ''}`;
}
