/** NTLMv2 as a client speaks it ([MS-NLMP]): three messages, then signed and sealed ones. */
import { createHash, randomBytes } from 'node:crypto';
import { hmacMd5, md4, rc4 } from './ciphers.js';

const flag = {
  unicode: 0x1, requestTarget: 0x4, sign: 0x10, seal: 0x20, ntlm: 0x200, alwaysSign: 0x8000, extendedSecurity: 0x80000, targetInfo: 0x800000, version: 0x2000000, key128: 0x20000000, keyExchange: 0x40000000, key56: 0x80000000,
} as const;
/** What we ask for. A server that has less is refused: 128 bits, with a session key of our own, or nothing. */
const wanted = (flag.unicode | flag.requestTarget | flag.sign | flag.seal | flag.ntlm | flag.alwaysSign | flag.extendedSecurity | flag.targetInfo | flag.version | flag.key128 | flag.keyExchange | flag.key56) >>> 0;
const required = (flag.unicode | flag.extendedSecurity | flag.key128 | flag.keyExchange) >>> 0;
/** Windows 10, NTLM revision 15. */
const version = Buffer.from('0a00614a0000000f', 'hex');
const signature = Buffer.from('NTLMSSP\0', 'latin1');
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

export interface Account { readonly domain: string; readonly user: string; readonly password: string }

/** `DOMAIN\user`, `user@domain` (which Windows takes whole) or `user`. */
export function accountOf(username: string, password: string): Account {
  const slash = username.indexOf('\\');
  return slash < 0 ? { domain: '', user: username, password } : { domain: username.slice(0, slash), user: username.slice(slash + 1), password };
}

/** The first message. */
export function negotiateMessage(): Buffer {
  const message = Buffer.alloc(40);
  signature.copy(message);
  message.writeUInt32LE(1, 8);
  message.writeUInt32LE(wanted, 12);
  version.copy(message, 32);
  return message;
}

export interface Challenge { readonly flags: number; readonly challenge: Buffer; readonly targetInfo: Buffer }

/** Reads the server's answer. Throws an Error that says what is wrong with it. */
export function readChallenge(message: Buffer): Challenge {
  if (message.length < 48 || !message.subarray(0, 8).equals(signature) || message.readUInt32LE(8) !== 2) throw new Error('what the server sends is no NTLM challenge');
  const flags = message.readUInt32LE(20), length = message.readUInt16LE(40), at = message.readUInt32LE(44);
  if (((flags & required) >>> 0) !== required) throw new Error('the server offers only an NTLM that is too weak (no NTLMv2 with 128 bits)');
  if (at + length > message.length) throw new Error('the NTLM challenge of the server is cut off');
  return { flags, challenge: message.subarray(24, 32), targetInfo: message.subarray(at, at + length) };
}

/** For tests with published values; random, and now, where left out. */
export interface Chosen { readonly clientChallenge?: Buffer; readonly sessionKey?: Buffer; readonly time?: Buffer; readonly workstation?: string; readonly plainTargetInfo?: boolean }

const av = { end: 0, flags: 6, timestamp: 7, target: 9, bindings: 10 } as const;

/**
 * The third message, and what seals from then on. `negotiate` and `challenge`: the messages before it, as bytes, for its integrity code.
 * `binding`: the hash of the certificate that the TLS connection under it showed; a server may insist on it.
 */
