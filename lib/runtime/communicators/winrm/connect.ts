/** From "there should be a guest" to "a command runs in it", by WinRM: a state machine whose phases each say what they wait for. */
import { errors, isBakeError, messageOf } from '../../../errors.js';
import { now } from '../../clock.js';
import { sleep } from '../../retry.js';
import { Lane } from './lane.js';
import { WsmanFault } from './soap.js';
import { Wire, WireFailure, type WireOptions } from './wire.js';

/** `address`: the guest has none yet; `tcp`: nothing connects; `answer`: no WinRM answers; `authenticated`: the login; `ready`: a first command. */
export type WinrmPhase = 'address' | 'tcp' | 'answer' | 'authenticated' | 'ready';
export interface Address { readonly host: string; readonly port: number }

export interface WinrmConnectOptions extends Omit<WireOptions, 'host' | 'port' | 'dial'> {
  readonly address: Address | ((signal: AbortSignal) => Promise<Address | undefined>);
  readonly dial: (address: Address) => WireOptions['dial'];
  /** Milliseconds for all phases together. */
  readonly budget: number;
  /** How often the login may be refused before that is the answer. @default 10 */
  readonly attempts?: number;
  /** First pause between logins, in milliseconds; it grows tenfold. @default 500 */
  readonly pace?: number;
  readonly signal?: AbortSignal | undefined;
  /** One more lane beside others: no command is tried on it, and a service that allows no more shells says so at once (a WsmanFault). @default false */
  readonly further?: boolean;
  readonly entered?: (phase: WinrmPhase, what: string) => void;
}

const stuck: { readonly [P in WinrmPhase]: string } = {
  address: 'the guest has no address yet', tcp: 'nothing answers at the port', answer: 'no WinRM service answers', authenticated: 'it does not let us in', ready: 'no command runs yet',
};
const remedies: { readonly [P in WinrmPhase]: string } = {
  address: 'Look whether the guest boots and gets an address: a screenshot is kept with the run. Raise winrm.timeout where it only is slow.',
  tcp: 'Check winrm.host and winrm.port (5985 for http, 5986 for https), that the guest has booted, that `winrm quickconfig` was run in it, and that its firewall lets the port in; a network that Windows holds for public is closed. Raise winrm.timeout where it only is slow.',
  answer: 'Check winrm.port and winrm.useSsl (5985 is http, 5986 https), and that the service WinRM runs in the guest.',
  authenticated: 'Check winrm.username and winrm.password.',
  ready: 'Check that the user is an administrator of the guest, and the quotas of its WinRM service (`winrm get winrm/config/winrs`).',
};
const fail = errors('WINRM', {
  TIMEOUT: {
    message: (where: string, seconds: number, phase: WinrmPhase, last: string) => `No WinRM session with ${where} within ${seconds} s: ${stuck[phase]}${last === '' ? '' : ` (last: ${last})`}.`,
    remedy: (_where: string, _seconds: number, phase: WinrmPhase) => remedies[phase],
    explain: 'The guest is waited for in phases: address, TCP connection, an answer in HTTP, login, first command. The message names the phase in which time ran out.',
  },
  REFUSED: {
    message: (user: string, where: string, times: number) => `${where} refused to log in '${user}' ${times === 1 ? 'once' : `${times} times`}.`,
    remedy: "Check winrm.username and winrm.password. A local user other than the built-in Administrator is let in over the network only where LocalAccountTokenFilterPolicy is 1 in the guest's registry; an account without a password is never.",
  },
  METHOD: {
    message: (where: string, reason: string) => `${where} offers no way to log in that is wanted: ${reason}.`,
    remedy: (_where: string, reason: string) => reason.includes('not NTLM') ? 'Turn Negotiate on in the guest (`winrm set winrm/config/service/auth @{Negotiate="true"}`), or say winrm.useNtlm: false to log in by Basic, with useSsl: Basic sends the password as it is.'
      : 'Turn Basic on in the guest (`winrm set winrm/config/service/auth @{Basic="true"}`), or leave winrm.useNtlm out.',
  },
  CERTIFICATE: {
    message: (where: string, reason: string) => `The certificate of ${where} is not trusted: ${reason}.`,
    remedy: 'For a machine whose certificate is its own, as in most images, say winrm.insecure: true; else make this computer trust the issuer (NODE_EXTRA_CA_CERTS).',
  },
  NOT_WINRM: {
    message: (where: string, reason: string) => `What answers at ${where} is no WinRM service: ${reason}.`,
    remedy: 'Check winrm.port and winrm.useSsl: 5985 is http, 5986 https. A guest that is reached by SSH takes `ssh` settings instead.',
  },
  UNENCRYPTED: {
    message: (user: string, where: string, times: number) => `${where} refused to log in '${user}' ${times === 1 ? 'once' : `${times} times`} by Basic over plain http: either user or password is wrong, or it takes no message that is not encrypted, as is usual.`,
    remedy: 'Leave winrm.useNtlm out (NTLM seals its messages), or use https: winrm.useSsl: true. Else check winrm.username and winrm.password.',
  },
});

