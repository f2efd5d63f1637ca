/** A guest on a bridge of this computer: whether that may be, and which address it has there. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errors } from '../../../errors.js';
import { sleep } from '../../retry.js';
import { Agent } from './agent.js';

const fail = errors('BRIDGE', {
  NONE: { message: (bridge: string) => `This computer has no bridge '${bridge}'.`, remedy: 'Make it (ip link add name br0 type bridge), or name one that there is: `bridge link` shows them. Without netBridge, the guest gets a network of its own.' },
  NO_HELPER: { message: () => 'QEMU\'s bridge helper (qemu-bridge-helper) is not installed.', remedy: 'Install it: apt-get install qemu-system-common (Debian, Ubuntu).' },
  NOT_ALLOWED: { message: (bridge: string, file: string) => `QEMU's bridge helper may not use the bridge '${bridge}': ${file} does not allow it.`, remedy: (bridge: string, file: string) => `Add the line "allow ${bridge}" to ${file}.` },
});

const configuration = '/etc/qemu/bridge.conf';

/** Throws BRIDGE_NONE, BRIDGE_NO_HELPER and BRIDGE_NOT_ALLOWED. */
export async function checkBridge(bridge: string): Promise<void> {
  const is = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
  if (!await is(`/sys/class/net/${bridge}/bridge`)) throw fail.NONE(bridge);
  if (!(await Promise.all(['/usr/lib/qemu', '/usr/libexec', '/usr/local/libexec'].map(folder => is(join(folder, 'qemu-bridge-helper'))))).includes(true)) throw fail.NO_HELPER();
  if (!await allows(configuration, bridge)) throw fail.NOT_ALLOWED(bridge, configuration);
}

/** The last line that speaks of it, or of all, decides. */
async function allows(file: string, bridge: string): Promise<boolean> {
  let allowed = false;
  for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n')) {
    const [word, name = ''] = line.trim().split(/\s+/);
    if ((word === 'allow' || word === 'deny') && (name === 'all' || name === bridge)) allowed = word === 'allow';
    if (word === 'include') allowed ||= await allows(resolve(dirname(file), name), bridge);
  }
  return allowed;
}

/** What a guest's agent says of its network cards. */
export interface Card { readonly 'hardware-address'?: string; readonly 'ip-addresses'?: readonly { readonly 'ip-address': string; readonly 'ip-address-type': string }[] }

/** Waits until the guest has an address: its agent says it, or this computer has met it. Ends only by the signal. */
export async function addressOnBridge(agentSocket: string, mac: string, bridge: string, signal: AbortSignal): Promise<string> {
  for (;;) {
    const found = metAddress(await readFile('/proc/net/arp', 'utf8').catch(() => ''), mac, bridge) ?? await askAgent(agentSocket, mac, bridge, signal);
    if (found !== undefined) return found;
    await sleep(500, signal);
  }
}

async function askAgent(socket: string, mac: string, bridge: string, signal: AbortSignal): Promise<string | undefined> {
  const agent = await Agent.open(socket, 2000, signal);
  try { return agent && reportedAddress(await agent.execute<readonly Card[]>('guest-network-get-interfaces'), mac, bridge); }
  catch { signal.throwIfAborted(); return undefined; }
  finally { agent?.close(); }
}

/** The address of the card with this hardware address: IPv4 first; one that counts only on the link comes last, and names the bridge. */
export function reportedAddress(cards: readonly Card[], mac: string, bridge: string): string | undefined {
  const card = cards.find(c => c['hardware-address']?.toLowerCase() === mac.toLowerCase()), all = card?.['ip-addresses'] ?? [];
  const rank = ({ 'ip-address': ip, 'ip-address-type': type }: (typeof all)[number]): number => (type === 'ipv4' ? ip.startsWith('169.254.') ? 2 : 0 : /^fe80:/i.test(ip) ? 3 : 1);
  const [best] = [...all].sort((a, b) => rank(a) - rank(b));
  return best === undefined ? undefined : rank(best) === 3 ? `${best['ip-address']}%${bridge}` : best['ip-address'];
}

/** What the table of /proc/net/arp says of a hardware address on a bridge; entries that were never answered do not count. */
export function metAddress(table: string, mac: string, bridge: string): string | undefined {
  return table.split('\n').map(line => line.trim().split(/\s+/)).find(([, , flags, address, , device]) => address?.toLowerCase() === mac.toLowerCase() && device === bridge && flags !== '0x0')?.[0];
}
