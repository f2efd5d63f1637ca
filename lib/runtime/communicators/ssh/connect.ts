/** Waits for a guest to be reachable: a state machine with named phases, each with its own budget and its last error. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errors, isBakeError, messageOf } from '../../../errors.js';
import { type Dial, dialTcp, reachBanner } from './banner.js';
import { type LoggedIn, type Login, LoginFailure, logIn } from './login.js';

/** What has been reached last: nothing but an address, a TCP connection, the server's greeting, a login; `ready` when a command ran. */
export type Phase = 'address' | 'tcp' | 'banner' | 'authenticated' | 'ready';
export interface Address { readonly host: string; readonly port: number }

export interface ConnectOptions {
  /** Where the guest is, or a function that is asked again and again until it knows. */
  readonly address: Address | ((signal: AbortSignal) => Promise<Address | undefined>);
  /** How to get there. @default a direct TCP connection */
  readonly dial?: (address: Address) => Dial;
  readonly login: Login;
  /** Milliseconds for everything. */
  readonly budget: number;
  /** Milliseconds that one phase may last at a time, where less than everything. */
  readonly budgets?: { readonly [P in Phase]?: number };
  /** Milliseconds for one handshake: emulated guests need seconds for their cryptography. @default 60 s */
  readonly handshake?: number;
  /** How often the same server may refuse the login before that is the answer. @default 10 */
  readonly attempts?: number;
  /** As long as it is true, refusals are no answer: an installer may have a server of its own, with other users. */
  readonly patient?: (() => boolean) | undefined;
  /** Milliseconds before the second login; the pauses grow to ten times that. @default 500 */
  readonly pace?: number;
  /** What to do while a server shows another host key than the one expected: it may be an installer's own. @default 'refuse' */
  readonly otherHostKey?: 'refuse' | 'wait';
  readonly signal?: AbortSignal | undefined;
  /** Told of each phase that is entered. */
  readonly entered?: (phase: Phase, what: string) => void;
  /** Tries out the connection; rejects where it is of no use yet. */
  readonly ready?: (connection: LoggedIn) => Promise<void>;
}

const stuck: { readonly [P in Phase]: string } = {
  address: 'the guest has no address yet',
  tcp: 'nothing accepts a connection there',
  banner: 'the port accepts connections, but no SSH server greets',
  authenticated: 'an SSH server greets, but no login succeeded',
  ready: 'the login succeeded, but no command runs',
};
const remedies: { readonly [P in Phase]: string } = {
  address: 'Look whether the guest boots and gets an address: its serial log and a screenshot are kept with the run. Raise ssh.timeout where it only is slow.',
  tcp: 'Check ssh.host and ssh.port, that the guest has booted (serial log, screenshot), and that no firewall drops the port. Raise ssh.timeout where it only is slow.',
  banner: 'Check that sshd is installed, enabled and listening on ssh.port in the guest (serial log). Raise ssh.timeout where it only is slow.',
  authenticated: 'Check user, keys and password. A guest that is still being set up may need a longer ssh.timeout.',
  ready: 'Check that the user has a login shell and may run commands over SSH.',
};
const fail = errors('SSH', {
  TIMEOUT: {
    message: (where: string, seconds: number, phase: Phase, last: string, _otherHostKey: boolean) => `No SSH session with ${where} within ${seconds} s: ${stuck[phase]}${last === '' ? '' : ` (last: ${last})`}.`,
    remedy: (_where: string, _seconds: number, phase: Phase, _last: string, otherHostKey: boolean) => otherHostKey && phase === 'authenticated'
      ? 'The guest did not take the keys that were handed in: its image needs cloud-init, or systemd 252 or later with sshd. For other images say how to log in: ssh.password or ssh.privateKeyFile.'
      : remedies[phase],
    explain: 'The guest is waited for in phases: address, TCP connection, greeting, login, first command. The message names the phase in which time ran out.',
  },
  REFUSED: {
    message: (user: string, where: string, times: number, tried: string, offered: string) => `${where} refused to log in '${user}' ${times === 1 ? 'once' : `${times} times`}. Tried: ${tried}. It offers: ${offered}.`,
    remedy: "Check ssh.username, and that the key is in the user's authorized_keys or the password is right; sshd's log in the guest says why it refused.",
  },
  HOST_KEY: {
    message: (where: string, reason: string) => `${where} is not the machine that was expected: ${reason}.`,
    remedy: 'Something else answers at this address: another machine, or someone in between. Do not send it anything.',
  },
});

