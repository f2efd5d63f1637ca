/** Ed25519 key pairs in OpenSSH's own form, made in memory: `ssh`, `sshd` and cloud-init read them. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { wireFingerprint, wireString } from './wire.js';

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
  const publicBlob = Buffer.concat([wireString('ssh-ed25519'), wireString(pub)]);
  const check = randomBytes(4);
  const inner = Buffer.concat([check, check, publicBlob, wireString(Buffer.concat([seed, pub])), wireString(comment)]);
  const padded = Buffer.concat([inner, Buffer.from(Array.from({ length: (8 - inner.length % 8) % 8 }, (_, i) => i + 1))]);
  const one = Buffer.alloc(4);
  one.writeUInt32BE(1);
  const file = Buffer.concat([Buffer.from('openssh-key-v1\0', 'latin1'), wireString('none'), wireString('none'), wireString(''), one, wireString(publicBlob), wireString(padded)]);
  const blob = publicBlob.toString('base64');
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${file.toString('base64').replace(/.{1,70}/g, '$&\n')}-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `ssh-ed25519 ${blob} ${comment}`,
    blob,
    fingerprint: wireFingerprint(publicBlob),
  };
}
