/** The SSH communicator: one connection, many channels, and a new connection where the guest was away. */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, SFTPWrapper } from 'ssh2';
import { errors, messageOf } from '../../errors.js';
import type { Communicator, Endpoint, ExecOptions, Exit, UploadOptions } from '../driver.js';
import { Slots } from './ssh/slots.js';
import { openExec, runChannel, type Started, traceable } from './ssh/channel.js';
import { type ConnectOptions, connectSsh } from './ssh/connect.js';
import type { LoggedIn } from './ssh/login.js';
import * as sftp from './ssh/sftp.js';
import * as unix from './unix-files.js';

const fail = errors('SSH', {
  NO_CHANNEL: {
    message: (reason: string) => `The guest's SSH server opens no channel for a command: ${reason}.`,
    remedy: 'Check MaxSessions, ForceCommand and the login shell of the user in the guest.',
  },
});

export interface SshOptions extends Omit<ConnectOptions, 'ready'> {
  readonly endpoint: Endpoint;
  /** Commands of provisioners run in a terminal. */
  readonly pty?: boolean;
  /** How files travel. `auto`: small files and folders through commands, large files by SFTP where the guest has it; each is the fastest. @default 'auto', on Windows 'sftp' */
  readonly fileTransfer?: 'auto' | 'exec' | 'sftp';
  /** Milliseconds without a byte from the guest, keepalive answers included, after which the connection counts as dead. */
  readonly silence?: number;
  /** Milliseconds in which an idle connection that broke must come back when the next command needs it. @default 10 s */
  readonly comeback?: number;
  /** Milliseconds that `reconnect` may take. @default 5 min */
  readonly reconnectBudget?: number;
  /** Run on each new connection before it is used, and its undoing: tunnels. */
  readonly prepare?: (connection: LoggedIn) => Promise<void>;
  readonly dispose?: () => Promise<void>;
}

interface Link extends LoggedIn { readonly slots: Slots; lost?: string; sftp?: Promise<SFTPWrapper> }

/** Most channels at once: OpenSSH allows ten, of which one is SFTP's and one is for ending what another runs. */
const channels = 8;

/** Bytes from which SFTP is faster than a command. */
const large = 4 * 1024 * 1024;

/** A guest behind SSH. */
export class SshCommunicator implements Communicator {
  readonly guest: 'unix' | 'windows';
  /** What other programs are told; whoever opened the connection knows it better once we are in. */
  endpoint: Endpoint;
  readonly pty: boolean;
  private link: Link;
  private connecting: Promise<Link> | undefined;
  private readonly hostKey: string;
  private constructor(private readonly options: SshOptions, link: Link) {
    this.link = link;
    this.guest = /windows/i.test(link.software) ? 'windows' : 'unix';
    this.pty = options.pty ?? false;
    this.hostKey = link.hostKey.toString('base64');
    this.endpoint = options.endpoint;
  }

  /** Waits for the guest and logs in. Rejects with SSH_TIMEOUT, SSH_REFUSED or SSH_HOST_KEY. */
  static async open(options: SshOptions): Promise<SshCommunicator> {
    return new SshCommunicator(options, await connect(options, options.budget, options.signal));
  }

  /** The public key that the guest showed, as in known_hosts. */
  get hostKeyLine(): string { return `${this.link.hostKey.toString('latin1', 4, 4 + this.link.hostKey.readUInt32BE(0))} ${this.link.hostKey.toString('base64')}`; }

  readonly exec = async (command: string, options: ExecOptions = {}): Promise<Exit> => {
    options.signal?.throwIfAborted();
    let link: Link;
    try { link = await this.live(options.signal); } catch (error) {
      options.signal?.throwIfAborted();
      return { how: 'disconnected', reason: messageOf(error), started: false };
    }
    const pty = options.pty ?? (this.pty && options.stdin === undefined);
    const { line, mark } = this.guest === 'unix' ? traceable(command) : { line: command, mark: undefined };
    const release = await link.slots.take(options.signal);
    try {
      const channel = await this.open(link, line, pty);
      return channel === undefined ? { how: 'disconnected', reason: link.lost ?? 'the connection was lost', started: false }
        : await runChannel(link.client, channel, options, mark, () => link.lost);
    } finally { release(); }
  };

  private async open(link: Link, line: string, pty: boolean): Promise<Started | undefined> {
    for (let alone = 0; ; ) {
      try { return await openExec(link.client, line, pty); } catch (error) {
        if (link.lost !== undefined) return undefined;
        if (!/channel open failure/i.test(messageOf(error)) || alone > 10) throw fail.NO_CHANNEL(messageOf(error), { cause: error });
        // A server that allows fewer channels than we thought: with one less it may do. The last one may not have been cleared away there yet.
        if (link.slots.inUse > 1) await link.slots.narrow();
        else { alone += 1; await sleep(200); }
      }
    }
  }

