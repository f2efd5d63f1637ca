/** From a source's `ssh` settings to a connected communicator, in one call. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SshFields } from '../../constructs/shared/ssh.js';
import { errors } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { Context } from '../driver.js';
import { SshCommunicator } from './ssh.js';
import type { Dial } from './ssh/banner.js';
import type { Address } from './ssh/connect.js';
import type { Login, LoginKey } from './ssh/login.js';
import { readKeyFile, routeOf } from './ssh/route.js';

const fail = errors('SSH', {
  NO_AGENT: { message: () => 'ssh.agentAuth is on, but SSH_AUTH_SOCK is not set.', remedy: 'Start ssh-agent and add a key (ssh-add), or give ssh.privateKeyFile.' },
  NO_HOST: { message: () => 'Nobody knows where the guest is.', remedy: 'Give ssh.host.' },
});

export type SshProps = NonNullable<ResolvedOf<SshFields>['ssh']>;
export interface Reach {
  /** Where the guest is, or a function that is asked until it knows. `ssh.host` wins over it; a port given here (a forwarded one) wins over `ssh.port`. */
  readonly address?: { readonly host: string; readonly port?: number } | ((signal: AbortSignal) => Promise<{ readonly host: string; readonly port?: number } | undefined>);
  /** How to connect, where it is not a plain TCP connection that says nothing of the guest. */
  readonly dial?: (address: Address) => Dial;
  /** The private key made for this run, as text. Used where `ssh.privateKeyFile` is not given. */
  readonly privateKey?: string;
  /** The public key that the guest must show, as in known_hosts, where we gave it one. */
  readonly hostKey?: string;
  /** What to do while a server shows another key than that: an installer's own server is waited for, anything else refused. @default 'refuse' */
  readonly otherHostKey?: 'refuse' | 'wait';
  /** As long as it is true, a server that refuses the login is taken for an installer's own, and waited out. */
  readonly patient?: (() => boolean) | undefined;
}
/** The settings of a source whose user wrote none: the defaults of the field table (a test holds them equal). */
export const sshDefaults: SshProps = {
  username: 'root', port: 22, agentAuth: false, disableAgentForwarding: false, timeout: { $duration: 300_000 }, handshakeAttempts: 10, handshakeTimeout: { $duration: 60_000 }, keepAliveInterval: { $duration: 5000 },
  pty: false, fileTransferMethod: 'auto', bastionPort: 22, bastionAgentAuth: false, bastionInteractive: false, proxyPort: 1080, proxyType: 'socks5', temporaryKeyPairType: 'ed25519',
};

type SshContext = Pick<Context, 'signal' | 'note' | 'temporaryFolder'>;

/** Waits until the guest lets us in. Throws SSH_TIMEOUT (which names the phase), SSH_REFUSED, SSH_HOST_KEY. */
export async function openSsh(given: SshProps | undefined, reach: Reach, ctx: SshContext): Promise<SshCommunicator> {
  const props = given ?? sshDefaults;
  const identity = props.privateKeyFile === undefined ? undefined : readKeyFile(props.privateKeyFile);
  const keys: LoginKey[] = identity !== undefined
    ? [{ privateKey: identity, from: props.privateKeyFile!, ...(props.privateKeyPassphrase === undefined ? {} : { passphrase: props.privateKeyPassphrase }), ...(props.certificateFile === undefined ? {} : { certificate: readKeyFile(props.certificateFile) }) }]
    : reach.privateKey === undefined ? [] : [{ privateKey: reach.privateKey, from: 'of this run' }];
  const agent = props.agentAuth ? process.env['SSH_AUTH_SOCK'] : undefined;
  if (props.agentAuth && agent === undefined) throw fail.NO_AGENT();
  const hostKey = props.hostKey ?? reach.hostKey;
  const login: Login = {
    user: props.username, keys, keepAlive: props.keepAliveInterval.$duration,
    ...(props.password === undefined ? {} : { password: props.password }), ...(agent === undefined ? {} : { agent, forwardAgent: !props.disableAgentForwarding }),
    ...(hostKey === undefined ? {} : { hostKey }), ...(props.ciphers ? { ciphers: props.ciphers } : {}), ...(props.keyExchangeAlgorithms ? { keyExchange: props.keyExchangeAlgorithms } : {}),
  };
  let at: Address | undefined;
  const route = routeOf(props, login);
  const guest = await SshCommunicator.open({
    address: addressOf(props, reach, found => { at = found; }), login, budget: props.timeout.$duration, handshake: props.handshakeTimeout.$duration, attempts: props.handshakeAttempts, patient: reach.patient,
    otherHostKey: reach.otherHostKey ?? 'refuse', signal: ctx.signal, pty: props.pty, reconnectBudget: props.timeout.$duration, ...route,
    fileTransfer: props.fileTransferMethod === 'scp' ? 'exec' : props.fileTransferMethod,
    ...(props.readWriteTimeout === undefined ? {} : { silence: props.readWriteTimeout.$duration }),
    entered: (phase, what) => ctx.note(phase === 'ready' ? 'Logged in.' : `Waiting for SSH: ${what}.`, { detail: phase !== 'tcp' }),
    endpoint: { type: 'none' },
  });
  const identityFile = props.privateKeyFile ?? (reach.privateKey === undefined ? undefined : keep(ctx, 'id_bake', reach.privateKey));
  const door = await route.gateway(at!);
  guest.endpoint = {
    type: 'ssh', ...door, user: props.username, knownHostsFile: keep(ctx, 'known_hosts', `[${door.host}]:${door.port} ${guest.hostKeyLine}\n${door.host} ${guest.hostKeyLine}\n`),
    ...(identityFile === undefined ? {} : { identityFile }), ...(props.password === undefined ? {} : { password: props.password }),
  };
  if (props.pauseBeforeConnecting !== undefined) {
    ctx.note(`Connected; waiting ${props.pauseBeforeConnecting.$duration / 1000} s before connecting anew.`);
    await sleep(props.pauseBeforeConnecting.$duration, undefined, { signal: ctx.signal });
    await guest.reconnect({ budget: props.timeout.$duration, signal: ctx.signal });
  }
  return guest;
}

function addressOf(props: SshProps, { address }: Reach, found: (address: Address) => void): Address | ((signal: AbortSignal) => Promise<Address | undefined>) {
  const whole = (given: { readonly host: string; readonly port?: number }): Address => {
    const all = { host: props.host ?? given.host, port: given.port ?? props.port };
    found(all);
    return all;
  };
  if (typeof address === 'function') return async signal => { const given = await address(signal); return given && whole(given); };
  if (address) return whole(address);
  if (props.host === undefined) throw fail.NO_HOST();
  return whole({ host: props.host });
}

/** For programs that connect by themselves: they want files. */
function keep(ctx: SshContext, name: string, content: string): string {
  const file = join(ctx.temporaryFolder, name);
  writeFileSync(file, content, { mode: 0o600 });
  chmodSync(file, 0o600);
  return file;
}
