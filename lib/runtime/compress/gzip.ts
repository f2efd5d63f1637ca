/** One gzip stream of one member, made on all cores. */
import { joinCrc32 } from './crc32.js';
import { endOfStream, type DeflatePool } from './deflate-pool.js';
import { ordered } from './ordered.js';
import type { Piece } from './pieces.js';

/** Neither a name nor a time: the same pieces give the same bytes. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

export async function* gzip(pieces: AsyncIterable<Piece>, pool: DeflatePool): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  yield [header];
  let crc = 0, size = 0;
  for await (const { parts, length, crc: own } of ordered(pieces, pool.width, piece => pool.deflate(piece))) {
    crc = joinCrc32(crc, own, length);
    size = (size + length) % 2 ** 32;
    yield parts;
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(size, 4);
  yield [endOfStream, trailer];
}
