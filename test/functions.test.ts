import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../lib/evaluate.js';
import { base64Encode, callFunction, formatDate, functions, join, jsonEncode, lower, replace, sha256, split, trim, upper } from '../lib/functions.js';
import type { Json } from '../lib/json.js';
import { type Ref, ref } from '../lib/values.js';

const valueOf = (value: Ref<unknown>): Json => evaluate(value.$expr, { variable: name => ({ word: 'Word', list: ['a', 'b'], number: 3 })[name] });
const variable = <T>(name: string): Ref<T> => ref({ op: 'variable', name });

test.each<[string, Ref<unknown>, Json]>([
  ['upper', upper(variable('word')), 'WORD'],
  ['lower', lower(variable('word')), 'word'],
  ['trim', trim(' \ta b\n'), 'a b'],
  ['replace, literally and everywhere', replace('a.b.c', '.', '$&'), 'a$&b$&c'],
  ['join of a list', join('-', variable<string[]>('list')), 'a-b'],
  ['join with values known later among the members', join('-', ['x', variable('word')]), 'x-Word'],
  ['split', split(',', 'a,,b'), ['a', '', 'b']],
  ['jsonEncode, keys sorted and HTML escaped', jsonEncode({ b: '<&>', a: [1, null, variable('word')] }), '{"a":[1,null,"Word"],"b":"\\u003c\\u0026\\u003e"}'],
  ['base64Encode of UTF-8', base64Encode('ä'), 'w6Q='],
  ['sha256', sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['a number where text is wanted, as HCL does', upper(variable<string>('number')), '3'],
])('%s', (_, value, expected) => { expect(valueOf(value)).toEqual(expected); });

describe('formatDate', () => {
  test.each([
    ['YYYY-MM-DD', '2026-03-04'], ['DD MMM YYYY hh:mm:ss ZZZ', '04 Mar 2026 17:06:07 UTC'], ['EEEE, MMMM D', 'Wednesday, March 4'], ["YY'T'h 'o''clock'", "26T17 o'clock"],
    ['HH:mm aa', '05:06 pm'], ['H AA', '5 PM'], ['hZZZZ', '17+0000'], ["YYYYMMDD'T'hhmmssZ", '20260304T170607Z'],
  ])('%s is %s', (format, expected) => {
    expect(valueOf(formatDate(format, '2026-03-04T17:06:07Z'))).toBe(expected);
  });

  test('keeps the zone of the date', () => {
    expect(valueOf(formatDate('hh ZZZZZ', '2026-03-04T17:06:07+02:00'))).toBe('17 +02:00');
  });

  test('names what is no part of a format, and what is no date', () => {
    expect(() => callFunction('formatDate', ['YYYYq', '2026-03-04T17:06:07Z'])).toThrow(`'q' is no part of a date format`);
    expect(() => callFunction('formatDate', ['YYYY', 'yesterday'])).toThrow(`'yesterday' is no date in RFC 3339`);
  });
});

describe('a function that is given the wrong thing', () => {
  test.each<[string, Json[], string]>([
    ['upper', [['a']], `upper takes text, and got ["a"]`],
    ['join', ['-', 'a'], `join takes a list, and got 'a'`],
    ['join', ['-', [{ a: 1 }]], `join takes text in its list, and got {"a":1}`],
    ['replace', ['a', null, 'b'], 'replace takes text, and got null'],
    ['toString', [], `there is no function 'toString'`],
  ])('%s says what it takes and what it got', (name, args, message) => { expect(() => callFunction(name, args)).toThrow(message); });
});

test('every function has a name in HCL of its own', () => {
  const names = Object.values(functions).map(f => f.hcl);
  expect(new Set(names).size).toBe(names.length);
});

test('splitting and joining give back what there was', () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ') }), { minLength: 1 }), parts => {
    expect(callFunction('split', [',', callFunction('join', [',', parts])])).toEqual(parts);
  }));
});

test('sha256 and base64Encode are those of the UTF-8 bytes, for any text', () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), s => {
    expect(callFunction('sha256', [s])).toBe(createHash('sha256').update(Buffer.from(s, 'utf8')).digest('hex'));
    expect(Buffer.from(callFunction('base64Encode', [s]) as string, 'base64').toString('utf8')).toBe(s);
  }));
});

test('jsonEncode can be read back, whatever the value', () => {
  fc.assert(fc.property(fc.jsonValue(), value => {
    expect(JSON.parse(callFunction('jsonEncode', [value as Json]) as string)).toEqual(JSON.parse(JSON.stringify(value)));
  }));
});
