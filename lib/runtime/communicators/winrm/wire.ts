/** One authenticated HTTP connection to a WinRM service. NTLM belongs to a connection: what is sealed on one cannot be opened on another, and goes in order. */
import { createHash } from 'node:crypto';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { messageOf } from '../../../errors.js';
import { type Account, authenticate, negotiateMessage, type SealedSession } from './ntlm.js';

export interface WireOptions {
  readonly host: string;
  readonly port: number;
  /** Opens the TCP connection. */
  readonly dial: (signal: AbortSignal) => Promise<Duplex>;
  readonly tls: boolean;
  /** Any certificate will do. */
  readonly insecure: boolean;
  readonly account: Account;
  /** The user's name as it was given, for Basic. */
  readonly username: string;
  readonly auth: 'ntlm' | 'basic';
}

/**
 * What went wrong below SOAP. `silent`: no TCP connection, or none that answers; `other`: something answers that is no WinRM; `certificate`: it is not trusted;
 * `refused`: name or password; `method`: this way to log in is not offered; `lost`: the connection broke.
 */
export class WireFailure extends Error {
  constructor(readonly kind: 'silent' | 'other' | 'certificate' | 'refused' | 'method' | 'lost', message: string, /** Whether a request was on its way. */ readonly sent = false) { super(message); }
}

export interface Answer { readonly status: number; readonly text: string }

const soap = 'application/soap+xml;charset=UTF-8';
const boundary = 'Encrypted Boundary';

export class Wire {
  private socket: Duplex | undefined;
  private session: SealedSession | undefined;
  private scheme: 'Negotiate' | 'NTLM' = 'Negotiate';
  private agent: Agent | undefined;
  /** Requests of one connection go one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  /** Address of this computer as the other end sees it. */
  localAddress: string | undefined;
  constructor(private readonly options: WireOptions) {}

  get url(): string { return `${this.options.tls ? 'https' : 'http'}://${isIP(this.options.host) === 6 ? `[${this.options.host}]` : this.options.host}:${this.options.port}/wsman`; }

  /** Sends one message and returns the answer. Rejects with a WireFailure, or the signal's reason; the connection is closed then. `budget`: milliseconds. */
  post(body: string, budget: number, signal?: AbortSignal): Promise<Answer> {
    const next = this.turn.then(() => this.inTime(budget, signal, all => this.exchange(body, all)));
    this.turn = next.catch(() => {});
    return next;
  }

  /** Connects and, with NTLM, logs in; with Basic, only sees whether HTTP is spoken. Rejects as `post` does. */
  hello(budget: number, signal?: AbortSignal): Promise<void> {
    const next = this.turn.then(() => this.inTime(budget, signal, async all => {
      if (this.socket !== undefined && !this.socket.destroyed) return;
      this.close();
      await this.open(all);
      if (this.options.auth === 'basic') await this.send(Buffer.alloc(0), { 'Content-Type': soap }, all);
    }));
    this.turn = next.catch(() => {});
    return next;
  }

  close(): void {
    this.socket?.destroy();
    this.agent?.destroy();
    this.socket = this.session = this.agent = undefined;
  }

  private async inTime<T>(budget: number, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    const late = new AbortController(), timer = setTimeout(() => late.abort(new WireFailure('lost', `no answer within ${Math.round(budget / 1000)} s`, true)), budget);
    try { return await work(signal === undefined ? late.signal : AbortSignal.any([late.signal, signal])); } catch (error) {
      this.close();
      signal?.throwIfAborted();
      throw error;
    } finally { clearTimeout(timer); }
  }

  private async exchange(body: string, signal: AbortSignal): Promise<Answer> {
    for (let again = false; ; again = true) {
      if (this.socket === undefined || this.socket.destroyed) { this.close(); await this.open(signal); }
      const bytes = Buffer.from(body, 'utf8'), { session } = this;
      const sent = session === undefined || this.options.tls ? { type: soap, bytes } : sealedBody(session, bytes);
      const answer = await this.send(sent.bytes, { 'Content-Type': sent.type, ...(this.options.auth === 'basic' ? { Authorization: this.basic() } : {}) }, signal);
      if (answer.status !== 401) return { status: answer.status, text: this.textOf(answer) };
      // The server may have forgotten who we are, but not twice.
      if (again || this.options.auth === 'basic') throw this.refusal(answer);
      this.close();
    }
  }

