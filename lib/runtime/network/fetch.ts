/** `fetch` as other programs of this computer do it: through the proxies that the environment names, with what ~/.netrc knows; and addresses as they may be shown. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errors } from '../../errors.js';

const fail = errors('PROXY', {
  FORM: { message: (name: string) => `The environment's ${name} is no address of a proxy.`, remedy: 'Write http://host:port, with user:password@ before the host where the proxy asks for them; or unset it.' },
});

/** An address without what one logs in with, for people and for `fetch`, which takes none; and the header that says it instead. */
export function plain(url: string): { readonly address: string; readonly login: { readonly Authorization?: string } } {
  const parsed = new URL(url), { username, password } = parsed;
  if (username === '' && password === '') return { address: url, login: {} };
  parsed.username = parsed.password = '';
  return { address: parsed.href, login: { Authorization: basic(decodeURIComponent(username), decodeURIComponent(password)) } };
}
const basic = (user: string, password: string): string => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** An address as it may be printed; a text that is none, as it is. */
export const shownAddress = (url: string): string => (URL.canParse(url) ? plain(url).address : url);

/** `fetch`, through HTTP_PROXY and HTTPS_PROXY (or in small letters) but for what NO_PROXY names. What stands in the address or, for its host, in ~/.netrc (NETRC) is logged in with. Throws PROXY_FORM. */
export async function fetchHere(url: string, init: RequestInit & { readonly headers?: { readonly [name: string]: string } } = {}): Promise<Response> {
  const { address, login } = plain(url), given = init.headers ?? {};
  const known = login.Authorization !== undefined || Object.keys(given).some(name => name.toLowerCase() === 'authorization') ? login : await fromNetrc(new URL(address).hostname);
  const all = { ...init, headers: { ...known, ...given } }, agent = await proxies();
  if (agent === undefined) return fetch(address, all);
  const undici = await import('undici');
  return await undici.fetch(address, { ...all, dispatcher: agent } as Parameters<typeof undici.fetch>[1]) as unknown as Response;
}

let last: { readonly key: string; readonly agent: import('undici').Dispatcher } | undefined;
/** What sends requests on; nothing: no proxy is named. Loaded only where one is. */
async function proxies(): Promise<import('undici').Dispatcher | undefined> {
  const named = (name: string): string => process.env[name.toLowerCase()] ?? process.env[name] ?? '';
  const [http, https] = ['HTTP_PROXY', 'HTTPS_PROXY'].map(name => proxyAddress(name, named(name))), noProxy = named('NO_PROXY');
  if (http === undefined && https === undefined) return undefined;
  const key = JSON.stringify([http, https, noProxy]);
  if (last?.key !== key) {
    const { EnvHttpProxyAgent } = await import('undici');
    // Many proxies open tunnels to port 443 only: what is not encrypted is asked of them in the open.
    last = { key, agent: new EnvHttpProxyAgent({ httpProxy: http ?? '', httpsProxy: https ?? '', noProxy, proxyTunnel: false }) };
  }
  return last.agent;
}

function proxyAddress(name: string, value: string): string | undefined {
  if (value === '') return undefined;
  const address = /^[a-z][a-z0-9]*:\/\//i.test(value) ? value : `http://${value}`;
  // The value is not shown: a password may stand in it.
  if (!URL.canParse(address) || !/^(https?|socks5?):$/.test(new URL(address).protocol) || new URL(address).hostname === '') throw fail.FORM(name);
  return address;
}

/** What the user's ~/.netrc has for a host; nothing where it has nothing, or is not there. */
async function fromNetrc(host: string): Promise<{ readonly Authorization?: string }> {
  const text = await readFile(process.env['NETRC'] || join(homedir(), '.netrc'), 'utf8').catch(() => '');
  const words = text.replace(/^\s*#.*$/gm, '').split(/\s+/).filter(word => word !== '');
  for (let at = 0; at < words.length; at++) {
    if (words[at] !== 'default' && !(words[at] === 'machine' && words[at + 1] === host)) continue;
    const found: { [word: string]: string | undefined } = {};
    for (let i = at + (words[at] === 'default' ? 1 : 2); i < words.length && words[i] !== 'machine' && words[i] !== 'default'; i += 2) found[words[i]!] = words[i + 1];
    return found['login'] === undefined ? {} : { Authorization: basic(found['login'], found['password'] ?? '') };
  }
  return {};
}
