import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluate, simplify } from '../lib/evaluate.js';
import { fillTemplate, templateFile } from '../lib/template-file.js';
import { exprOf, isRef, isSecret, ref, Secret, timestamp } from '../lib/values.js';

const fill = (text: string, values: { readonly [name: string]: unknown } = {}): unknown =>
  evaluate(fillTemplate(text, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, exprOf(value)])), 'x.tpl'), {});

test.each<[string, string, { readonly [name: string]: unknown }, string]>([
  ['fills in each name, as often as it stands there', 'a ${x} b ${ y }${x}', { x: 1, y: true }, 'a 1 b true1'],
  ['leaves a dollar that begins no name', '$x $$ $(date) ${x}$', { x: 'v' }, '$x $$ $(date) v$'],
  ['takes $${ for a plain ${', 'echo $${HOME} ${x}', { x: 'v' }, 'echo ${HOME} v'],
  ['keeps line ends and everything else', 'a\r\n\t${x}\n', { x: '' }, 'a\r\n\t\n'],
  ['puts nothing into what it filled in', '${x}', { x: '${y}' }, '${y}'],
])('%s', (_, text, values, expected) => { expect(fill(text, values)).toBe(expected); });

test('names what it is not given, and what it does not mention', () => {
  expect(() => fill('${hostname}', { hostnam: 1 })).toThrow(`x.tpl mentions \${hostname}, and is given no such value. Did you mean 'hostnam'?`);
  expect(() => fill('${a}', { a: 1, zzz: 2 })).toThrow(`x.tpl is given 'zzz', and does not mention it`);
  expect(() => fill('${HOME:-/root}')).toThrow('x.tpl mentions ${HOME:-/root}');
});

test('any text without names comes out as it is, with ${ escaped', () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('a', '$', '{', '}', '\n', ' ') }), text => {
    // A dollar before a brace is doubled, as one writes it.
    expect(fill(text.replaceAll('${', () => '$${'))).toBe(text);
  }));
});

test('is a Ref, or secret text where a secret is among its values', () => {
  const plain = templateFile('x.tpl', { a: 1, b: timestamp() }), secret = templateFile('x.tpl', { a: Secret.env('A') });
  expect([isRef(plain), isSecret(plain), isRef(secret), isSecret(secret)]).toEqual([true, false, false, true]);
});

test('is read when it can be, and keeps what is known later', () => {
  const expr = templateFile(new URL('x.tpl', pathToFileURL('/folder/')), { a: ref<string>({ op: 'variable', name: 'a' }), b: timestamp() }).$expr;
  expect(simplify(expr, {})).toMatchObject({ op: 'template-file', path: '/folder/x.tpl' });
  const filled = simplify(expr, { variable: () => 'A', templateFile: path => `${path}: \${a} \${b}` });
  expect(filled).toEqual({ op: 'template', parts: [{ op: 'value', value: '/folder/x.tpl: A ' }, { op: 'time', as: 'timestamp' }] });
});
