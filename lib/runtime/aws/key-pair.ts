/** The key that lets this run into its instance: made here, only its public half is sent to AWS. */
import { generateSshKey } from '../communicators/ssh/keys.js';
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
  // RSA is for Windows, whose passwords AWS encrypts with it.
  const pair = await generateSshKey(options);
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
