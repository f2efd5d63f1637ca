/** Random programs out of components that nobody knows: any options, any blocks, any text. */
import fc from 'fast-check';
import { App, ImageBuild } from '../../lib/index.js';
import { block, PackerComponent, type RawOptions } from '../../lib/packer/index.js';

/** What a tree should be read back as: blocks are lists of objects. */
export type Expected = { readonly [key: string]: unknown };
export interface Tree { readonly options: RawOptions; readonly expected: Expected }

/** Any unicode but lone surrogates, which no file can hold; often with what HCL and Go's templates mind. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }),
  fc.array(fc.constantFrom('${', '%{', '$', '%', '{', '}', '"', '\\', '\n', '\r', '\t', '`', "'", '<<EOT', 'EOT', '~', '#', ' ', 'a', 'é', '😀', '\u2028', '\u0000', '\ufeff'), { maxLength: 14 }).map(parts => parts.join('')),
  fc.array(fc.constantFrom('echo', '  x=${y}', '', 'EOT', '\ttab', '%{ if', "it's \\n"), { minLength: 3, maxLength: 8 }).map(lines => `${lines.join('\n')}\n`),
);
const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/).filter(n => !['for', 'if', 'in', 'null', 'true', 'false', 'only', 'except', 'name'].includes(n));
const number = fc.oneof(fc.integer(), fc.integer({ min: -1_000_000, max: 1_000_000 }).map(n => n / 64));
const value = fc.letrec<{ any: unknown }>(tie => ({
  any: fc.oneof({ maxDepth: 3, withCrossShrink: true }, anyText as fc.Arbitrary<unknown>, number, fc.boolean(), fc.array(tie('any'), { maxLength: 4 }), fc.dictionary(anyText.filter(k => k !== '__proto__' && !k.startsWith('$')), tie('any'), { maxKeys: 3 })),
})).any;

const tree: fc.Memo<Tree> = fc.memo(depth => fc.tuple(fc.dictionary(name, value, { maxKeys: 4 }), fc.dictionary(name, depth > 1 ? fc.array(tree(depth - 1), { minLength: 1, maxLength: 3 }) : fc.constant<Tree[]>([]), { maxKeys: 2 })).map(([values, blocks]): Tree => {
  const nested = Object.entries(blocks).filter(([n, list]) => list.length > 0 && !(n in values));
  return {
    options: { ...values, ...Object.fromEntries(nested.map(([n, list]) => [n, block(list.map(t => t.options))])) },
    expected: { ...values, ...Object.fromEntries(nested.map(([n, list]) => [n, list.map(t => t.expected)])) },
  };
}));

/** A source, and up to three steps and post-processors. */
export const programs = fc.record({ source: tree(3), provisioners: fc.array(tree(2), { maxLength: 3 }), postProcessors: fc.array(tree(2), { maxLength: 3 }) });
export type Trees = typeof programs extends fc.Arbitrary<infer T> ? T : never;

export function appOfTrees(trees: Trees): App {
  const app = new App();
  new ImageBuild(app, 'web', {
    sources: [new PackerComponent('builder', 'thing', trees.source.options)],
    provisioners: trees.provisioners.map(t => new PackerComponent('provisioner', 'step', t.options)),
    postProcessors: trees.postProcessors.map(t => new PackerComponent('post-processor', 'after', t.options)),
  });
  return app;
}
