import { expect, test } from 'vitest';
import { combine, describeType, field, fieldsOf } from '../lib/fields.js';
import { Size } from '../lib/values.js';

test('a field is required, defaulted or optional by what it is given', () => {
  expect([field.string({ required: true }), field.string({ default: 'x' }), field.string(), field.boolean({ default: false })].map(f => f.need)).toEqual(['required', 'defaulted', 'optional', 'defaulted']);
});

test('an output path affects the capture, unless it says otherwise', () => {
  expect([field.outputPath().affects, field.outputPath({ affects: 'disk' }).affects, field.string().affects]).toEqual(['capture', 'disk', undefined]);
});

test('tables are joined in order, and keep their fields', () => {
  const joined = combine({ a: field.string() }, { b: field.size({ default: Size.gib(1) }) });
  expect(fieldsOf(joined).map(([name, f]) => [name, f.type.is, f.default])).toEqual([['a', 'string', undefined], ['b', 'size', { $size: 1024 ** 3 }]]);
});

test.each([
  [field.integer({ min: 1, max: 5 }), 'a whole number from 1 to 5'], [field.integer({ min: 1 }), 'a whole number of at least 1'], [field.integer(), 'a whole number'],
  [field.path({ kind: 'folder' }), 'the path of a folder'], [field.path(), 'a path'], [field.oneOf(['kvm', 'tcg']), `'kvm' or 'tcg'`], [field.list(field.size()), 'a list (each: a Size, such as Size.gib(40))'],
  [field.map(field.sensitiveString()), 'an object of names and values (each: a string or a Secret)'], [field.image('vm'), `an ImageBuild with a 'vm' source`],
  [field.secret(), `a Secret, such as Secret.env('NAME')`], [field.blocks({}), 'a list of objects'], [field.group({}), 'an object'],
])('%# is described in words', (f, words) => { expect(describeType(f.type)).toBe(words); });
