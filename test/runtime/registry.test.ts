import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRegistry } from '../../lib/runtime/registry.js';
import { temporaryFolder } from '../support/program.js';

const kindModule = (key: string): string => {
  const [role, type] = [key.slice(0, key.indexOf('/')), key.slice(key.indexOf('/') + 1)];
  return `export const other = 1;\nexport const kind = { role: '${role}', type: '${type}', key: '${key}', fields: {}, outputs: {}, rules: [], revision: 1, packerType: false, driver: async () => ({ default: { effects: 'guest', run: async () => ({ from: 'package' }) } }) };\n`;
};

/** A project with one package in it. */
async function project(manifest: object, files: { readonly [name: string]: string }): Promise<string> {
  const folder = await temporaryFolder(), home = join(folder, 'node_modules/@acme/tools');
  await mkdir(join(home, 'lib'), { recursive: true });
  await writeFile(join(home, 'package.json'), JSON.stringify({ name: '@acme/tools', version: '1.0.0', type: 'module', ...manifest }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text);
  return join(folder, 'package.json');
}
const requires = (module: string) => ({ '@acme/tools': { version: '1.0.0', modules: { 'provisioner/@acme/tools:x': module } } });
const key = 'provisioner/@acme/tools:x';

describe('kinds of other packages', () => {
  it.each([
    ['its main file', { main: 'lib/main.js' }, 'lib/main.js', '@acme/tools'],
    ['an export for import only', { exports: { '.': { import: './lib/main.js' } } }, 'lib/main.js', '@acme/tools'],
    ['a subpath', { exports: { './kinds': { types: './x.d.ts', default: './lib/kinds.js' } } }, 'lib/kinds.js', '@acme/tools/kinds'],
  ])('are loaded from beside the program: %s', async (_how, manifest, file, module) => {
    const registry = makeRegistry({ requires: requires(module), from: await project(manifest, { [file]: kindModule(key) }) });
    expect(await registry.kind(key)).toMatchObject({ key });
    expect(await (await registry.driver(key)).run({} as never, undefined as never, undefined as never)).toEqual({ from: 'package' });
  });

  it('that are not installed are an error with the command that installs them', async () => {
    const registry = makeRegistry({ requires: requires('@acme/tools/kinds'), from: join(await temporaryFolder(), 'package.json') });
    await expect(registry.kind(key)).rejects.toMatchObject({ code: 'KIND_NOT_LOADED', remedy: expect.stringContaining('npm install @acme/tools') });
  });

  it('that their module does not have are an error that says so', async () => {
    const registry = makeRegistry({ requires: requires('@acme/tools'), from: await project({ main: 'lib/main.js' }, { 'lib/main.js': kindModule('provisioner/@acme/tools:y') }) });
    await expect(registry.kind(key)).rejects.toThrow(`it exports no kind '${key}'`);
  });
});

describe('kinds that nobody has', () => {
  it('are an error with the nearest one', async () => {
    await expect(makeRegistry().driver('post-processor/manifst')).rejects.toThrow('There is no post-processor manifst here. The nearest is post-processor manifest.');
  });
  it("are, in Packer's own options, for export only", async () => {
    await expect(makeRegistry().driver('source/packer:hyperv-iso')).rejects.toMatchObject({ code: 'KIND_EXPORT_ONLY', message: expect.stringContaining('source hyperv-iso') });
  });
});
