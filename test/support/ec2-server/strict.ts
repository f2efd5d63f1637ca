/** The strict EC2 as most tests want it: with SSH servers behind its instances, fast, and found by every client of this process. */
import { sshGuests } from './guests.js';
import { type Ec2Server, startEc2 } from './server.js';

export interface StrictEc2 extends AsyncDisposable {
  readonly server: Ec2Server;
  /** At which instances are reached. */
  readonly port: number;
}

/** Starts it, and points the environment to it until it is disposed of. */
export async function strictEc2(): Promise<StrictEc2> {
  const guests = await sshGuests(), server = await startEc2({ guests, speed: 1000 }), before = { ...process.env };
  Object.assign(process.env, server.environment);
  return { server, port: guests.port, async [Symbol.asyncDispose]() { process.env = before; await server[Symbol.asyncDispose](); } };
}
