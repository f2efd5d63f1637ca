/** Zip archives, with zip64 where sizes, places or numbers need it; each file is deflated on all cores. */
import { joinCrc32 } from './crc32.js';
import { type DeflatePool, endOfStream } from './deflate-pool.js';
import { ordered } from './ordered.js';
import { filePieces, type Packed } from './pieces.js';

const most32 = 0xffffffff, most16 = 0xffff;
/** Made on a Unix, since it carries modes; 2.0 to read it, 4.5 with zip64. */
const madeBy = (3 << 8) | 45, utf8AndSizesBehind = 0x0808, deflated = 8;

/** What the directory at the end says of each file. */
interface Entry { readonly file: Packed; readonly at: number; readonly crc: number; readonly packed: number; readonly large: boolean }

export async function* zip(files: readonly Packed[], pool: DeflatePool, signal: AbortSignal): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const entries: Entry[] = [];
  let at = 0;
  for (const file of files) {
    const begun = at, large = file.size > most32 - 2 ** 24;
    const head = localHeader(file, large);
    yield [head];
    let crc = 0, packed = endOfStream.length;
    for await (const piece of ordered(filePieces(file, signal), pool.width, p => pool.deflate(p))) {
      crc = joinCrc32(crc, piece.crc, piece.length);
      packed += piece.parts.reduce((sum, part) => sum + part.length, 0);
      yield piece.parts;
    }
    const behind = sizesBehind(crc, packed, file.size, large);
    yield [endOfStream, behind];
    at += head.length + packed + behind.length;
    entries.push({ file, at: begun, crc, packed, large });
  }
  const directory = Buffer.concat(entries.map(directoryEntry));
  yield [directory, end(entries.length, directory.length, at)];
}

/** Sizes and sum are only known behind the file: zeros stand here. With zip64 they are read as long numbers there. */
function localHeader({ name, mtime }: Packed, large: boolean): Buffer {
  const bytes = Buffer.from(name), extra = large ? numbers(['u16', 1], ['u16', 16], ['u64', 0], ['u64', 0]) : Buffer.alloc(0), sizes = large ? most32 : 0;
  return Buffer.concat([
    numbers(['u32', 0x04034b50], ['u16', large ? 45 : 20], ['u16', utf8AndSizesBehind], ['u16', deflated], ...dosTime(mtime), ['u32', 0], ['u32', sizes], ['u32', sizes], ['u16', bytes.length], ['u16', extra.length]),
    bytes, extra,
  ]);
}

const sizesBehind = (crc: number, packed: number, size: number, large: boolean): Buffer => numbers(['u32', 0x08074b50], ['u32', crc], [large ? 'u64' : 'u32', packed], [large ? 'u64' : 'u32', size]);

function directoryEntry({ file, at, crc, packed, large }: Entry): Buffer {
  const name = Buffer.from(file.name), far = at >= most32;
  const long: Numbers = [...(large ? [['u64', file.size], ['u64', packed]] as const : []), ...(far ? [['u64', at]] as const : [])];
  const extra = long.length === 0 ? Buffer.alloc(0) : Buffer.concat([numbers(['u16', 1], ['u16', long.length * 8]), numbers(...long)]);
  return Buffer.concat([
    numbers(['u32', 0x02014b50], ['u16', madeBy], ['u16', large || far ? 45 : 20], ['u16', utf8AndSizesBehind], ['u16', deflated], ...dosTime(file.mtime), ['u32', crc], ['u32', large ? most32 : packed], ['u32', large ? most32 : file.size],
      ['u16', name.length], ['u16', extra.length], ['u16', 0], ['u16', 0], ['u16', 0], ['u32', ((0o100000 | file.mode) << 16) >>> 0], ['u32', far ? most32 : at]),
    name, extra,
  ]);
}

function end(count: number, size: number, at: number): Buffer {
  const long = count > most16 - 1 || size >= most32 || at >= most32;
  const far = long ? [
    numbers(['u32', 0x06064b50], ['u64', 44], ['u16', madeBy], ['u16', 45], ['u32', 0], ['u32', 0], ['u64', count], ['u64', count], ['u64', size], ['u64', at]),
    numbers(['u32', 0x07064b50], ['u32', 0], ['u64', at + size], ['u32', 1]),
  ] : [];
  const short = long ? [most16, most32, most32] as const : [count, size, at] as const;
  return Buffer.concat([...far, numbers(['u32', 0x06054b50], ['u16', 0], ['u16', 0], ['u16', short[0]], ['u16', short[0]], ['u32', short[1]], ['u32', short[2]], ['u16', 0])]);
}

type Numbers = readonly (readonly [width: 'u16' | 'u32' | 'u64', value: number])[];
function numbers(...list: Numbers): Buffer {
  const out = Buffer.alloc(list.reduce((sum, [width]) => sum + Number(width.slice(1)) / 8, 0));
  let at = 0;
  for (const [width, value] of list) {
    if (width === 'u64') at = out.writeBigUInt64LE(BigInt(value), at);
    else at = width === 'u32' ? out.writeUInt32LE(value, at) : out.writeUInt16LE(value, at);
  }
  return out;
}

/** In steps of two seconds, from 1980 on. */
function dosTime(mtime: number): Numbers {
  const t = new Date(Math.max(mtime * 1000, Date.UTC(1980, 0, 1)));
  return [['u16', (t.getUTCHours() << 11) | (t.getUTCMinutes() << 5) | (t.getUTCSeconds() >> 1)], ['u16', (Math.min(127, t.getUTCFullYear() - 1980) << 9) | ((t.getUTCMonth() + 1) << 5) | t.getUTCDate()]];
}
