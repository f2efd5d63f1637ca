/** Through a proxy: SOCKS5 (RFC 1928, 1929) or HTTP CONNECT, both with a name and a password where they ask for it. */
import type { Duplex } from 'node:stream';
import { errors } from '../../../errors.js';
import { type Dial, dialTcp } from './banner.js';

const fail = errors('PROXY', {
  REFUSED: { message: (proxy: string, target: string, reason: string) => `The proxy ${proxy} does not connect to ${target}: ${reason}.` },
  LOGIN: { message: (proxy: string, reason: string) => `The proxy ${proxy} lets nobody through: ${reason}.`, remedy: 'Check ssh.proxyUsername and ssh.proxyPassword.' },
  PROTOCOL: { message: (proxy: string, type: string, reason: string) => `${proxy} does not answer as a proxy of type ${type}: ${reason}.`, remedy: 'Check ssh.proxyHost, ssh.proxyPort and ssh.proxyType.' },
});

export interface Proxy { readonly type: 'socks5' | 'http'; readonly host: string; readonly port: number; readonly username?: string; readonly password?: string }

/** Opens connections through the proxy, which resolves the name itself. */
export function dialProxy(proxy: Proxy, host: string, port: number): Dial {
  const where = `${proxy.host}:${proxy.port}`;
  return async signal => {
    const stream = await dialTcp(proxy.host, proxy.port)(signal);
    const reader = new Reader(stream, signal);
    try {
      await (proxy.type === 'http' ? connectHttp : connectSocks)(proxy, stream, reader, host, port, where);
      reader.release();
      return stream;
    } catch (error) {
      stream.destroy();
      throw error;
    }
  };
}

async function connectSocks(proxy: Proxy, stream: Duplex, reader: Reader, host: string, port: number, where: string): Promise<void> {
  const login = proxy.username !== undefined;
  stream.write(Buffer.of(5, login ? 2 : 1, 0, ...(login ? [2] : [])));
  const [version, method] = await reader.take(2);
  if (version !== 5) throw fail.PROTOCOL(where, proxy.type, `its first byte is ${version}`);
  if (method === 2) {
    const name = Buffer.from(proxy.username ?? ''), password = Buffer.from(proxy.password ?? '');
    stream.write(Buffer.concat([Buffer.of(1, name.length), name, Buffer.of(password.length), password]));
    if ((await reader.take(2))[1] !== 0) throw fail.LOGIN(where, 'it refuses this name and password');
  } else if (method !== 0) throw fail.LOGIN(where, login ? 'it takes no name and password' : 'it asks for a name and password');
  const name = Buffer.from(host);
  stream.write(Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(port >> 8, port & 255)]));
  const [, reply, , kind] = await reader.take(4);
  if (reply !== 0) throw fail.REFUSED(where, `${host}:${port}`, ['', 'general failure', 'its rules forbid it', 'network unreachable', 'host unreachable', 'connection refused', 'TTL expired', 'it knows no such command', 'it knows no such address'][reply!] ?? `reply ${reply}`);
  await reader.take((kind === 1 ? 4 : kind === 4 ? 16 : (await reader.take(1))[0]!) + 2);
}

async function connectHttp(proxy: Proxy, stream: Duplex, reader: Reader, host: string, port: number, where: string): Promise<void> {
  const target = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const login = proxy.username === undefined ? '' : `Proxy-Authorization: Basic ${Buffer.from(`${proxy.username}:${proxy.password ?? ''}`).toString('base64')}\r\n`;
  stream.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${login}\r\n`);
  const head = await reader.until('\r\n\r\n'), status = /^HTTP\/1\.\d (\d{3}) ?(.*)/.exec(head);
  if (!status) throw fail.PROTOCOL(where, proxy.type, `it says '${head.slice(0, 40).replace(/[^\x20-\x7e]+/g, ' ')}'`);
  if (status[1] === '407') throw fail.LOGIN(where, proxy.username === undefined ? 'it asks for a name and password' : 'it refuses this name and password');
  if (status[1]![0] !== '2') throw fail.REFUSED(where, target, `${status[1]} ${status[2]!.trim()}`);
}

/** Takes what a handshake needs, and leaves the rest in the stream. */
class Reader {
  private held = Buffer.alloc(0);
  private wake: () => void = () => {};
  private failure: Error | undefined;
  private readonly take1 = (chunk: Buffer): void => { this.held = Buffer.concat([this.held, chunk]); this.wake(); };
  private readonly lost = (error?: Error): void => { this.failure ??= error ?? new Error('it closed the connection'); this.wake(); };
  private readonly abandoned = (): void => this.lost(this.signal.reason as Error);
  constructor(private readonly stream: Duplex, private readonly signal: AbortSignal) {
    stream.on('data', this.take1).on('error', this.lost).on('close', this.lost);
    signal.addEventListener('abort', this.abandoned, { once: true });
  }
  async take(size: number): Promise<Buffer> {
    await this.wait(() => this.held.length >= size);
    const out = this.held.subarray(0, size);
    this.held = this.held.subarray(size);
    return out;
  }
  async until(end: string): Promise<string> {
    await this.wait(() => this.held.includes(end) || this.held.length > 16_384 || (this.held.includes('\n') && !this.held.toString('latin1', 0, 5).startsWith('HTTP/')));
    const at = this.held.indexOf(end);
    return (await this.take(at < 0 ? this.held.length : at + end.length)).toString('latin1');
  }
  /** Puts back what was not taken. */
  release(): void {
    this.stream.pause();
    this.stream.off('data', this.take1).off('error', this.lost).off('close', this.lost);
    this.signal.removeEventListener('abort', this.abandoned);
    if (this.held.length > 0) this.stream.unshift(this.held);
  }
  private async wait(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (this.failure) throw this.failure;
      await new Promise<void>(resolve => { this.wake = resolve; });
    }
  }
}
