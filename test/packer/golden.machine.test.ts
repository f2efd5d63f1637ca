import { describe, expect, test } from 'vitest';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { requires } from '../support/machine.js';
import { complaints, inFolder, packer, packers } from '../support/packer.js';
import { type Golden, goldens } from './golden.js';

const variables = (golden: Golden): string[] => Object.entries(golden.vars).flatMap(([name, value]) => ['-var', `${name}=${value}`]);
/** A newer Packer has its plugins outside, and cannot judge where they are not installed. */
const lacksPlugins = (output: string): boolean => /packer init|Missing plugins|failed to load|Unknown (builder|source|provisioner|post-processor)|is not installed/i.test(output);

requires('packer')('the golden templates', () => {
  describe.each(packers)('by %s', bin => {
    const old = bin === 'packer';
    test.each(goldens.map(g => [g.name, g] as const))('%s: HCL is laid out as packer fmt does it', { timeout: 120_000 }, async (_name, golden) => {
      const { files } = toPackerHcl(golden.app), { files: split } = toPackerHcl(golden.app, { split: true });
      await inFolder({ ...files, ...Object.fromEntries(Object.entries(split).map(([n, t]) => [`split-${n}`, t])) }, async folder => {
        const { code, output } = await packer(bin, ['fmt', '-check', '-diff', '.'], folder);
        expect(output).toBe('');
        expect(code).toBe(0);
      });
    });
    test.each(goldens.filter(g => !old || !g.needsNewer).flatMap(g => [[g.name, 'HCL', g] as const, [g.name, 'JSON', g] as const]))('%s, %s: packer validate finds nothing wrong', { timeout: 120_000 }, async (_name, format, golden) => {
      const { 'plugins.pkr.hcl': plugins, ...files } = (format === 'HCL' ? toPackerHcl(golden.app, { split: true }) : toPackerJson(golden.app)).files;
      await inFolder({ ...files, ...golden.files, ...(old || plugins === undefined ? {} : { 'plugins.pkr.hcl': plugins }) }, async folder => {
        const { code, output } = await packer(bin, ['validate', ...variables(golden), format === 'HCL' ? '.' : Object.keys(files)[0]!], folder, golden.env);
        if (!old && lacksPlugins(output)) return;
        expect(complaints(output)).toEqual([]);
        if (!golden.asksNetwork) expect(code, output).toBe(0);
      });
    });
  });
});
