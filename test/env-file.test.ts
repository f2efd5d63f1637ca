import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnvFile } from '../lib/env-file.js';

const read = (text: string) => parseEnvFile(text, 'x.env');

describe('a .env file', () => {
  it('holds names and values, bare or quoted, with comments and blank lines', () => {
    expect(read(`# first
A=1
export B = two words   # and a comment
C='as it is \\n #'
D="line\\nquote\\" back\\\\ \\$x" # comment

E=
F=a#b
G='one
two'
H-I.j=x
`)).toEqual({ A: '1', B: 'two words', C: 'as it is \\n #', D: 'line\nquote" back\\ $x', E: '', F: 'a#b', G: 'one\ntwo', 'H-I.j': 'x' });
  });
  it('may have line ends of Windows', () => expect(read('A=1\r\nB="x"\r\n')).toEqual({ A: '1', B: 'x' }));
  it('takes the last of two values', () => expect(read('A=1\nA=2')).toEqual({ A: '2' }));
  it.each([
    ['A=1\nversion: 2', `x.env:2: '=' is missing`], ['A="x\nB=1', 'x.env:1: the quote is never closed, or something follows it'],
    [`A='x' y`, 'x.env:1: the quote is never closed, or something follows it'], ['1 2=3', 'x.env:1: this is no name and no value'],
  ])('is told the line that is wrong, and no word of it: %j', (text, message) => expect(() => read(text)).toThrow(message));

  it('brings back every value in double quotes', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), value => {
      const text = value.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
      expect(read(`A="${text}"\n`)).toEqual({ A: value });
    }));
  });
});