  async upload(from: string | Uint8Array, to: string, options: UploadOptions = {}): Promise<void> {
    if (this.bySftp) return sftp.uploadFile(await this.sftp(), from, this.slashes(to), options);
    if (this.options.fileTransfer !== 'exec' && (typeof from === 'string' ? statSync(from).size : from.length) >= large) {
      // Where SFTP fails, the command tells why ("Failure" is all that SFTP says of a full disk) or succeeds.
      try { return await this.uploadLarge(from, to, options); } catch { options.signal?.throwIfAborted(); }
    }
    return unix.uploadFile(this.exec, from, to, options);
  }
  /** By two sessions where the guest has a channel left: sshd lets each have only 2 MiB on their way, which a distant guest soon has all of. */
  private async uploadLarge(from: string | Uint8Array, to: string, options: UploadOptions): Promise<void> {
    const first = await this.sftp(), { link } = this;
    if (!link.slots.free) return sftp.uploadFile(first, from, to, options);
    const release = await link.slots.take(options.signal), second = await openSftp(link.client).catch(() => undefined);
    try { await sftp.uploadFile(first, from, to, options, second === undefined ? [] : [second]); } finally { second?.end(); release(); }
  }
  async download(from: string, to: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.bySftp ? sftp.downloadFile(await this.sftp(), this.slashes(from), to, options) : unix.downloadFile(this.exec, from, to, options);
  }
  async uploadFolder(from: string, to: string, options: UploadOptions = {}): Promise<void> {
    if (this.bySftp) return sftp.uploadFolder(await this.sftp(), from, this.slashes(to), options);
    try { await unix.uploadFolder(this.exec, from, to, options); } catch (error) {
      if (!unix.lacksTar(error)) throw error;
      await sftp.uploadFolder(await this.sftp(), from, to, options);
    }
  }
  async downloadFolder(from: string, to: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.bySftp) return sftp.downloadFolder(await this.sftp(), this.slashes(from), to, options);
    try { await unix.downloadFolder(this.exec, from, to, options); } catch (error) {
      if (!unix.lacksTar(error)) throw error;
      await sftp.downloadFolder(await this.sftp(), from, to, options);
    }
  }

  async reconnect(options: { readonly budget?: number; readonly signal?: AbortSignal } = {}): Promise<void> {
    this.link.lost ??= 'it was given up to connect anew';
    this.link.client.end();
    // After a declared reboot a guest may show a new host key, unless we know the one it must have.
    this.link = await connect(this.options, options.budget ?? this.options.reconnectBudget ?? 300_000, options.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.link.lost ??= 'it was closed by us';
    this.link.client.end();
    await this.options.dispose?.();
  }

  private get bySftp(): boolean { return this.options.fileTransfer === 'sftp' || this.guest === 'windows'; }

  private slashes(path: string): string { return this.guest === 'windows' ? path.replaceAll('\\', '/') : path; }

  private sftp(): Promise<SFTPWrapper> {
    const { link } = this;
    if (link.lost !== undefined) return this.live().then(() => this.sftp());
    return link.sftp ??= openSftp(link.client).catch((error: unknown) => { delete link.sftp; throw fail.NO_CHANNEL(`SFTP: ${messageOf(error)}`, { cause: error }); });
  }

  /** The connection, made anew where it broke while nothing ran on it. It must be the same machine then. */
  private async live(signal?: AbortSignal): Promise<Link> {
    if (this.link.lost === undefined) return this.link;
    const login = { ...this.options.login, hostKey: this.options.login.hostKey ?? `- ${this.hostKey}` };
    this.connecting ??= connect({ ...this.options, login, otherHostKey: 'refuse' }, this.options.comeback ?? 10_000, signal).finally(() => { this.connecting = undefined; });
    return this.link = await this.connecting;
  }
}

const openSftp = (client: Client): Promise<SFTPWrapper> => new Promise((resolve, reject) => { client.sftp((error, session) => { if (error) reject(error); else resolve(session); }); });

async function connect(options: SshOptions, budget: number, signal: AbortSignal | undefined): Promise<Link> {
  const connection = await connectSsh({
    ...options, budget, signal,
    ready: async logged => {
      const channel = await openExec(logged.client, 'exit 0', false);
      const exit = await runChannel(logged.client, channel, {}, undefined, () => undefined);
      if (exit.how !== 'exited' || exit.code !== 0) throw new Error(unix.reasonOf(exit, ''));
      await options.prepare?.(logged);
    },
  });
  const link: Link = { ...connection, slots: new Slots(channels) };
  const lost = (reason: string) => (): void => { link.lost ??= reason; };
  connection.client.on('error', error => lost(error.message)()).on('end', lost('the guest closed the connection')).on('close', lost('the connection was closed'));
  if (options.silence) {
    const socket = (connection.client as unknown as { readonly _sock: { setTimeout?(ms: number, then: () => void): void; destroy(): void } })._sock;
    socket.setTimeout?.(options.silence, () => { link.lost ??= `nothing came from the guest for ${options.silence! / 1000} s`; socket.destroy(); });
  }
  return link;
}
