import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { toPackerHcl, toPackerJson } from '../../lib/synth/packer.js';
import { requires } from '../support/machine.js';
import { complaints, inFolder, packer } from '../support/packer.js';
import { appOfAll, type ComponentId, components } from './all-options.js';

type Named = { readonly [component: string]: readonly string[] };
/** What Debian's Packer 1.6.6 (of 2020) is too old for. */
const newer = JSON.parse(readFileSync(new URL('./newer-than-1.6.6.json', import.meta.url), 'utf8')) as { readonly components: readonly string[]; readonly options: Named; readonly retyped: Named };
const leftOut: Named = Object.fromEntries(components.map(c => [c.key, [
  ...newer.options[c.key] ?? [], ...newer.retyped[c.key] ?? [],
  // Each is asked of a Vault that is not there, for four seconds: once is enough.
  ...(c.type.startsWith('amazon-') && c.type !== 'amazon-ebs' ? ['vault_aws_engine'] : []),
]]));
const known = components.filter(c => !newer.components.includes(c.key));
/** Its HCL side crashes on the sleep provisioner, whatever is written there. */
const crashes = (id: ComponentId): boolean => id.key === 'provisioner/sleep';

async function complain(ids: readonly ComponentId[], format: 'json' | 'hcl', without: Named): Promise<{ said: string[]; output: string }> {
  const app = appOfAll(ids, without);
  const { 'plugins.pkr.hcl': _plugins, ...files } = (format === 'json' ? toPackerJson(app) : toPackerHcl(app, { split: true })).files;
  return inFolder(files, async folder => {
    const { output } = await packer('packer', ['validate', format === 'json' ? 'web.json' : '.'], folder);
    // 1.6.6 decodes some of its own HCL specifications wrongly, and then complains of options that nobody wrote.
    const written = (complaint: string): boolean => Object.values(files).some(text => text.includes(complaint.split(/[ .]/).at(-1)!));
    return { said: complaints(output).filter(written), output };
  });
}

requires('packer')('every component that Packer 1.6.6 knows, all options set', () => {
  for (const role of ['builder', 'provisioner', 'post-processor'] as const) {
    const ids = known.filter(c => c.role === role);
    test(`${role}s in JSON: no option is unknown or mistyped beyond those named as newer`, { timeout: 300_000 }, async () => {
      const { said, output } = await complain(ids, 'json', leftOut);
      expect(said).toEqual([]);
      // It did look at each: values such as '1' are refused later than names.
      expect(output.match(/Failed to prepare build/g)?.length ?? 0).toBeGreaterThan(0);
    });
    test(`${role}s in HCL: the same`, { timeout: 300_000 }, async () => {
      const { said, output } = await complain(ids.filter(c => !crashes(c)), 'hcl', leftOut);
      expect(said).toEqual([]);
      expect(output).not.toBe('');
    });
  }

  test('those named as newer are unknown to it indeed, one by one', { timeout: 300_000 }, async () => {
    const builders = known.filter(c => c.role === 'builder');
    const { said } = await complain(builders, 'json', {});
    const named = builders.flatMap(c => newer.options[c.key] ?? []).map(name => `unknown: ${name}`);
    expect(said.sort()).toEqual(named.sort());
  });
});