/** Waits until a command has run in the guest. Resolves with the first lane, and where it leads. */
export async function connectWinrm(options: WinrmConnectOptions): Promise<{ readonly lane: Lane; readonly address: Address }> {
  const { budget, pace = 500, attempts = 10 } = options, start = now(), last: { [P in WinrmPhase]?: string } = {};
  const timedOut = new AbortController(), timer = setTimeout(() => timedOut.abort(), Math.min(budget, 2 ** 31 - 1));
  const signal = options.signal ? AbortSignal.any([options.signal, timedOut.signal]) : timedOut.signal;
  let phase: WinrmPhase | undefined, address: Address | undefined, refusals = 0, logins = 0, patience = 3000, strange = { what: '', times: 0 };
  const where = (): string => address === undefined ? 'the guest' : `${address.host}:${address.port}`;
  const enter = (next: WinrmPhase): void => {
    if (next === phase) return;
    phase = next;
    options.entered?.(next, next === 'address' ? stuck.address : `${where()}: ${stuck[next]}`);
  };
  const failed = (at: WinrmPhase, error: unknown): void => { enter(at); last[at] = messageOf(error); };
  const pause = (): Promise<void> => sleep(Math.min(pace * 2 ** logins++, pace * 10), signal);
  try {
    for (;;) {
      signal.throwIfAborted();
      if (typeof options.address === 'function') {
        if (address === undefined) enter('address');
        try { address = await options.address(signal); } catch (error) { signal.throwIfAborted(); failed('address', error); }
        if (address === undefined) { await sleep(500, signal); continue; }
      } else address = options.address;
      if (phase === undefined || phase === 'address') enter('tcp');
      const wire = new Wire({ ...options, ...address, dial: options.dial(address) });
      try {
        await wire.hello(phase === 'authenticated' || phase === 'ready' ? 60_000 : patience, signal);
        enter('ready');
        const lane = new Lane(wire, () => new Wire({ ...options, ...address!, dial: options.dial(address!) }));
        await (options.further ? lane.open(signal) : lane.probe(signal));
        return { lane, address };
      } catch (error) {
        wire.close();
        signal.throwIfAborted();
        if (isBakeError(error) || (options.further && error instanceof WsmanFault && error.quota)) throw error;
        if (error instanceof WsmanFault && error.denied) { failed('authenticated', error); refusals += 1; }
        else if (!(error instanceof WireFailure)) failed('ready', error);
        else if (error.kind === 'certificate') throw fail.CERTIFICATE(where(), error.message);
        else if (error.kind === 'method') throw fail.METHOD(where(), error.message);
        else if (error.kind === 'refused') {
          failed('authenticated', error);
          refusals += 1;
        } else {
          // Ports of a virtual machine are connected at once, and then nobody answers: each try is given longer.
          patience = Math.min(10_000, patience + 1000);
          failed(error.kind === 'silent' && !error.sent ? 'tcp' : 'answer', error);
          strange = error.kind === 'other' && strange.what === error.message ? { what: error.message, times: strange.times + 1 } : { what: error.kind === 'other' ? error.message : '', times: 1 };
          // A service that starts up answers 503 for a while; what speaks another language will not learn it.
          if (strange.times >= attempts && !/HTTP 5\d\d/.test(strange.what)) throw fail.NOT_WINRM(where(), strange.what);
          logins = Math.min(logins, 1);
        }
        if (refusals >= attempts) throw (options.auth === 'basic' && !options.tls ? fail.UNENCRYPTED : fail.REFUSED)(options.username, where(), refusals);
        await pause();
      }
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    if (!timedOut.signal.aborted) throw error;
    throw fail.TIMEOUT(where(), Math.round((now() - start) / 1000), phase ?? 'address', last[phase ?? 'address'] ?? '', { facts: { phase, last } });
  } finally { clearTimeout(timer); }
}
