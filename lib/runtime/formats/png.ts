/** Reads PNG pictures: 8 bits a channel (grey, RGB, with or without transparency) or a palette, not interlaced. */
import { inflateSync } from 'node:zlib';
import { errors } from '../../errors.js';

const fail = errors('PNG', {
  UNREADABLE: { message: (why: string) => `The picture cannot be read: ${why}.`, remedy: 'Give a PNG file with 8 bits a channel, not interlaced, such as a screenshot of an earlier run.' },
});

export interface Pixels { readonly width: number; readonly height: number; readonly rgba: Uint8Array }

export function decodePng(bytes: Uint8Array): Pixels {
  const png = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (png.toString('latin1', 1, 4) !== 'PNG') throw fail.UNREADABLE('it is no PNG file');
  let width = 0, height = 0, type = 0, palette = Buffer.alloc(0), alphas = Buffer.alloc(0);
  const data: Buffer[] = [];
  for (let at = 8; at + 8 <= png.length;) {
    const length = png.readUInt32BE(at), name = png.toString('latin1', at + 4, at + 8), chunk = png.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') {
      width = chunk.readUInt32BE(0); height = chunk.readUInt32BE(4); type = chunk[9]!;
      if (chunk[8] !== 8) throw fail.UNREADABLE(`it has ${chunk[8]} bits a channel`);
      if (chunk[12] !== 0) throw fail.UNREADABLE('it is interlaced');
    } else if (name === 'PLTE') palette = Buffer.from(chunk);
    else if (name === 'tRNS') alphas = Buffer.from(chunk);
    else if (name === 'IDAT') data.push(chunk);
    at += 12 + length;
  }
  const channels = ({ 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as { readonly [type: number]: number })[type];
  if (channels === undefined || width === 0) throw fail.UNREADABLE('its kind of pixels is unknown');
  const raw = unfilter(inflateSync(Buffer.concat(data)), width * channels, height, channels), rgba = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) {
    const p = raw.subarray(i * channels, i * channels + channels);
    if (type === 3) rgba.set([palette[p[0]! * 3]!, palette[p[0]! * 3 + 1]!, palette[p[0]! * 3 + 2]!, alphas[p[0]!] ?? 255], i * 4);
    else if (channels >= 3) rgba.set(p, i * 4);
    else rgba.set([p[0]!, p[0]!, p[0]!, channels === 2 ? p[1]! : 255], i * 4);
  }
  return { width, height, rgba };
}

/** Undoes the filter of each line. */
function unfilter(bytes: Buffer, line: number, height: number, step: number): Buffer {
  const out = Buffer.alloc(line * height);
  for (let y = 0; y < height; y++) {
    const filter = bytes[y * (line + 1)]!, source = bytes.subarray(y * (line + 1) + 1, (y + 1) * (line + 1));
    for (let x = 0; x < line; x++) {
      const left = x >= step ? out[y * line + x - step]! : 0, up = y > 0 ? out[(y - 1) * line + x]! : 0, corner = x >= step && y > 0 ? out[(y - 1) * line + x - step]! : 0;
      const guess = left + up - corner, dl = Math.abs(guess - left), du = Math.abs(guess - up), dc = Math.abs(guess - corner);
      const add = [0, left, up, (left + up) >> 1, dl <= du && dl <= dc ? left : du <= dc ? up : corner][filter] ?? 0;
      out[y * line + x] = (source[x]! + add) & 0xff;
    }
  }
  return out;
}