  private textOf(answer: Whole): string {
    const type = answer.type.toLowerCase(), sealing = this.session !== undefined && !this.options.tls;
    if (type.startsWith('multipart/encrypted')) {
      if (!this.session) throw new WireFailure('other', 'it answers with a sealed message, and nothing was agreed on');
      try { return openedBody(this.session, answer.body).toString('utf8'); } catch (error) { throw new WireFailure('lost', messageOf(error), true); }
    }
    // Whoever sits between could have written this.
    if (sealing && answer.status < 300) throw new WireFailure('other', 'it answers in clear text to a sealed message', true);
    if (answer.status >= 300 && !/xml/.test(type)) {
      throw new WireFailure('other', answer.status === 413 ? 'the message is too large for it' : `it answers HTTP ${answer.status}${answer.server === '' ? '' : ` (${answer.server})`}`, true);
    }
    return answer.body.toString('utf8');
  }

  private async open(signal: AbortSignal): Promise<void> {
    const { options } = this;
    let socket: Duplex;
    try { socket = await options.dial(signal); } catch (error) { throw signal.aborted ? signal.reason : error instanceof WireFailure ? error : new WireFailure('silent', messageOf(error)); }
    this.localAddress = (socket as { readonly localAddress?: string }).localAddress;
    let binding: Buffer | undefined;
    if (options.tls) {
      const tls = await secure(socket, options, signal);
      binding = bindingOf(tls);
      socket = tls;
    }
    socket.on('error', () => {});
    this.socket = socket;
    this.agent = new Agent({ keepAlive: true, maxSockets: 1 });
    (this.agent as { createConnection: unknown }).createConnection = () => socket;
    if (options.auth === 'ntlm') await this.logIn(binding, signal);
  }

  private async logIn(binding: Buffer | undefined, signal: AbortSignal): Promise<void> {
    const first = negotiateMessage();
    let answer = await this.send(Buffer.alloc(0), { Authorization: `${this.scheme} ${first.toString('base64')}`, 'Content-Type': soap }, signal), token = this.tokenOf(answer);
    if (token === undefined && answer.status === 401 && this.scheme === 'Negotiate' && offered(answer).includes('ntlm')) {
      this.scheme = 'NTLM';
      answer = await this.send(Buffer.alloc(0), { Authorization: `NTLM ${first.toString('base64')}`, 'Content-Type': soap }, signal);
      token = this.tokenOf(answer);
    }
    if (token === undefined) throw answer.status === 401 ? this.refusal(answer) : new WireFailure('other', `it answers HTTP ${answer.status}${answer.server === '' ? '' : ` (${answer.server})`}`);
    let third: ReturnType<typeof authenticate>;
    try { third = authenticate(this.options.account, first, token, { binding, target: `HTTP/${this.options.host}` }); } catch (error) { throw new WireFailure('other', messageOf(error)); }
    const last = await this.send(Buffer.alloc(0), { Authorization: `${this.scheme} ${third.message.toString('base64')}`, 'Content-Type': soap }, signal);
    if (last.status === 401) throw new WireFailure('refused', 'it refuses this user and password');
    this.session = third.session;
  }

  private tokenOf(answer: Whole): Buffer | undefined {
    for (const header of answer.authenticate) {
      const found = new RegExp(`(?:^|,\\s*)${this.scheme}\\s+([A-Za-z0-9+/=]+)`, 'i').exec(header)?.[1];
      if (found === undefined) continue;
      const token = Buffer.from(found, 'base64'), inside = token.indexOf('NTLMSSP\0', 0, 'latin1');
      // A server may wrap it in SPNEGO.
      if (inside >= 0) return token.subarray(inside);
    }
    return undefined;
  }

  private refusal(answer: Whole): WireFailure {
    const ways = offered(answer);
    if (this.options.auth === 'ntlm' && !ways.includes('negotiate') && !ways.includes('ntlm')) return new WireFailure('method', `it offers ${ways.join(', ') || 'no way to log in'}, and not NTLM`);
    if (this.options.auth === 'basic' && !ways.includes('basic') && ways.length > 0) return new WireFailure('method', `it offers ${ways.join(', ')}, and not Basic`);
    return new WireFailure('refused', 'it refuses this user and password');
  }

  private basic(): string { return `Basic ${Buffer.from(`${this.options.username}:${this.options.account.password}`).toString('base64')}`; }

