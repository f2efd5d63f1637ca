/** MD4 and RC4, which NTLM is made of and which Node's OpenSSL no longer has; HMAC-MD5, which it has. For NTLM only: as ciphers of one's own choice they are broken. */
import { createHmac } from 'node:crypto';

/** 16 bytes: the MD4 digest (RFC 1320). */
export function md4(message: Uint8Array): Buffer {
  const blocks = Math.ceil((message.length + 9) / 64), padded = Buffer.alloc(blocks * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8);
  const state = new Uint32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]), x = new Uint32Array(16);
  const roll = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i++) x[i] = padded.readUInt32LE(at + i * 4);
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (const { mix, add, order, shifts } of rounds) {
      for (let i = 0; i < 16; i++) {
        const next = roll((a + mix(b, c, d) + x[order[i]!]! + add) | 0, shifts[i % 4]!);
        [a, b, c, d] = [d, next, b, c];
      }
    }
    state[0]! += a; state[1]! += b; state[2]! += c; state[3]! += d;
  }
  const digest = Buffer.alloc(16);
  state.forEach((word, i) => digest.writeUInt32LE(word, i * 4));
  return digest;
}
interface Round { readonly mix: (b: number, c: number, d: number) => number; readonly add: number; readonly order: readonly number[]; readonly shifts: readonly number[] }
const rounds: readonly Round[] = [
  { mix: (b, c, d) => (b & c) | (~b & d), add: 0, order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], shifts: [3, 7, 11, 19] },
  { mix: (b, c, d) => (b & c) | (b & d) | (c & d), add: 0x5a827999, order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], shifts: [3, 5, 9, 13] },
  { mix: (b, c, d) => b ^ c ^ d, add: 0x6ed9eba1, order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], shifts: [3, 9, 11, 15] },
];

/** An RC4 key stream: each call goes on where the last one ended. */
export function rc4(key: Uint8Array): (data: Uint8Array) => Buffer {
  const s = Uint8Array.from({ length: 256 }, (_, i) => i);
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + s[i]! + key[i % key.length]!) & 255;
    [s[i], s[j]] = [s[j]!, s[i]!];
  }
  let i = 0, j = 0;
  return data => {
    const out = Buffer.allocUnsafe(data.length);
    for (let n = 0; n < data.length; n++) {
      i = (i + 1) & 255;
      const a = s[i]!;
      j = (j + a) & 255;
      const b = s[j]!;
      s[i] = b;
      s[j] = a;
      out[n] = data[n]! ^ s[(a + b) & 255]!;
    }
    return out;
  };
}

export const hmacMd5 = (key: Uint8Array, ...data: readonly Uint8Array[]): Buffer => {
  const mac = createHmac('md5', key);
  for (const part of data) mac.update(part);
  return mac.digest();
};