export function authenticate(account: Account, negotiate: Buffer, challenge: Buffer, options: { readonly binding?: Buffer | undefined; readonly target?: string } & Chosen = {}): { readonly message: Buffer; readonly session: SealedSession; readonly exportedKey: Buffer } {
  const server = readChallenge(challenge);
  const pairs = readPairs(server.targetInfo), stamp = pairs.get(av.timestamp);
  const time = stamp ?? options.time ?? fileTime(Date.now());
  if (!options.plainTargetInfo) {
    pairs.set(av.bindings, options.binding === undefined ? Buffer.alloc(16) : channelBindings(options.binding));
    if (options.target !== undefined) pairs.set(av.target, utf16(options.target));
    // The integrity code of the messages makes their flags safe from whoever sits between.
    if (stamp) { const flags = Buffer.alloc(4); flags.writeUInt32LE(((pairs.get(av.flags)?.readUInt32LE(0) ?? 0) | 2) >>> 0); pairs.set(av.flags, flags); }
  }
  const targetInfo = options.plainTargetInfo ? server.targetInfo : writePairs(pairs);
  const key = hmacMd5(md4(utf16(account.password)), utf16(account.user.toUpperCase() + account.domain));
  const clientChallenge = options.clientChallenge ?? randomBytes(8);
  const blob = Buffer.concat([Buffer.from('0101000000000000', 'hex'), time, clientChallenge, Buffer.alloc(4), targetInfo, Buffer.alloc(4)]);
  const proof = hmacMd5(key, server.challenge, blob), ntResponse = Buffer.concat([proof, blob]);
  const lmResponse = stamp ? Buffer.alloc(24) : Buffer.concat([hmacMd5(key, server.challenge, clientChallenge), clientChallenge]);
  const baseKey = hmacMd5(key, proof), exportedKey = options.sessionKey ?? randomBytes(16), encryptedKey = rc4(baseKey)(exportedKey);

  const head = 88, message: Buffer[] = [Buffer.alloc(head)], fields = [lmResponse, ntResponse, utf16(account.domain), utf16(account.user), utf16(options.workstation ?? ''), encryptedKey] as const;
  signature.copy(message[0]!);
  message[0]!.writeUInt32LE(3, 8);
  let at = head;
  for (const [i, field] of fields.entries()) {
    message[0]!.writeUInt16LE(field.length, 12 + i * 8);
    message[0]!.writeUInt16LE(field.length, 14 + i * 8);
    message[0]!.writeUInt32LE(at, 16 + i * 8);
    message.push(field);
    at += field.length;
  }
  const flags = (wanted & server.flags) >>> 0;
  message[0]!.writeUInt32LE(flags, 60);
  version.copy(message[0]!, 64);
  const whole = Buffer.concat(message);
  if (stamp) hmacMd5(exportedKey, negotiate, challenge, whole).copy(whole, 72);
  return { message: whole, session: new SealedSession(exportedKey), exportedKey };
}

const magic = (from: string, to: string, what: string): Buffer => Buffer.from(`session key to ${from}-to-${to} ${what} key magic constant\0`, 'latin1');
const keyFor = (exported: Buffer, constant: Buffer): Buffer => createHash('md5').update(exported).update(constant).digest();

/** One authenticated connection: what is sealed on it must be opened in the same order. `as`: the end that we are. */
export class SealedSession {
  private readonly out: Side;
  private readonly in: Side;
  constructor(exportedKey: Buffer, as: 'client' | 'server' = 'client') {
    const client = new Side(keyFor(exportedKey, magic('client', 'server', 'signing')), keyFor(exportedKey, magic('client', 'server', 'sealing')));
    const server = new Side(keyFor(exportedKey, magic('server', 'client', 'signing')), keyFor(exportedKey, magic('server', 'client', 'sealing')));
    [this.out, this.in] = as === 'client' ? [client, server] : [server, client];
  }
  /** Encrypts; the 16 bytes of the signature go before the data on the wire. */
  seal(data: Uint8Array): { readonly signature: Buffer; readonly sealed: Buffer } {
    const sealed = this.out.cipher(data);
    return { signature: this.out.sign(data), sealed };
  }
  /** Decrypts. Throws where the signature is not right: somebody has changed the message, or it is not the next one. */
  open(given: Uint8Array, sealed: Uint8Array): Buffer {
    const data = this.in.cipher(sealed);
    if (!this.in.sign(data).equals(Buffer.from(given))) throw new Error('a sealed message has a wrong signature');
    return data;
  }
}

class Side {
  readonly cipher: (data: Uint8Array) => Buffer;
  private sequence = 0;
  constructor(private readonly signingKey: Buffer, sealingKey: Buffer) { this.cipher = rc4(sealingKey); }
  sign(data: Uint8Array): Buffer {
    const number = Buffer.alloc(4);
    number.writeUInt32LE(this.sequence++);
    return Buffer.concat([Buffer.from('01000000', 'hex'), this.cipher(hmacMd5(this.signingKey, number, data).subarray(0, 8)), number]);
  }
}

function readPairs(info: Buffer): Map<number, Buffer> {
  const pairs = new Map<number, Buffer>();
  for (let at = 0; at + 4 <= info.length;) {
    const id = info.readUInt16LE(at), length = info.readUInt16LE(at + 2);
    if (id === av.end) break;
    pairs.set(id, info.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return pairs;
}
function writePairs(pairs: ReadonlyMap<number, Buffer>): Buffer {
  return Buffer.concat([...[...pairs].map(([id, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(id);
    head.writeUInt16LE(value.length, 2);
    return Buffer.concat([head, value]);
  }), Buffer.alloc(4)]);
}

/** Hundreds of nanoseconds since 1601. */
function fileTime(milliseconds: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(milliseconds) + 11_644_473_600_000n) * 10_000n);
  return time;
}

/** RFC 5929's tls-server-end-point, in the form that GSS hashes. */
function channelBindings(certificateHash: Buffer): Buffer {
  const data = Buffer.concat([Buffer.from('tls-server-end-point:', 'latin1'), certificateHash]), length = Buffer.alloc(4);
  length.writeUInt32LE(data.length);
  return createHash('md5').update(Buffer.alloc(16)).update(length).update(data).digest();
}