  private send(body: Buffer, headers: { readonly [name: string]: string }, signal: AbortSignal): Promise<Whole> {
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle = (report: () => void): void => { if (settled) return; settled = true; signal.removeEventListener('abort', abandon); report(); };
      const abandon = (): void => settle(() => { out.destroy(); reject(signal.reason as Error); });
      const failed = (error: Error): void => settle(() => {
        const { code = '' } = error as NodeJS.ErrnoException;
        reject(code.startsWith('HPE_') ? new WireFailure('other', 'what answers there does not speak HTTP', true) : new WireFailure('lost', code === 'ECONNRESET' ? 'the connection was closed' : error.message, true));
      });
      const out = httpRequest({
        agent: this.agent!, host: this.options.host, port: this.options.port, path: '/wsman', method: 'POST',
        headers: { ...headers, 'Content-Length': body.length, 'User-Agent': 'imagebake', Connection: 'Keep-Alive' },
      }, answer => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', failed).once('aborted', () => failed(new Error('the connection was closed'))).once('end', () => settle(() => resolve(wholeOf(answer, Buffer.concat(chunks)))));
      });
      out.once('error', failed);
      signal.addEventListener('abort', abandon, { once: true });
      if (signal.aborted) { abandon(); return; }
      out.end(body);
    });
  }
}

interface Whole { readonly status: number; readonly type: string; readonly server: string; readonly authenticate: readonly string[]; readonly body: Buffer }
function wholeOf(answer: IncomingMessage, body: Buffer): Whole {
  const raw = answer.rawHeaders, authenticate = raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === 'www-authenticate');
  return { status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', server: String(answer.headers.server ?? ''), authenticate, body };
}
const offered = (answer: Whole): string[] => answer.authenticate.flatMap(header => header.split(',').map(part => part.trim().split(/\s/)[0]!.toLowerCase()).filter(word => /^[a-z]+$/.test(word)));

function sealedBody(session: SealedSession, bytes: Buffer): { readonly type: string; readonly bytes: Buffer } {
  const { signature, sealed } = session.seal(bytes), length = Buffer.alloc(4);
  length.writeUInt32LE(signature.length);
  return {
    type: `multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted";boundary="${boundary}"`,
    bytes: Buffer.concat([
      Buffer.from(`--${boundary}\r\n\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n\tOriginalContent: type=${soap};Length=${bytes.length}\r\n--${boundary}\r\n\tContent-Type: application/octet-stream\r\n`),
      length, signature, sealed, Buffer.from(`--${boundary}--\r\n`),
    ]),
  };
}
function openedBody(session: SealedSession, body: Buffer): Buffer {
  const marker = /Content-Type:\s*application\/octet-stream\r\n/i.exec(body.toString('latin1', 0, 4096)), length = Number(/OriginalContent:[^\r\n]*Length=(\d+)/i.exec(body.toString('latin1', 0, 4096))?.[1]);
  if (marker === null || !Number.isInteger(length)) throw new Error('a sealed message has no beginning');
  const at = marker.index + marker[0].length, signed = body.readUInt32LE(at);
  if (at + 4 + signed + length > body.length) throw new Error('a sealed message is cut off');
  return session.open(body.subarray(at + 4, at + 4 + signed), body.subarray(at + 4 + signed, at + 4 + signed + length));
}

function secure(socket: Duplex, { host, insecure }: WireOptions, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, rejectUnauthorized: !insecure, ...(isIP(host) ? {} : { servername: host }), ...(isIP(host) ? { host } : {}) });
    const abandon = (): void => { tls.destroy(); reject(signal.reason as Error); };
    if (signal.aborted) return abandon();
    signal.addEventListener('abort', abandon, { once: true });
    tls.once('secureConnect', () => { signal.removeEventListener('abort', abandon); tls.removeAllListeners('error'); resolve(tls); });
    tls.once('error', (error: NodeJS.ErrnoException) => {
      signal.removeEventListener('abort', abandon);
      const { code = '' } = error;
      reject(/CERT|SELF_SIGNED|ISSUER|ALTNAME|VERIFY/.test(code) ? new WireFailure('certificate', error.message)
        : /^ERR_SSL|EPROTO/.test(code) ? new WireFailure('other', 'what answers there does not speak TLS') : new WireFailure('silent', code === 'ECONNRESET' ? 'it closes the connection instead of speaking TLS' : error.message));
    });
  });
}

/** The hash of the server's certificate, by the hash function of its own signature; SHA-256 in place of what is weaker (RFC 5929). */
function bindingOf(tls: TLSSocket): Buffer | undefined {
  const { raw } = tls.getPeerCertificate() as { readonly raw?: Buffer };
  if (raw === undefined) return undefined;
  const signedWith = (...oids: readonly string[]): boolean => oids.some(oid => raw.includes(Buffer.from(oid, 'hex')));
  // sha384WithRSAEncryption and ecdsa-with-SHA384; the same with SHA512.
  const hash = signedWith('06092a864886f70d01010c', '06082a8648ce3d040303') ? 'sha384' : signedWith('06092a864886f70d01010d', '06082a8648ce3d040304') ? 'sha512' : 'sha256';
  return createHash(hash).update(raw).digest();
}
