/** From the settings of a source: by which way the guest is reached, and with which tunnels. */
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { errors, messageOf } from '../../../errors.js';
import type { SshProps } from '../open.js';
import type { SshOptions } from '../ssh.js';
import { type Dial, dialTcp } from './banner.js';
import { type Hop, throughBastions } from './bastion.js';
import type { Address } from './connect.js';
import type { Login, LoginKey } from './login.js';
import { dialProxy } from './proxy.js';
import { openLocalTunnels, openRemoteTunnels, parseTunnel } from './tunnels.js';

const fail = errors('SSH', {
  HOP: { message: (text: string) => `'${text}' in ssh.bastionChain is no host.`, remedy: "Write host, user@host or user@host:port." },
  KEY_FILE: { message: (file: string, reason: string) => `The file ${file} cannot be read: ${reason}.`, remedy: 'Check the path of the key or certificate in the ssh settings.' },
});

/** The text of a key or certificate. Throws SSH_KEY_FILE. */
export function readKeyFile(file: string): string {
  try { return readFileSync(file, 'utf8'); } catch (error) { throw fail.KEY_FILE(file, messageOf(error)); }
}

export interface Route extends Pick<SshOptions, 'dial' | 'prepare' | 'dispose'> {
  /** Where other programs reach the guest: a port of this computer, while the communicator lives, where the way leads through a bastion or a proxy. */
  gateway(guest: Address): Promise<Address>;
}

/** What of the options for a communicator follows from bastions, proxy and tunnels. `guest`: how the guest itself is logged in to. */
export function routeOf(props: SshProps, guest: Login): Route {
  const direct = (address: Address): Dial => props.proxyHost === undefined ? dialTcp(address.host, address.port) : dialProxy({
    type: props.proxyType, host: props.proxyHost, port: props.proxyPort, ...(props.proxyUsername === undefined ? {} : { username: props.proxyUsername }), ...(props.proxyPassword === undefined ? {} : { password: props.proxyPassword }),
  }, address.host, address.port);
  const hops = hopsOf(props, guest), bastions = hops.length === 0 ? undefined : throughBastions(hops as [Hop, ...Hop[]], direct, Math.min(60_000, props.timeout.$duration));
  const local = (props.localTunnels ?? []).map(parseTunnel), remote = (props.remoteTunnels ?? []).map(parseTunnel);
  let current: Parameters<NonNullable<SshOptions['prepare']>>[0] | undefined, closeLocal: (() => Promise<void>) | undefined;
  const dial = bastions ? (address: Address) => bastions.dial(address) : props.proxyHost === undefined ? undefined : direct;
  const gates: Server[] = [];
  return {
    ...(dial ? { dial } : {}),
    async gateway(address) {
      if (!dial) return address;
      const server = createServer(socket => {
        socket.on('error', () => {});
        void dial(address)(AbortSignal.timeout(30_000)).then(stream => { stream.on('error', () => socket.destroy()); socket.pipe(stream).pipe(socket); }, () => socket.destroy());
      });
      server.unref();
      gates.push(server);
      await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '127.0.0.1', resolve); });
      return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    },
    async prepare(connection) {
      current = connection;
      if (remote.length > 0) await openRemoteTunnels(remote, connection.client);
      if (local.length > 0) closeLocal ??= await openLocalTunnels(local, () => current!.client);
    },
    async dispose() {
      for (const gate of gates) gate.close();
      bastions?.close();
      await closeLocal?.();
    },
  };
}

function hopsOf(props: SshProps, guest: Login): Hop[] {
  if (props.bastionHost === undefined) return [];
  const { bastionPassword: password, bastionPrivateKeyFile: file, bastionAgentAuth } = props, agent = bastionAgentAuth ? process.env['SSH_AUTH_SOCK'] : undefined;
  const certificate = props.bastionCertificateFile === undefined ? {} : { certificate: readKeyFile(props.bastionCertificateFile) };
  const keys: readonly LoginKey[] = file !== undefined ? [{ privateKey: readKeyFile(file), from: file, ...certificate }] : password === undefined && !bastionAgentAuth ? guest.keys : [];
  const base: Login = {
    user: props.bastionUsername ?? guest.user, keys, keepAlive: guest.keepAlive ?? 0,
    ...(password === undefined ? {} : { password }), ...(agent === undefined ? {} : { agent }),
  };
  const first: Hop = { host: props.bastionHost, port: props.bastionPort, login: props.bastionHostKey === undefined ? base : { ...base, hostKey: props.bastionHostKey } };
  return [first, ...(props.bastionChain ?? []).map(text => {
    const match = /^(?:([^@\s]+)@)?(\[[^\]]+\]|[^:\s]+)(?::(\d+))?$/.exec(text);
    if (!match) throw fail.HOP(text);
    return { host: match[2]!.replace(/^\[|\]$/g, ''), port: Number(match[3] ?? 22), login: { ...base, user: match[1] ?? base.user } };
  })];
}
