/** The key that lets this run into its instance: made here, only its public half is sent to AWS. */
import { generateKeyPairSync } from 'node:crypto';
import { sshKeyPair } from '../ssh-key.js';
import { type Maker, make } from './making.js';
import { specifications } from './marks.js';

export interface LoginKey {
  /** As OpenSSH and ssh2 read it. */
  readonly privateKey: string;
  /** The base64 part of the public key: what a line of authorized_keys is found by. */
  readonly blob: string;
  /** Its name on AWS. */
  readonly name: string;
}

/** Makes a key pair and tells EC2 its public half. */
export async function temporaryKeyPair(maker: Maker, options: { readonly name: string | undefined; readonly type: 'ed25519' | 'rsa'; readonly bits: number }): Promise<LoginKey> {
  const pair = options.type === 'rsa' ? rsaKeyPair(options.bits) : sshKeyPair('imagebake');
  maker.ctx.secret(pair.privateKey);
  const made = await make(maker, 'key-pair', { name: options.name ?? `imagebake ${maker.owner.target}` }, async (tags, mark) => {
    const name = options.name ?? `imagebake-${mark}`;
    await maker.session.ec2('ImportKeyPair', {
      KeyName: name, PublicKeyMaterial: Buffer.from(pair.publicKey), TagSpecifications: specifications(['key-pair'], tags()),
    }, { once: true });
    return { id: name, value: name };
  });
  return { privateKey: pair.privateKey, blob: pair.blob, name: made.value };
}

/** For Windows, whose passwords AWS encrypts with RSA. */
function rsaKeyPair(bits: number): { readonly privateKey: string; readonly publicKey: string; readonly blob: string } {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const { n, e } = publicKey.export({ format: 'jwk' });
  const blob = Buffer.concat([field(Buffer.from('ssh-rsa')), field(integer(e!)), field(integer(n!))]).toString('base64');
  return { privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), publicKey: `ssh-rsa ${blob} imagebake`, blob };
}
function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
/** A number of SSH's: with a zero before it where it would count as negative. */
function integer(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return (bytes[0]! & 0x80) === 0 ? bytes : Buffer.concat([Buffer.of(0), bytes]);
}
