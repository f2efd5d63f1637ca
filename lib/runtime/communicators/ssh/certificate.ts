/**
 * Logging in with an OpenSSH certificate, which the ssh2 package does not know: it sends a key's own name with the signature where a
 * certificate's name must stand beside the request and the key's name beside the signature. So the signed request is made here.
 */
import { createPrivateKey, sign } from 'node:crypto';
import type { Client, ParsedKey } from 'ssh2';
import { errors } from '../../../errors.js';
import { wireNumber, wireString } from './wire.js';
import { publicBlob, typeOfBlob } from './keys.js';

const fail = errors('SSH', {
  CERTIFICATE: { message: (from: string, reason: string) => `The certificate for ${from} cannot be used: ${reason}.`, remedy: 'Give the file that ssh-keygen -s made: its name ends in -cert.pub.' },
});

/** A private key that shows a certificate as its public half. */
export interface CertifiedKey extends ParsedKey { readonly $certified: { readonly request: string; readonly signature: string; readonly hash: string | undefined } }

/** What ssh2 keeps to itself, and what of it is used here. */
interface Protocol {
  authPK(username: string, key: ParsedKey, algorithm?: unknown, sign?: unknown): void;
  readonly _kex: { readonly sessionID: Buffer };
  readonly _packetRW: { readonly write: { alloc(size: number): Buffer; readonly allocStart: number; finalize(packet: Buffer): Buffer } };
  readonly _authsQueue: string[];
  readonly _cipher: { encrypt(packet: Buffer): void };
}

/** The key with its certificate (the text of a `-cert.pub` file). Throws SSH_CERTIFICATE. */
export function certified(key: ParsedKey, certificate: string, from: string): CertifiedKey {
  const blob = publicBlob(certificate), type = typeOfBlob(blob);
  if (!type.endsWith('-cert-v01@openssh.com')) throw fail.CERTIFICATE(from, type === '' ? 'it is no certificate' : `it is a key of type ${type}`);
  const plain = type.replace('-cert-v01@openssh.com', '');
  if (plain !== key.type) throw fail.CERTIFICATE(from, `it is for a key of type ${plain}, and the key is of type ${key.type}`);
  const rsa = plain === 'ssh-rsa', hash = rsa ? 'sha512' : plain === 'ssh-ed25519' ? undefined : `sha${{ nistp256: 256, nistp384: 384 }[plain.slice(-8)] ?? 512}`;
  return Object.create(key, {
    // The name under which ssh2 asks whether the key would do.
    type: { value: rsa ? 'rsa-sha2-512-cert-v01@openssh.com' : type },
    getPublicSSH: { value: () => blob },
    $certified: { value: { request: rsa ? 'rsa-sha2-512-cert-v01@openssh.com' : type, signature: rsa ? 'rsa-sha2-512' : plain, hash } },
  }) as CertifiedKey;
}

/** Teaches a client, whose `connect` has been called, to sign for certified keys. */
export function signCertified(client: Client): void {
  const protocol = (client as unknown as { readonly _protocol: Protocol })._protocol, plain = protocol.authPK.bind(protocol);
  protocol.authPK = (username, key, algorithm, signer) => {
    const wanted = typeof algorithm === 'function' || typeof signer === 'function';
    if (!wanted || !('$certified' in key)) { plain(username, key, algorithm, signer); return; }
    const { $certified: { request, signature, hash } } = key as CertifiedKey;
    const body = Buffer.concat([
      Buffer.of(50), wireString(username), wireString('ssh-connection'), wireString('publickey'), Buffer.of(1), wireString(request), wireString(key.getPublicSSH()),
    ]);
    const signed = signWith(key, Buffer.concat([wireString(protocol._kex.sessionID), body]), hash);
    const whole = Buffer.concat([body, wireString(Buffer.concat([wireString(signature), wireString(signed)]))]);
    const packet = protocol._packetRW.write.alloc(whole.length);
    whole.copy(packet, protocol._packetRW.write.allocStart);
    protocol._authsQueue.push('publickey');
    protocol._cipher.encrypt(protocol._packetRW.write.finalize(packet));
  };
}

function signWith(key: ParsedKey, data: Buffer, hash: string | undefined): Buffer {
  const pem = createPrivateKey(key.getPrivatePEM()), curve = hash !== undefined && pem.asymmetricKeyType === 'ec';
  const raw = sign(hash ?? null, data, curve ? { key: pem, dsaEncoding: 'ieee-p1363' } : pem);
  if (!curve) return raw;
  return Buffer.concat([wireNumber(raw.subarray(0, raw.length / 2)), wireNumber(raw.subarray(raw.length / 2))]);
}
