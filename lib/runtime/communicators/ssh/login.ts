/** One SSH handshake on an open stream: host key, then each way to log in that we have, and what became of it. */
import type { Duplex } from 'node:stream';
import type { Client, ConnectConfig, ParsedKey } from 'ssh2';
import { errors, messageOf } from '../../../errors.js';
import { certified, signCertified } from './certificate.js';
import { fingerprintOf, publicBlob, typeOfBlob } from './keys.js';

const fail = errors('SSH', {
  PRIVATE_KEY: {
    message: (from: string, reason: string) => `The private key ${from} cannot be used: ${reason}.`,
    remedy: 'Give a key that ssh-keygen reads: OpenSSH or PEM format, with its passphrase where it has one.',
  },
});

export interface LoginKey {
  /** Text of the private key. */
  readonly privateKey: string;
  readonly passphrase?: string;
  /** For messages: `of this run`, `/home/a/.ssh/id_ed25519`. */
  readonly from: string;
  /** Text of an OpenSSH certificate for the key. */
  readonly certificate?: string;
}

/** Who logs in, and how. */
export interface Login {
  readonly user: string;
  readonly keys: readonly LoginKey[];
  readonly password?: string;
  /** Socket of an agent whose keys are tried. */
  readonly agent?: string;
  readonly forwardAgent?: boolean;
  /** The public key that the server must show, as a line of known_hosts or authorized_keys. Any, and the same from then on, when left out. */
  readonly hostKey?: string;
  readonly ciphers?: readonly string[];
  readonly keyExchange?: readonly string[];
  /** Milliseconds between signs of life on an idle connection; 0: none. */
  readonly keepAlive?: number;
}

/** How a handshake failed. `refused`: the server said no to everything; `other-host-key`: it is not the machine we know; `lost`: the connection broke; `mismatch`: no common algorithm. */
export class LoginFailure extends Error {
  constructor(readonly kind: 'refused' | 'other-host-key' | 'lost' | 'mismatch', message: string, readonly facts: {
    /** What was tried, in words: `publickey SHA256:… (of this run)`. */
    readonly tried: readonly string[];
    /** Ways to log in that the server offers. */
    readonly offered: readonly string[];
    readonly hostKey?: string;
    /** Text the server shows before the login. */
    readonly banner?: string;
  }) { super(message); }
}

export interface LoggedIn {
  readonly client: Client;
  /** Binary public key of the server. */
  readonly hostKey: Buffer;
  /** The server's software, as it greets: `OpenSSH_9.2p1 Debian-2`. */
  readonly software: string;
}

interface Way { readonly type: string; readonly words: string; readonly send: object }

