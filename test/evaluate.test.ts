import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeExpr, evaluate, type Lookups, simplify } from '../lib/evaluate.js';
import { jsonEncode, upper } from '../lib/functions.js';
import type { Json } from '../lib/json.js';
import { type Expr, exprOf, host, ref, Secret, text, timestamp, walkExpr, when } from '../lib/values.js';

const variable = (name: string): Expr => ({ op: 'variable', name });
const known: Lookups = { variable: name => ({ a: 'A', n: 3, yes: true, object: { x: { y: 'z' }, list: [10, 20] } } as { [name: string]: Json })[name] };

describe('simplify', () => {
  test('joins neighbours in a template, and leaves what is not known', () => {
    const expr = text`a${ref<string>(variable('a'))}-${ref<number>(variable('n'))}-${timestamp()}!`.$expr;
    expect(simplify(expr, known)).toEqual({ op: 'template', parts: [{ op: 'value', value: 'aA-3-' }, { op: 'time', as: 'timestamp' }, { op: 'value', value: '!' }] });
  });

  test('keeps a function symbolic until all of its arguments are known', () => {
    const expr = upper(text`${ref<string>(variable('a'))}${host.guestHost}`).$expr;
    expect(simplify(expr, known)).toMatchObject({ op: 'call', function: 'upper' });
    expect(evaluate(expr, { ...known, host: () => 'h' })).toBe('AH');
  });

  test('takes the branch of a known condition, and both of an unknown one', () => {
    expect(evaluate(when(ref<boolean>(variable('yes')), 'x', timestamp()).$expr, known)).toBe('x');
    expect(simplify(when(ref<boolean>(variable('later')), ref<string>(variable('a')), 'b').$expr, known)).toEqual({ op: 'when', condition: variable('later'), then: { op: 'value', value: 'A' }, else: { op: 'value', value: 'b' } });
  });

  test('fills refs inside of lists and objects', () => {
    expect(evaluate(exprOf({ b: [ref(variable('a'))], a: ref(variable('n')) }), known)).toEqual({ a: 3, b: ['A'] });
    const open = simplify(exprOf({ b: [timestamp()] }), known);
    expect(open.op).toBe('call');
    expect(evaluate(open, { time: () => '7' })).toEqual({ b: ['7'] });
  });

  test('keeps a secret inside of an object a secret', () => {
    const open = simplify(jsonEncode({ password: Secret.env('P'), deep: [text`x${Secret.env('Q')}`] }).$expr, known);
    expect([...walkExpr(open)].filter(e => e.op === 'secret').map(e => (e as { secret: string }).secret)).toEqual(['env:Q', 'env:P']);
    expect(evaluate(open, { secret: name => `<${name}>` })).toBe('{"deep":["x\\u003cenv:Q\\u003e"],"password":"\\u003cenv:P\\u003e"}');
  });

  test('turns a sensitive variable into a secret, and never into its value', () => {
    const lookups: Lookups = { variable: () => 'hunter2', isSensitive: name => name === 's' };
    expect(simplify(text`x${ref<string>(variable('s'))}`.$expr, lookups)).toEqual({ op: 'template', parts: [{ op: 'value', value: 'x' }, { op: 'secret', secret: 'var:s' }] });
  });

  test('follows locals, and stops at one that mentions itself', () => {
    const locals: { readonly [name: string]: Expr } = { one: text`1${ref<string>({ op: 'local', name: 'two' })}`.$expr, two: { op: 'value', value: '2' }, self: text`x${ref<string>({ op: 'local', name: 'self' })}`.$expr };
    expect(evaluate({ op: 'local', name: 'one' }, { local: name => locals[name] })).toBe('12');
    expect([...walkExpr(simplify({ op: 'local', name: 'self' }, { local: name => locals[name] }))]).toContainEqual({ op: 'local', name: 'self' });
  });
});

describe('a member', () => {
  const of = (path: readonly (string | number)[]): Expr => path.reduce<Expr>((expr, key) => ({ op: 'member', of: expr, key }), variable('object'));
  test('is found in objects and lists', () => {
    expect(evaluate(of(['x', 'y']), known)).toBe('z');
    expect(evaluate(of(['list', 1]), known)).toBe(20);
  });
  test.each<[readonly (string | number)[], string]>([
    [['nope'], `there is no 'nope' in {"x":{"y":"z"},"list":[10,20]}`], [['list', 2], 'there is no member 2 in [10,20]'], [['constructor'], `there is no 'constructor'`],
    [['list', 'length'], `there is no 'length'`], [['x', 'y', 'z'], `there is no 'z' in 'z'`],
  ])('%j that is not there is named', (path, message) => { expect(() => evaluate(of(path), known)).toThrow(message); });
});

test('what has no value is named in words', () => {
  const cases: [Expr, string][] = [
    [variable('v'), `variable 'v'`], [{ op: 'data', path: 'ami', output: 'id' }, `output 'id' of data source 'ami'`], [{ op: 'output', target: 'web/vm', output: 'path' }, `output 'path' of 'web/vm'`],
    [timestamp().$expr, 'timestamp'], [host.httpAddress.$expr, 'host.httpAddress'], [{ op: 'secret', secret: 'env:X' }, `secret 'env:X'`], [text`a${host.guestHost} ${timestamp()}`.$expr, 'host.guestHost and timestamp'],
  ];
  for (const [expr, words] of cases) {
    expect(describeExpr(expr)).toBe(words);
    expect(() => evaluate(expr, {})).toThrow(`${words} has no value yet`);
  }
});

/** Expressions of any shape over the variables `a` (text) and `n` (a number). */
const anyExpr = fc.letrec<{ expr: Expr }>(tie => ({
  expr: fc.oneof({ depthSize: 'small' },
    fc.string().map((value): Expr => ({ op: 'value', value })),
    fc.constantFrom<Expr>(variable('a'), variable('n')),
    fc.array(tie('expr'), { maxLength: 4 }).map((parts): Expr => ({ op: 'template', parts })),
    fc.tuple(fc.boolean(), tie('expr'), tie('expr')).map(([value, then, otherwise]): Expr => ({ op: 'when', condition: { op: 'value', value }, then, else: otherwise })),
    tie('expr').map((arg): Expr => ({ op: 'call', function: 'upper', args: [arg] })),
  ),
})).expr;

test('simplifying in two turns gives what one turn gives', () => {
  fc.assert(fc.property(anyExpr, expr => {
    const half = simplify(expr, { variable: name => (name === 'a' ? 'A' : undefined) });
    expect(evaluate(half, known)).toEqual(evaluate(expr, known));
  }));
});

test('a simplified expression that mentions nothing is a value', () => {
  fc.assert(fc.property(anyExpr, expr => { expect(simplify(expr, known).op).toBe('value'); }));
});
