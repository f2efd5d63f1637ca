/** The pieces that SSH's binary forms are made of (RFC 4251, section 5). */
import { createHash } from 'node:crypto';

/** Bytes, or a text in UTF-8, behind their length. */
export function wireString(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value, length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A positive number, most significant byte first: without leading zeros, but for the one that keeps it positive. */
export function wireNumber(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const rest = bytes.subarray(start);
  return wireString(rest[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), rest]) : rest);
}

/** `SHA256:…` of a public key in its binary form, as `ssh-keygen -l` prints it. */
export function wireFingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