/** Waits until the guest lets us in, and returns the connection. */
export async function connectSsh(options: ConnectOptions): Promise<LoggedIn & { readonly address: Address }> {
  const { login, budget, pace = 500, attempts = 10 } = options;
  const timedOut = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, timedOut.signal]) : timedOut.signal;
  const start = Date.now(), last: { [P in Phase]?: string } = {};
  let phase: Phase | undefined, timer: NodeJS.Timeout | undefined, address: Address | undefined, refusals = 0, refusingKey: string | undefined, logins = 0, otherHostKey = false;
  const where = (): string => address ? `${address.host}:${address.port}` : 'the guest';
  const enter = (next: Phase): void => {
    if (next === phase) return;
    phase = next;
    clearTimeout(timer);
    timer = setTimeout(() => timedOut.abort(), Math.max(0, Math.min(start + budget - Date.now(), options.budgets?.[next] ?? Infinity)));
    options.entered?.(next, next === 'address' ? 'the guest has no address yet' : `${where()}: ${stuck[next]}`);
  };
  try {
    for (;;) {
      if (typeof options.address !== 'function') address = options.address;
      else {
        if (!address) enter('address');
        address = await locate(options.address, signal, error => { last.address = error; });
      }
      if (phase === undefined || phase === 'address') enter('tcp');
      const stream = await reachBanner((options.dial ?? (a => dialTcp(a.host, a.port)))(address), signal, failure => { last[failure.phase] = failure.error; enter(failure.phase); });
      // Who was in before stays at "no command runs" while it tries again.
      if (phase !== 'ready') enter('authenticated');
      let connection: LoggedIn;
      try {
        connection = await logIn(stream, login, options.handshake ?? 60_000, signal);
      } catch (error) {
        if (!(error instanceof LoginFailure)) throw error;
        enter('authenticated');
        last.authenticated = error.message;
        otherHostKey = error.kind === 'other-host-key';
        if (error.kind === 'other-host-key' && options.otherHostKey !== 'wait') throw fail.HOST_KEY(where(), error.message, { facts: error.facts });
        const { tried, offered, hostKey, banner = '' } = error.facts;
        // Early in a boot, sshd lets only root in and says so.
        const booting = /booting up|nologin/i.test(banner);
        if ((error.kind === 'refused' && !booting) || error.kind === 'mismatch') {
          refusals = hostKey === refusingKey ? refusals + 1 : 1;
          refusingKey = hostKey;
          last.authenticated = `${error.message}; tried ${tried.join(', ') || 'nothing'}`;
          if (options.patient?.() === true) refusals = 0;
          if (refusals >= attempts) throw fail.REFUSED(login.user, where(), refusals, tried.join(', ') || error.message, offered.join(', ') || 'nothing', { facts: error.facts });
        }
        await sleep(Math.min(pace * 2 ** logins++, pace * 10), undefined, { signal });
        continue;
      }
      enter('ready');
      try {
        await options.ready?.(connection);
        return { ...connection, address };
      } catch (error) {
        connection.client.end();
        signal.throwIfAborted();
        if (isBakeError(error)) throw error;
        last.ready = messageOf(error);
        await sleep(Math.min(pace * 2 ** logins++, pace * 10), undefined, { signal });
      }
    }
  } catch (error) {
    if (!timedOut.signal.aborted || options.signal?.aborted) throw options.signal?.aborted ? options.signal.reason : error;
    throw fail.TIMEOUT(where(), Math.round((Date.now() - start) / 1000), phase ?? 'address', last[phase ?? 'address'] ?? '', otherHostKey, { facts: { phase, last } });
  } finally { clearTimeout(timer); }
}

async function locate(find: (signal: AbortSignal) => Promise<Address | undefined>, signal: AbortSignal, failed: (error: string) => void): Promise<Address> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const found = await find(signal);
      if (found) return found;
    } catch (error) {
      if (signal.aborted) throw error;
      failed(messageOf(error));
    }
    await sleep(500, undefined, { signal });
  }
}
