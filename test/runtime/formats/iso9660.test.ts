import { expect, test } from 'vitest';
import { iso9660 } from '../../../lib/runtime/formats/iso9660.js';

test('equal files give equal bytes, whatever the order they are named in', () => {
  expect(Buffer.compare(iso9660('cidata', { a: '1', 'b/c': '2' }), iso9660('cidata', { 'b/c': '2', a: '1' }))).toBe(0);
});

test('a label that Joliet cannot hold is refused', () => {
  expect(() => iso9660('seventeen letters', {})).toThrow("'seventeen letters' is too long for a volume label.");
});

test('a name that is a file and a folder is refused, and so is one that leads out of the disc', () => {
  expect(() => iso9660('x', { a: '1', 'a/b': '2' })).toThrow("'a' is on the disc twice");
  expect(() => iso9660('x', { '../a': '1' })).toThrow("'..' cannot be the name of a file on the disc.");
});
