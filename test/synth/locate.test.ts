import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locateProp } from '../../lib/synth/locate.js';

/** The call begins at «, the place that is expected is ‹. */
function found(marked: string, field: string): { readonly found: unknown; readonly expected: unknown } {
  const place = (text: string, at: number) => ({ line: text.slice(0, at).split('\n').length, column: at - text.slice(0, at).lastIndexOf('\n') });
  const source = marked.replace(/[«‹]/g, ''), start = place(source, marked.replace('‹', '').indexOf('«')), wanted = marked.replace('«', '').indexOf('‹');
  return { found: locateProp(source, start.line, start.column, field), expected: wanted < 0 ? undefined : place(source, wanted) };
}

describe('the place of a prop', () => {
  it.each([
    ['is its name in the braces', `x = «new X({ a: 1, ‹b: 2 });`, 'b'],
    ['is its name on a line of its own', `«new X({\n  a: 1,\n  ‹b: 2,\n});`, 'b'],
    ['may be quoted', `«new X({ a: 1, ‹'b': 2 });`, 'b'],
    ['may be short for a variable', `«new X({ a, ‹b, c });`, 'b'],
    ['may be a method', `«new X({ a() { return 1, 2; }, ‹b() {} });`, 'b'],
    ['is found in a group', `«new X({ ssh: { port: 22, ‹username: 5 } });`, 'ssh.username'],
    ['is the group, where the member is not there', `«new X({ a: 1, ‹ssh: { port: 22 } });`, 'ssh.username'],
    ['is the group, where it is no literal', `«new X({ ‹ssh: settings() });`, 'ssh.username'],
    ['is an element of a list', `«new X({ list: [1, ‹two(3, 4), 5] });`, 'list[1]'],
    ['is the list, where a spread comes before', `«new X({ ‹list: [...others, 5] });`, 'list[1]'],
    ['is found in an element of a list', `«new X({ disks: [{ size: 1 }, { label: 'a', ‹size: 2 }] });`, 'disks[1].size'],
    ['is in the second argument', `«new ImageBuild(app, 'web, ({', { a: [1], ‹sources: [] });`, 'sources'],
    ['is behind type arguments', `«new X<'a', Map<string, (x: 1) => { b: 1 }>>({ ‹b: 1 });`, 'b'],
    ['is behind strings that look like code', `«new X({ a: '} b: 1', c: "\\" b: 2", ‹b: 3 });`, 'b'],
    ['is behind templates that look like code', '«new X({ a: `} ${f({ b: `${1}` }, 2)} b: 1`, ‹b: 3 });', 'b'],
    ['is behind comments that look like code', `«new X({ // b: 1\n  /* b: 2, */ a: 1, ‹b: 3 });`, 'b'],
    ['is behind patterns that look like code', `«new X({ a: /[}/] b: "/.test(x), c: 4 / 2, ‹b: 3 });`, 'b'],
    ['is behind functions', `«new X({ a: v => { const b = { b: 1 }; return b; }, c: async () => ({ b: 2 }), ‹b: 3 });`, 'b'],
    ['is not in an object further inside', `«new X({ a: { b: 1 }, c: 2 });`, 'b'],
    ['is not behind the call', `«new X({ a: 1 }); y = { b: 2 };`, 'b'],
    ['is behind a cast', `«new X({ a: 1 as unknown as { b: 2 }, ‹b: 3 } as never);`, 'b'],
    ['may follow a spread', `«new X({ ...defaults({ b: 1 }), ‹b: 3 });`, 'b'],
    ['may follow a computed name', `«new X({ [key]: { b: 1 }, ‹b: 3 });`, 'b'],
    ['is unknown where the props are a variable', `«new X(props); ({ b: 1 });`, 'b'],
    ['is unknown where the call has no arguments', `«new X(); ({ b: 1 });`, 'b'],
  ])('%s', (_, source, field) => {
    const { found: place, expected } = found(source, field);
    expect(place).toEqual(expected);
  });

  it('is looked for without end or error in any text', () => {
    const piece = fc.constantFrom('new X(', '{', '}', '[', ']', '(', ')', ',', 'a', ':', `'`, '"', '`', '${', '/', '//', '/*', '*/', '\n', '...', '<', '>', '\\', '=>');
    fc.assert(fc.property(fc.array(piece, { maxLength: 40 }), fc.nat(5), fc.nat(20), (pieces, line, column) => {
      const source = pieces.join(''), place = locateProp(source, line, column, 'a.a[0]');
      if (place !== undefined) expect(source.split('\n')[place.line - 1]!.length).toBeGreaterThanOrEqual(place.column - 1);
    }), { numRuns: 3000 });
  });
});
