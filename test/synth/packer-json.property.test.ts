import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toPackerJson } from '../../lib/synth/packer.js';
import { appOfTrees, programs } from './packer-trees.js';

test('any tree of components, printed as JSON, is read back as the same tree', () => {
  fc.assert(fc.property(programs, trees => {
    const { files, problems } = toPackerJson(appOfTrees(trees));
    expect(problems).toEqual([]);
    expect(JSON.parse(files['web.json']!)).toEqual({
      _comment: 'web', builders: [{ type: 'thing', ...trees.source.expected }],
      ...(trees.provisioners.length > 0 ? { provisioners: trees.provisioners.map(t => ({ type: 'step', ...t.expected })) } : {}),
      ...(trees.postProcessors.length > 0 ? { 'post-processors': trees.postProcessors.map(t => ({ type: 'after', ...t.expected })) } : {}),
    });
  }), { numRuns: 80, seed: Number(process.env['BAKE_SEED'] ?? 1) });
});
