import fc from 'fast-check';
import { expect, test } from 'vitest';
import { byCodeUnit, canonicalJson } from '../lib/json.js';

/** The same value with the members of every object in another order. */
function shuffled(value: unknown, order: (keys: string[]) => string[]): unknown {
  if (Array.isArray(value)) return value.map(item => shuffled(item, order));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(order(Object.keys(value)).map(key => [key, shuffled((value as { [key: string]: unknown })[key], order)]));
}

test('the order of keys makes no difference to the bytes', () => {
  fc.assert(fc.property(fc.jsonValue(), value => {
    expect(canonicalJson(shuffled(value, keys => keys.reverse()))).toBe(canonicalJson(value));
  }));
});

test('what is written is read back, also a key called __proto__', () => {
  fc.assert(fc.property(fc.jsonValue(), value => { expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value))); }));
  expect(canonicalJson(JSON.parse('{"z":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"z":1}');
});

test('members without a value are left out', () => {
  expect(canonicalJson({ b: undefined, a: { c: undefined } })).toBe('{"a":{}}');
});

test('keys are sorted by code unit, the same in every locale', () => {
  expect(['ä', 'b', 'Z', 'a', '_'].sort(byCodeUnit)).toEqual(['Z', '_', 'a', 'b', 'ä']);
});
