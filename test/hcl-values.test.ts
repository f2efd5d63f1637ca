import { parse } from '@cdktn/hcl2json';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBakeError } from '../lib/errors.js';
import { parseHclValues } from '../lib/hcl-values.js';
import type { Json } from '../lib/json.js';

const read = (text: string) => parseHclValues(text, 'x.pkrvars.hcl');
function wrong(text: string): string {
  try { read(text); } catch (error) { if (isBakeError(error)) return `${error.code} ${error.message}`; throw error; }
  return 'nothing';
}

describe('values in HCL', () => {
  it('are texts, numbers, booleans, null, lists and objects, with comments anywhere', () => {
    expect(read(`# of the release
      version = "1.0" // the last
      count   = 3
      factor  = -2.5e-1 /* of
                           all */
      on = true
      off = false
      nothing = null
      "quoted name" = ("in parentheses")
      zones = ["a", # first
        "b",
      ]
      tags = { Name = "web", "cost centre": 7
        nested = { list = [[], {}] } }
    `)).toEqual({
      version: '1.0', count: 3, factor: -0.25, on: true, off: false, nothing: null, 'quoted name': 'in parentheses', zones: ['a', 'b'],
      tags: { Name: 'web', 'cost centre': 7, nested: { list: [[], {}] } },
    });
  });

  it('have escapes in texts, and $${ and %%{ for the characters themselves', () => {
    expect(read('a = "q\\"\\\\\\n\\r\\t\\u00e9\\U0001F600 $${x} %%{y} $x 100%"')).toEqual({ a: 'q"\\\n\r\té😀 ${x} %{y} $x 100%' });
  });

  it('may be texts of many lines, with or without their indentation', () => {
    expect(read('a = <<EOT\n  one \\n "two"\n\n    three\nEOT\nb = <<-EOT\n    one\n      two $${x}\n    EOT\nc = 1')).toEqual({ a: '  one \\n "two"\n\n    three\n', b: 'one\n  two ${x}\n', c: 1 });
  });

  it('may come with line ends of Windows and a byte order mark', () => expect(read('\uFEFFa = 1\r\nb = [\r\n2]\r\n')).toEqual({ a: 1, b: [2] }));
  it('may be none at all', () => expect(read('\n# nothing\n')).toEqual({}));
  it('keep a name that JavaScript treats as its own', () => expect(Object.keys(read('__proto__ = 1'))).toEqual(['__proto__']));

  it.each([
    ['a = b', `1:5: 'b' is no value; text stands in quotes: "b"`],
    ['a = upper("x")', `1:5: 'upper' is no value; text stands in quotes: "upper"`],
    ['a = "${var.x}"', `1:6: '\${' begins an expression, and values are plain here; the characters themselves are written '$\${'`],
    ['a = "%{ if x }"', `1:6: '%{' begins an expression, and values are plain here; the characters themselves are written '%%{'`],
    ['variable "x" {\n}', `1:1: 'variable' begins a block, and a variable file has none`],
    ['locals {\n}', `1:1: 'locals' begins a block, and a variable file has none`],
    ['a = 1\na = 2', `2:1: 'a' is given twice`],
    ['a = "x', '1:5: this text has no closing quote'],
    ['a = "\\q"', `1:6: '\\q' is no escape; a backslash is written '\\\\'`],
    ['a = "\\u12"', '1:6: \\u takes 4 hexadecimal digits of a character'],
    ['a = [1 2]', `1:8: ',' or ']' is expected here`],
    ['a = { b = 1 c = 2 }', `1:13: ',', a new line or '}' is expected here`],
    ['a = <<E\nx', '1:5: this text never ends: a line with E alone is missing'],
    ['a = 1 b = 2', `1:7: a new line is expected after the value of 'a'`],
    ['a = [for x in y: x]', `1:6: 'for' is an expression, and values are plain here`],
    ['= 1', '1:1: a name is expected here'],
    ['a =', '1:4: a value is expected here'],
    ['a = [', '1:6: a value is expected here'],
    ['a = {', `1:6: a name or '}' is expected here`],
    ['/* x', '1:1: this comment never ends'],
  ])('say where they are wrong: %j', (text, message) => expect(wrong(text)).toBe(`HCL_SYNTAX x.pkrvars.hcl:${message}`));

  it('never end in anything but values or a message, whatever the text', () => {
    const piece = fc.constantFrom('a', ' = ', '"', '{', '}', '[', ']', '<<E\n', 'E\n', '\n', ',', '\\', '${', '$${', '#', '/*', '*/', '1', '-', '.', 'true', '(', ')', ':', '\r', 'é');
    fc.assert(fc.property(fc.array(piece, { maxLength: 30 }), pieces => { expect(wrong(pieces.join(''))).toMatch(/^(nothing$|HCL_SYNTAX )/); }), { numRuns: 2000 });
  });

  it('are what was written, and what Go reads of it', async () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,8}$/).filter(n => !['true', 'false', 'null', 'for', 'if'].includes(n));
    // The reader of Go leaves texts as they are written in the file, so only those without escapes can be compared.
    const plain = fc.string({ maxLength: 12 }).map(s => s.replace(/["\\$%\p{C}\p{Z}]/gu, '_'));
    const value = fc.letrec<{ json: Json }>(tie => ({
      json: fc.oneof({ maxDepth: 3 }, plain, fc.integer(), fc.boolean(), fc.constant(null), fc.array(tie('json'), { maxLength: 3 }), fc.dictionary(name, tie('json'), { maxKeys: 3, noNullPrototype: true })),
    })).json;
    await fc.assert(fc.asyncProperty(fc.dictionary(name, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }), async values => {
      const text = Object.entries(values).map(([k, v]) => `${k} = ${printed(v)}\n`).join('');
      expect(read(text)).toEqual(values);
      expect(await parse('x.hcl', text)).toEqual(values);
    }), { numRuns: 100 });
  });

  it('come back from any text that is written with escapes', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => { expect(read(`a = ${printed(text)}\n`)).toEqual({ a: text }); }));
  });
});

function printed(value: Json): string {
  if (typeof value === 'string') return JSON.stringify(value).replace(/[$%](?=\{)/g, '$&$&').replace(/\\([bf])/g, (_, c: string) => (c === 'b' ? '\\u0008' : '\\u000c')).replace(/\$\$\$\{/g, '$$$$$${');
  if (Array.isArray(value)) return `[${value.map(printed).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return `{ ${Object.entries(value).map(([k, v]) => `${k} = ${printed(v as Json)}`).join(', ')} }`;
  return String(value);
}
