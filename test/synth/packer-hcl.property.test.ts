import { parse } from '@cdktn/hcl2json';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toPackerHcl } from '../../lib/synth/packer.js';
import { appOfTrees, programs } from './packer-trees.js';

/**
 * HCL holds text in normal form C. This parser is not of one mind whether `$${` and `%%{` stay as they are written, so that runs count once;
 * that they come out right is tested with Packer itself.
 */
const text = (s: string): string => s.normalize('NFC').replace(/\$+\{/g, '${').replace(/%+\{/g, '%{');
const read = (value: unknown): unknown => typeof value === 'string' ? text(value) : Array.isArray(value) ? value.map(read)
  : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([k, v]) => [text(k), read(v)])) : value;

test('any tree of components, printed as HCL and read by another parser, is the same tree', async () => {
  await fc.assert(fc.asyncProperty(programs, async trees => {
    const { files, problems } = toPackerHcl(appOfTrees(trees));
    expect(problems).toEqual([]);
    const parsed = await parse('packer.pkr.hcl', files['packer.pkr.hcl']!).then(read) as { [block: string]: any };
    expect(parsed['source'].thing.web[0]).toEqual(read(trees.source.expected));
    const build = parsed['build'][0];
    expect(build.sources).toEqual(['source.thing.web']);
    expect(build.provisioner?.step ?? []).toEqual(trees.provisioners.map(t => read(t.expected)));
    expect(build['post-processor']?.after ?? []).toEqual(trees.postProcessors.map(t => read(t.expected)));
  }), { numRuns: 80, seed: Number(process.env['BAKE_SEED'] ?? 1) });
});
