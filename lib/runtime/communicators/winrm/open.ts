/** From a source's `winrm` settings to a connected communicator, in one call. */
import type { WinrmFields } from '../../../constructs/shared/winrm.js';
import { errors } from '../../../errors.js';
import type { ResolvedOf } from '../../../fields.js';
import type { Context } from '../../driver.js';
import { type Dial, dialTcp } from '../ssh/banner.js';
import { dialProxy } from '../ssh/proxy.js';
import { winrmPort } from '../winrm-port.js';
import { WinrmCommunicator, type WinrmOptions } from './communicator.js';
import type { Address } from './connect.js';
import { accountOf } from './ntlm.js';

const fail = errors('WINRM', {
  NO_HOST: { message: () => 'Nobody knows where the guest is.', remedy: 'Give winrm.host.' },
  NO_PASSWORD: { message: () => 'There is no password to log in with.', remedy: "Give winrm.password: Secret.env('NAME')." },
  PROXY: { message: (url: string) => `The proxy '${url}' of the environment is not an http: URL.`, remedy: 'Leave winrm.noProxy out to connect directly, or set HTTP_PROXY to a proxy that knows CONNECT.' },
});

export type WinrmProps = NonNullable<ResolvedOf<WinrmFields>['winrm']>;
export interface WinrmReach {
  /** Where the guest is, or a function that is asked until it knows. `winrm.host` wins over it; a port given here (a forwarded one) wins over `winrm.port`. */
  readonly address?: { readonly host: string; readonly port?: number } | ((signal: AbortSignal) => Promise<{ readonly host: string; readonly port?: number } | undefined>);
  /** The password, where the user gave none and the platform makes one. Asked once, within `winrm.timeout`. */
  readonly password?: (signal: AbortSignal) => Promise<string>;
  /** Where the guest fetches large files from; false: it must not try. */
  readonly pull?: WinrmOptions['pull'];
}

/** Waits until the guest lets us in. Throws WINRM_TIMEOUT (which names the phase), WINRM_REFUSED, WINRM_CERTIFICATE, WINRM_METHOD, WINRM_NOT_WINRM. */
export async function openWinrm(props: WinrmProps, reach: WinrmReach, ctx: Pick<Context, 'signal' | 'note' | 'secret'>): Promise<WinrmCommunicator> {
  const began = Date.now(), password = props.password ?? await reach.password?.(ctx.signal);
  if (password === undefined) throw fail.NO_PASSWORD();
  ctx.secret(password);
  const tls = props.useSsl, port = winrmPort(props);
  const whole = (given: { readonly host: string; readonly port?: number }): Address => ({ host: props.host ?? given.host, port: given.port ?? port });
  const address = typeof reach.address === 'function' ? (find => async (signal: AbortSignal) => { const given = await find(signal); return given && whole(given); })(reach.address)
    : reach.address !== undefined ? whole(reach.address) : props.host !== undefined ? whole({ host: props.host }) : undefined;
  if (address === undefined) throw fail.NO_HOST();
  const options: WinrmOptions = {
    address, dial: to => dial(props, to), tls, insecure: props.insecure, auth: props.useNtlm ? 'ntlm' : 'basic', username: props.username, account: accountOf(props.username, password),
    budget: Math.max(1000, props.timeout.$duration - (Date.now() - began)), reconnectBudget: props.timeout.$duration, signal: ctx.signal,
    entered: (phase, what) => ctx.note(phase === 'ready' ? 'Logged in.' : `Waiting for WinRM: ${what}.`, { detail: phase !== 'tcp' }),
    endpoint: to => ({ type: 'winrm', url: `${tls ? 'https' : 'http'}://${to.host.includes(':') ? `[${to.host}]` : to.host}:${to.port}/wsman`, user: props.username, password }),
    ...(reach.pull === undefined ? {} : { pull: reach.pull }),
  };
  return WinrmCommunicator.open(options);
}

function dial(props: WinrmProps, { host, port }: Address): Dial {
  const proxy = props.noProxy ? undefined : proxyFor(host);
  if (proxy === undefined) return dialTcp(host, port);
  const url = URL.canParse(proxy) ? new URL(proxy) : undefined;
  if (url?.protocol !== 'http:') throw fail.PROXY(proxy.replace(/\/\/[^@/]*@/, '//'));
  return dialProxy({ type: 'http', host: url.hostname, port: Number(url.port || 80), ...(url.username === '' ? {} : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }) }, host, port);
}
/** As HTTP_PROXY and NO_PROXY of the environment have it. */
function proxyFor(host: string): string | undefined {
  const variable = (name: string): string | undefined => process.env[name] ?? process.env[name.toLowerCase()];
  const none = (variable('NO_PROXY') ?? '').split(',').map(part => part.trim().replace(/^\*?\./, '')).filter(part => part !== '');
  if (/^(localhost|127\.|::1$)/.test(host) || none.some(part => part === '*' || host === part || host.endsWith(`.${part}`))) return undefined;
  return variable('HTTP_PROXY');
}
