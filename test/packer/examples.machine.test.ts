/** Every example goes to Packer and is understood there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { App } from '../../lib/index.js';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { requires } from '../support/machine.js';
import { complaints, inFolder, packer } from '../support/packer.js';

const folder = fileURLToPath(new URL('../../templates-examples/', import.meta.url));
const examples = readdirSync(folder).filter(name => existsSync(`${folder}${name}/images.ts`)).sort();
const newer = JSON.parse(readFileSync(new URL('./newer-than-1.6.6.json', import.meta.url), 'utf8')) as { readonly options: { readonly [key: string]: readonly string[] } };
const tooNew = new Set(Object.values(newer.options).flat().map(option => `unknown: ${option}`));
// It names only the last part of an option, and finds the first that it does not know.
const isTooNew = (complaint: string): boolean => tooNew.has(complaint) || [...tooNew].some(known => known.endsWith(`.${complaint.slice('unknown: '.length)}`));

requires('packer')('the examples', () => {
  test.each(examples.flatMap(name => [[name, 'HCL'] as const, [name, 'JSON'] as const]))('%s, %s: no option that Packer does not know or takes otherwise, and the layout of packer fmt', { timeout: 180_000 }, async (name, format) => {
    const { app } = await import(`${folder}${name}/images.ts`) as { readonly app: App };
    const { files } = format === 'HCL' ? toPackerHcl(app, { folder: `${folder}${name}`, split: true }) : toPackerJson(app, { folder: `${folder}${name}` });
    const { 'plugins.pkr.hcl': _plugins, ...template } = files;
    await inFolder(template, async place => {
      if (format === 'HCL') expect((await packer('packer', ['fmt', '-check', '-diff', '.'], place)).output).toBe('');
      for (const file of format === 'HCL' ? ['.'] : Object.keys(template).filter(f => f.endsWith('.json'))) {
        const { output } = await packer('packer', ['validate', file], place);
        expect(complaints(output).filter(c => !isTooNew(c)), output).toEqual([]);
      }
    });
  });
});
