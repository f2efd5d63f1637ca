/** CRC-32 of a whole from those of its parts, which are made at the same time. */

const polynomial = 0xedb88320;

/** Product of two polynomials over GF(2), modulo that of CRC-32; bits reversed, as everywhere in gzip and zip. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= b;
    b = (b & 1) !== 0 ? (b >>> 1) ^ polynomial : b >>> 1;
  }
  return product >>> 0;
}

const powers = new Map<number, number>();
/** x to the power of 8 times `length`: what so many bytes behind it do to a CRC. */
function shiftBy(length: number): number {
  let known = powers.get(length);
  if (known === undefined) {
    known = 0x80000000;
    for (let left = length, square = 0x00800000; left > 0; left = Math.floor(left / 2), square = multiply(square, square)) if (left % 2 === 1) known = multiply(known, square);
    if (powers.size < 1000) powers.set(length, known);
  }
  return known;
}

/** CRC-32 of two texts, one behind the other; `length`: bytes of the second. */
export const joinCrc32 = (first: number, second: number, length: number): number => (multiply(first, shiftBy(length)) ^ second) >>> 0;
