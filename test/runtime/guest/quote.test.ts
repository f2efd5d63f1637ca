import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assignment, exports, quote, quotePath } from '../../../lib/runtime/guest/quote.js';

const shells = ['sh', 'bash', 'dash', 'busybox sh', 'zsh', 'ksh'].filter(shell => spawnSync(shell.split(' ')[0]!, [...shell.split(' ').slice(1), '-c', ':']).status === 0);
const run = (shell: string, script: string): Buffer => execFileSync(shell.split(' ')[0]!, [...shell.split(' ').slice(1), '-s'], { input: script });
const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~=%^ \n\t\r-`, 'a', 'ü', '雪', '🙂') }))
  .map(text => text.replaceAll('\0', '')).filter(text => Buffer.from(text).toString() === text);

describe.each(shells)('%s', shell => {
  test('gets every text back unchanged, as a word and as a variable', () => {
    expect(run(shell, `printf %s ${quote(printable)}`).toString()).toBe(printable);
    // Many texts in one process: a process per text would take minutes.
    fc.assert(fc.property(fc.array(texts, { minLength: 20, maxLength: 60 }), values => {
      const environment = Object.fromEntries(values.map((value, i) => [`V_${i}`, value]));
      const script = `${exports(environment)}${values.map((value, i) => `printf '%s\\0' ${quote(value)} "$V_${i}"`).join('\n')}\n`;
      expect(run(shell, script).toString().split('\0').slice(0, -1)).toEqual(values.flatMap(value => [value, value]));
    }), { numRuns: 20 });
  });
  test('exports what it sets', () => {
    expect(run(shell, `${exports({ BAKE_A: `it's "$HOME"\n` })}env -0 | grep -zc '^BAKE_A=it'`).toString().trim()).toBe('1');
  });
});

test('a plain word stays as it is; a path that looks like an option does not stay one', () => {
  expect([quote('a/b-c.sh'), quote(''), quote('A=b'), quotePath('-rf'), quotePath('/a b')]).toEqual(['a/b-c.sh', `''`, `'A=b'`, './-rf', `'/a b'`]);
});

test('what no shell can carry is refused', () => {
  expect(() => quote('a\0b')).toThrow('NUL');
  expect(() => assignment('1A', 'x')).toThrow(`'1A' is no name`);
  expect(() => assignment('A', '\0')).toThrow('The value of A');
});
