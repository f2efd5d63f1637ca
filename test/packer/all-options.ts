/** Every option of every component, with some value of its type: what a judge can be asked about names and types. */
import { App, ImageBuild } from '../../lib/index.js';
import { pluginOf } from '../../lib/packer/components/catalogue.js';
import { block, PackerComponent, type RawOptions } from '../../lib/packer/index.js';
import { componentOptions, type Option, type OptionTable } from '../../lib/packer/option-table.js';

export interface ComponentId { readonly key: string; readonly role: 'builder' | 'provisioner' | 'post-processor'; readonly type: string }

/** All but data sources, which Packer 1.6.6 does not have. */
export const components: readonly ComponentId[] = Object.keys(pluginOf).filter(key => !key.startsWith('data/'))
  .map(key => ({ key, role: key.slice(0, key.indexOf('/')) as ComponentId['role'], type: key.slice(key.indexOf('/') + 1) }));

const values: { readonly [type: string]: unknown } = {
  string: '1', duration: '1s', bool: true, number: 1, 'list(string)': ['1'], 'list(number)': [1], 'list(list(string))': [['1']], 'map(string)': { a: '1' }, any: { a: { b: '1' } },
};
const valueOf = (option: Option, without: readonly string[], at: string): unknown =>
  !('block' in option) ? values[option.type] : block(option.block === 'single' ? fill(option.options, without, `${at}.`) : [fill(option.options, without, `${at}[0].`)]);
function fill(table: OptionTable, without: readonly string[], at = ''): RawOptions {
  return Object.fromEntries(Object.entries(table).filter(([name]) => !without.includes(at + name)).map(([name, option]) => [name, valueOf(option, without, at + name)]));
}

/** A program with these components, all options of each set but those left out. Each has a source of its own, so that Packer speaks of all of them. */
export function appOfAll(ids: readonly ComponentId[], without: { readonly [key: string]: readonly string[] }): App {
  const app = new App();
  const options = ({ key, role, type }: ComponentId): RawOptions => fill(componentOptions(role, type).options, without[key] ?? []);
  new ImageBuild(app, 'web', {
    sources: ids.map(id => (id.role === 'builder' ? new PackerComponent('builder', id.type, options(id)) : new PackerComponent('builder', 'null', { communicator: 'none' }, { name: id.type }))),
    provisioners: ids.filter(id => id.role === 'provisioner').map(id => new PackerComponent('provisioner', id.type, options(id), { only: [id.type] })),
    postProcessors: ids.filter(id => id.role === 'post-processor').map(id => new PackerComponent('post-processor', id.type, options(id), { only: [id.type] })),
  });
  return app;
}
