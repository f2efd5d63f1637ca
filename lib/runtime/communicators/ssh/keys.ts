/** SSH key pairs of every type that OpenSSH takes, and what their public halves are called. */
import { generateKeyPair as generate, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { type SshKeyPair, sshKeyPair } from './key-pair.js';
import { wireFingerprint, wireNumber, wireString } from './wire.js';

const generateAsync = promisify(generate) as (type: string, options: object) => Promise<{ readonly privateKey: KeyObject }>;

/** Makes a key pair. `bits`: 2048 to 16384 for rsa (4096 when left out), 256, 384 or 521 for ecdsa (521 when left out), nothing for ed25519. */
export async function generateSshKey(options: { readonly type?: 'ed25519' | 'rsa' | 'ecdsa'; readonly bits?: number; readonly comment?: string } = {}): Promise<SshKeyPair> {
  const { type = 'ed25519', comment = 'imagebake' } = options;
  if (type === 'ed25519') return sshKeyPair(comment);
  if (type === 'rsa') {
    const { privateKey } = await generateAsync('rsa', { modulusLength: options.bits || 4096 });
    const { n = '', e = '' } = privateKey.export({ format: 'jwk' });
    return pair([wireString('ssh-rsa'), wireNumber(Buffer.from(e, 'base64url')), wireNumber(Buffer.from(n, 'base64url'))], privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), comment);
  }
  const bits = options.bits === 256 || options.bits === 384 ? options.bits : 521;
  const { privateKey } = await generateAsync('ec', { namedCurve: `P-${bits}` });
  const { x = '', y = '' } = privateKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return pair([wireString(`ecdsa-sha2-nistp${bits}`), wireString(`nistp${bits}`), wireString(point)], privateKey.export({ type: 'sec1', format: 'pem' }).toString(), comment);
}

/** `SHA256:…` of a public key in its binary form, or of a line `ssh-ed25519 AAAA… comment`. */
export function fingerprintOf(key: Uint8Array | string): string {
  return wireFingerprint(typeof key === 'string' ? publicBlob(key) : key);
}

/** The binary form of a line `ssh-ed25519 AAAA… comment`; a known_hosts line's host names are skipped. */
export function publicBlob(line: string): Buffer {
  return Buffer.from(line.trim().split(/\s+/).find(word => word.startsWith('AAAA')) ?? '', 'base64');
}

/** The algorithm that a binary public key names: `ssh-ed25519`. */
export function typeOfBlob(blob: Uint8Array): string {
  const bytes = Buffer.from(blob);
  return bytes.length < 4 ? '' : bytes.toString('latin1', 4, 4 + bytes.readUInt32BE(0));
}

function pair(parts: readonly Buffer[], privateKey: string, comment: string): SshKeyPair {
  const bytes = Buffer.concat(parts), blob = bytes.toString('base64');
  return { privateKey, publicKey: `${typeOfBlob(bytes)} ${blob} ${comment}`, blob, fingerprint: fingerprintOf(bytes) };
}
