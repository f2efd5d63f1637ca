import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deflatePool } from '../../../lib/runtime/compress/deflate-pool.js';
import { gzip } from '../../../lib/runtime/compress/gzip.js';
import { ordered } from '../../../lib/runtime/compress/ordered.js';
import type { Piece } from '../../../lib/runtime/compress/pieces.js';

async function zipped(pieces: readonly Piece[], level = 6): Promise<Buffer> {
  const pool = deflatePool(level, 2), out: Uint8Array[] = [];
  try {
    for await (const parts of gzip((async function* () { for (const p of pieces) yield typeof p === 'number' ? p : new Uint8Array(p); })(), pool)) out.push(...parts);
    return Buffer.concat(out);
  } finally { await pool.end(); }
}
const whole = (pieces: readonly Piece[]): Buffer => Buffer.concat(pieces.map(p => (typeof p === 'number' ? Buffer.alloc(p) : p)));

test('text, noise, zeros that were written and holes come back from one gzip stream', async () => {
  const pieces = [Buffer.from('hello '.repeat(200_000)), randomBytes(1 << 20), 1 << 20, Buffer.alloc(1 << 20), 1 << 20, randomBytes(70_000), 17, Buffer.from('end')];
  const packed = await zipped(pieces);
  expect(gunzipSync(packed).equals(whole(pieces))).toBe(true);
  // Noise is stored: it takes five bytes in 65,535 more, and no time.
  expect(packed.length).toBeLessThan((1 << 20) + 70_000 + 20_000);
});

test('nothing is a gzip stream too', async () => { expect(gunzipSync(await zipped([]))).toHaveLength(0); });

test('any pieces come back, at any level', async () => {
  const piece = fc.oneof(fc.integer({ min: 1, max: 300_000 }), fc.uint8Array({ minLength: 1, maxLength: 5_000 }), fc.integer({ min: 1, max: 200_000 }).map(n => randomBytes(n)));
  await fc.assert(fc.asyncProperty(fc.array(piece, { maxLength: 8 }), fc.integer({ min: 0, max: 9 }), async (pieces, level) => {
    expect(gunzipSync(await zipped(pieces, level)).equals(whole(pieces))).toBe(true);
  }), { numRuns: 15 });
});

test('the same pieces give the same bytes', async () => {
  const pieces = [randomBytes(300_000), 400_000, Buffer.from('x'.repeat(500_000))];
  expect((await zipped(pieces)).equals(await zipped(pieces))).toBe(true);
});

test('work done at the same time keeps its order, is bounded, and fails at its place', async () => {
  let under = 0, most = 0;
  const items = async function* () { for (let i = 0; i < 50; i++) yield i; };
  const slowly = async (i: number): Promise<number> => {
    most = Math.max(most, ++under);
    await new Promise(resolve => setTimeout(resolve, (i * 7) % 5));
    under--;
    if (i === 40) throw new Error('forty');
    return i;
  };
  const seen: number[] = [];
  await expect((async () => { for await (const i of ordered(items(), 4, slowly)) seen.push(i); })()).rejects.toThrow('forty');
  expect(seen).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(most).toBe(4);
});
