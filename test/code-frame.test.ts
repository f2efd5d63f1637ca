import { expect, it } from 'vitest';
import { codeFrame } from '../lib/code-frame.js';

const source = 'one\n\ttwo = three;\nfour\n\nsix';

it('a code frame shows the lines around a place and a mark under it', () => {
  expect(codeFrame(source, 2, 8)).toBe('  1 │ one\n> 2 │   two = three;\n    │         ^\n  3 │ four');
  expect(codeFrame(source, 3, 1)).toBe('  1 │ one\n  2 │   two = three;\n> 3 │ four\n    │ ^');
  expect(codeFrame(source, 5, 4, { before: 1 })).toBe('  4 │\n> 5 │ six\n    │    ^');
});

it('a code frame keeps the numbers of its lines in one column', () => {
  expect(codeFrame('x\n'.repeat(11), 10, 1, { before: 1 })).toBe('   9 │ x\n> 10 │ x\n     │ ^\n  11 │ x');
});

it('a code frame shows of a very long line what lies around the mark', () => {
  const frame = codeFrame(`${'a'.repeat(500)}HERE${'b'.repeat(500)}`, 1, 501)!.split('\n');
  expect(frame[0]!.length).toBeLessThan(180);
  expect(frame[0]!.slice(frame[1]!.indexOf('^'))).toMatch(/^HEREb+…$/);
});

it('there is no code frame of a line that the source does not have', () => {
  expect(codeFrame(source, 6, 1)).toBeUndefined();
  expect(codeFrame(source, 0, 1)).toBeUndefined();
});
