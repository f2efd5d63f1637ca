/** Through one bastion or several: each is logged in to once, and carries the connections to the next. */
import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { errors, isBakeError, messageOf } from '../../../errors.js';
import { soon } from '../../retry.js';
import { type Dial, reachBanner } from './banner.js';
import type { Address } from './connect.js';
import { type Login, LoginFailure, logIn } from './login.js';

const fail = errors('SSH', {
  BASTION: {
    message: (where: string, reason: string) => `The bastion ${where} lets us not in: ${reason}.`,
    remedy: 'Check ssh.bastionHost, ssh.bastionUsername and how to log in there (key, password or agent).',
  },
});

export interface Hop extends Address { readonly login: Login }
export interface Bastions {
  /** Opens connections to an address as the last bastion sees it. Throws SSH_BASTION where one of them refuses us. */
  dial(address: Address): Dial;
  close(): void;
}

/** `first`: how the first bastion itself is reached. Milliseconds of `budget` are for each login. */
export function throughBastions(hops: readonly [Hop, ...Hop[]], first: (address: Address) => Dial, budget: number): Bastions {
  let clients: (Promise<Client> | undefined)[] = [];
  const client = (index: number, signal: AbortSignal): Promise<Client> => clients[index] ??= (async () => {
    const hop = hops[index]!, where = `${hop.host}:${hop.port}`;
    const dial = index === 0 ? first(hop) : forward(index - 1, hop);
    let last = '';
    // A bastion stands already: it answers within seconds, or it is not there.
    const inTime = soon(budget, signal);
    try {
      const stream = await reachBanner(dial, inTime, failure => { last = failure.error; });
      const { client: connected } = await logIn(stream, hop.login, budget, inTime);
      connected.on('close', () => { clients[index] = undefined; });
      return connected;
    } catch (error) {
      clients[index] = undefined;
      if (signal.aborted || isBakeError(error)) throw error;
      const tried = error instanceof LoginFailure && error.facts.tried.length > 0 ? `; tried ${error.facts.tried.join(', ')}` : '';
      throw fail.BASTION(where, inTime.aborted ? `no answer within ${budget / 1000} s${last === '' ? '' : ` (last: ${last})`}` : messageOf(error) + tried, { cause: error });
    }
  })();
  const forward = (index: number, address: Address): Dial => async signal => {
    const through = await client(index, signal);
    return new Promise<Duplex>((resolve, reject) => {
      // The caller has given up by then, and nobody else takes the stream.
      through.forwardOut('127.0.0.1', 0, address.host, address.port, (error, stream) => { if (error) reject(error); else if (signal.aborted) { stream.destroy(); reject(signal.reason as Error); } else resolve(stream); });
    });
  };
  return {
    dial: address => forward(hops.length - 1, address),
    close() {
      for (const each of clients) void each?.then(connected => connected.end(), () => {});
      clients = [];
    },
  };
}
