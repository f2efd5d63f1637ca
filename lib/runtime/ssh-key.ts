/** Ed25519 key pairs in OpenSSH's own form, made in memory: `ssh`, `sshd` and cloud-init read them. */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';

export interface SshKeyPair {
  /** `-----BEGIN OPENSSH PRIVATE KEY-----` … */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA… comment` */
  readonly publicKey: string;
  /** The base64 part of the public key: what a line of authorized_keys is found by. */
  readonly blob: string;
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  readonly fingerprint: string;
}

/** Makes a new key pair. `comment` stands in the public key's line. */
export function sshKeyPair(comment: string): SshKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pub = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
  const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d!, 'base64url');
  const publicBlob = Buffer.concat([text('ssh-ed25519'), text(pub)]);
  const check = randomBytes(4);
  const inner = Buffer.concat([check, check, publicBlob, text(Buffer.concat([seed, pub])), text(comment)]);
  const padded = Buffer.concat([inner, Buffer.from(Array.from({ length: (8 - inner.length % 8) % 8 }, (_, i) => i + 1))]);
  const one = Buffer.alloc(4);
  one.writeUInt32BE(1);
  const file = Buffer.concat([Buffer.from('openssh-key-v1\0', 'latin1'), text('none'), text('none'), text(''), one, text(publicBlob), text(padded)]);
  const blob = publicBlob.toString('base64');
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${file.toString('base64').replace(/.{1,70}/g, '$&\n')}-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `ssh-ed25519 ${blob} ${comment}`,
    blob,
    fingerprint: `SHA256:${createHash('sha256').update(publicBlob).digest('base64').replace(/=+$/, '')}`,
  };
}

function text(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
