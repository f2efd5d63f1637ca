import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkVariable, describeVariableType, inferType, types, type VariableType } from '../../lib/constructs/variable-type.js';
import type { Json } from '../../lib/json.js';

const network = types.object({ name: types.string, port: types.optional(types.number, 22), tags: types.optional(types.list(types.string)) });

describe('a value', () => {
  test.each<[string, VariableType, Json, Json]>([
    ['of its type is taken', types.list(types.number), [1, 2], [1, 2]],
    ['of an object gets the defaults of what is left out', network, { name: 'a' }, { name: 'a', port: 22 }],
    ['of an object in a list too', types.list(network), [{ name: 'a', port: 1 }], [{ name: 'a', port: 1 }]],
    ['may be null where it is nullable', types.nullable(types.string), null, null],
    ['of any type is taken as it is', types.any, { a: [1, null] }, { a: [1, null] }],
  ])('%s', (_, type, value, expected) => { expect(checkVariable(type, value)).toEqual({ value: expected }); });

  test.each<[string, VariableType, Json, string]>([
    ['of another type', types.number, 'x', '"x" is not a number'],
    ['inside of a list, with its place', types.list(types.number), [1, 'x'], '[1]: "x" is not a number'],
    ['inside of a map', types.map(types.boolean), { a: true, b: 1 }, 'b: 1 is not true or false'],
    ['that lacks an attribute', network, {}, 'name is missing'],
    ['with an attribute too many', network, { name: 'a', nam: 'b' }, `'nam' is none of its attributes (name, port, tags)`],
    ['with an attribute of another type', types.object({ inner: network }), { inner: { name: 1 } }, 'inner.name: 1 is not a string'],
    ['that is null where it must not be', types.string, null, 'null is not a string'],
    ['that is long is cut', types.number, 'x'.repeat(200), `"${'x'.repeat(56)}… is not a number`],
  ])('%s is refused', (_, type, value, wrong) => { expect(checkVariable(type, value)).toEqual({ wrong }); });
});

describe('text from the command line or the environment', () => {
  test.each<[VariableType, string, Json]>([
    [types.number, '3', 3], [types.number, ' 1.5 ', 1.5], [types.boolean, 'true', true], [types.string, '3', '3'], [types.list(types.string), '["a"]', ['a']],
    [types.map(types.number), '{"a":1}', { a: 1 }], [network, '{"name":"x"}', { name: 'x', port: 22 }], [types.nullable(types.number), 'null', null], [types.any, 'x', 'x'],
  ])('%j takes %j', (type, text, value) => { expect(checkVariable(type, text, true)).toEqual({ value }); });

  test.each<[VariableType, string]>([[types.number, ''], [types.number, 'Infinity'], [types.boolean, 'yes'], [types.list(types.string), 'a,b'], [types.list(types.number), '["a"]'], [types.map(types.string), '[]']])('%j refuses %j', (type, text) => {
    expect(checkVariable(type, text, true)).toHaveProperty('wrong');
  });

  test('is not taken for a number where the program gave it', () => { expect(checkVariable(types.number, '3')).toHaveProperty('wrong'); });
});

test('the type of a default takes that default', () => {
  fc.assert(fc.property(fc.jsonValue(), value => { expect(checkVariable(inferType(value as Json), value as Json)).toEqual({ value }); }));
});

test('a value that was taken is taken again, as it came out', () => {
  fc.assert(fc.property(fc.jsonValue(), value => {
    const once = checkVariable(network, value as Json);
    if ('value' in once) expect(checkVariable(network, once.value)).toEqual(once);
  }));
  expect(checkVariable(network, { name: 'a', port: 22 })).toEqual({ value: { name: 'a', port: 22 } });
});

test.each<[VariableType, string]>([[network, 'an object with name, port, tags'], [types.map(types.list(types.number)), 'an object of names and values (each: a list (each: a number))'], [types.nullable(types.boolean), 'true or false, or null']])('%# is described in words', (type, words) => {
  expect(describeVariableType(type)).toBe(words);
});