/** Does the handshake and logs in. Rejects with a LoginFailure; the stream is closed then. */
export async function logIn(stream: Duplex, login: Login, budget: number, signal: AbortSignal): Promise<LoggedIn> {
  const ssh2 = (await import('ssh2')).default;
  const ways = waysOf(login, ssh2.utils.parseKey);
  const client = new ssh2.Client();
  const expected = login.hostKey === undefined ? undefined : publicBlob(login.hostKey);
  let hostKey: Buffer | undefined, software = '', banner = '', denied = false, refused = false;
  const tried: string[] = [], offered = new Set<string>();
  const facts = (): LoginFailure['facts'] => ({ tried, offered: [...offered], ...(hostKey ? { hostKey: fingerprintOf(hostKey) } : {}), ...(banner ? { banner } : {}) });
  return new Promise((resolve, reject) => {
    const failed = (kind: LoginFailure['kind'], message: string): void => finish(() => reject(new LoginFailure(kind, message, facts())));
    const abandoned = (): void => finish(() => reject(signal.reason as Error));
    let over = false;
    const finish = (report: () => void): void => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', abandoned);
      client.removeAllListeners();
      client.on('error', () => {});
      client.end();
      stream.destroy();
      report();
    };
    if (signal.aborted) return abandoned();
    signal.addEventListener('abort', abandoned, { once: true });
    client.on('banner', text => { banner = text.trim(); });
    client.on('handshake', () => { software = (client as unknown as { readonly _remoteVer?: string })._remoteVer ?? ''; });
    client.on('ready', () => {
      if (over) return;
      over = true;
      signal.removeEventListener('abort', abandoned);
      client.removeAllListeners('error').removeAllListeners('close').removeAllListeners('end');
      // The owner of the client adds its own listener in the same turn; without any, an error would end the process.
      client.on('error', () => {});
      resolve({ client, hostKey: hostKey!, software });
    });
    client.on('error', error => {
      const { level } = error as { readonly level?: string };
      if (denied) failed('other-host-key', `it shows the host key ${fingerprintOf(hostKey!)}, and not ${fingerprintOf(expected!)}`);
      else if (level === 'client-authentication' || (refused && level === undefined)) failed('refused', messageOf(error));
      else if (level === 'handshake' && /no matching/i.test(error.message)) failed('mismatch', error.message);
      else if (level !== 'agent') failed('lost', error.message);
    });
    client.on('close', () => failed(refused ? 'refused' : 'lost', 'the connection was closed'));
    const queue = [...ways];
    const config = {
      sock: stream, username: login.user, readyTimeout: budget, keepaliveInterval: login.keepAlive ?? 0,
      // A guest that is being saved stands still for a while; a minute without an answer is a dead one.
      keepaliveCountMax: Math.max(3, Math.ceil(60_000 / (login.keepAlive || 60_000))),
      ...(login.agent === undefined ? {} : { agent: login.agent, agentForward: login.forwardAgent === true }),
      hostVerifier: (key: Buffer) => {
        hostKey = Buffer.from(key);
        denied = expected !== undefined && !expected.equals(hostKey);
        return !denied;
      },
      algorithms: {
        ...(login.ciphers?.length ? { cipher: [...login.ciphers] } : {}),
        ...(login.keyExchange?.length ? { kex: [...login.keyExchange] } : {}),
        // A server with several host keys is asked for the one that we know.
        ...(expected ? { serverHostKey: hostKeyOrder(typeOfBlob(expected)) } : {}),
      },
      authHandler: (left: readonly string[] | null, partial: boolean | null, next: (way: object | false) => void) => {
        if (left) { refused ||= !partial; offered.clear(); for (const method of left) offered.add(method); }
        for (let way = queue.shift(); way; way = queue.shift()) {
          if (left && !left.includes(way.type === 'agent' ? 'publickey' : way.type)) continue;
          tried.push(way.words);
          next(way.send);
          return;
        }
        refused = true;
        next(false);
      },
    };
    try {
      client.connect(config as unknown as ConnectConfig);
      if (login.keys.some(key => key.certificate !== undefined)) signCertified(client);
    } catch (error) { failed('mismatch', messageOf(error)); }
  });
}

function waysOf(login: Login, parseKey: (key: string, passphrase?: string) => ParsedKey | Error): Way[] {
  const ways: Way[] = [], username = login.user;
  for (const key of login.keys) {
    const parsed = parseKey(key.privateKey, key.passphrase);
    if (parsed instanceof Error) throw fail.PRIVATE_KEY(key.from, parsed.message);
    if (!parsed.isPrivateKey()) throw fail.PRIVATE_KEY(key.from, 'it is a public key');
    if (key.certificate !== undefined) ways.push({ type: 'publickey', words: `publickey ${fingerprintOf(parsed.getPublicSSH())} with a certificate (${key.from})`, send: { type: 'publickey', username, key: certified(parsed, key.certificate, key.from) } });
    ways.push({ type: 'publickey', words: `publickey ${fingerprintOf(parsed.getPublicSSH())} (${key.from})`, send: { type: 'publickey', username, key: parsed } });
  }
  if (login.agent !== undefined) ways.push({ type: 'agent', words: `publickey (agent ${login.agent})`, send: { type: 'agent', username, agent: login.agent } });
  const { password } = login;
  if (password !== undefined) {
    ways.push({ type: 'password', words: 'password', send: { type: 'password', username, password } });
    ways.push({
      type: 'keyboard-interactive', words: 'keyboard-interactive (the password)',
      send: { type: 'keyboard-interactive', username, prompt: (_name: string, _text: string, _lang: string, prompts: readonly unknown[], answer: (texts: string[]) => void) => answer(prompts.map(() => password)) },
    });
  }
  if (ways.length === 0) ways.push({ type: 'none', words: 'none', send: { type: 'none', username } });
  return ways;
}

const hostKeyTypes = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'];
function hostKeyOrder(type: string): string[] {
  const first = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type];
  return [...first, ...hostKeyTypes.filter(t => !first.includes(t))];
}
