/** A shell on an instance that was kept, from another process. */
import type { Json } from '../../json.js';
import type { Endpoint } from '../driver.js';
import { shell } from '../communicators/ssh/shell.js';
import { type Access, openSession } from './session.js';
import { openTunnel } from './tunnel.js';

/** What stands in the state folder of a kept instance. */
export interface KeptInstance {
  readonly endpoint: Endpoint; readonly instance: string; readonly region: string; readonly access: Access;
  /** Port of the guest's server, where it is reached through the session manager: the tunnel is opened anew. */
  readonly tunnelTo?: number;
}

/** Opens a shell on this terminal; its exit code. */
export async function shellOn(kept: Json): Promise<number> {
  const { endpoint, instance, access, tunnelTo } = kept as unknown as KeptInstance;
  if (tunnelTo === undefined || endpoint.type !== 'ssh') return shell(endpoint);
  const session = openSession(access), close: (() => unknown)[] = [];
  try {
    const at = await openTunnel(session, instance, tunnelTo, {}, { signal: new AbortController().signal, note: () => {}, scope: { defer: (_label, undo) => { close.push(undo as () => unknown); } } });
    return await shell({ ...endpoint, ...at });
  } finally {
    for (const undo of close.reverse()) await undo();
    session.close();
  }
}
