/** Real SSH servers behind the instances of a test's EC2: one per instance, which lets in the key that the instance was started with. */
import { createServer, type AddressInfo } from 'node:net';
import { startSshd } from '../sshd.js';
import type { Guests } from './server.js';

export async function sshGuests(): Promise<Guests> {
  return {
    port: await freePort(),
    async start(publicKey) {
      const sshd = await startSshd({ authorized: publicKey === undefined ? [] : [publicKey] });
      return { host: sshd.host, port: sshd.port, stop: async () => { await sshd[Symbol.asyncDispose](); } };
    },
  };
}

/** A port that is free on every address: instances have addresses of their own, so one port serves all. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '0.0.0.0', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}
