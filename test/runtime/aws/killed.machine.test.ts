import { afterAll, beforeAll, expect, it } from 'vitest';
import { sshGuests } from '../../support/ec2-server/guests.js';
import { type Ec2Server, startEc2 } from '../../support/ec2-server/server.js';
import { requires } from '../../support/machine.js';
import { killAfter } from './kill-after-call.js';

// Every call of a build has its turn in `npm run soak -- aws-kill`; these are the moments at which most is at stake.
requires('sshd')('a build that is killed', () => {
  let server: Ec2Server, port: number;
  const before = { ...process.env };
  beforeAll(async () => {
    const guests = await sshGuests();
    ({ port } = guests);
    server = await startEc2({ guests, speed: 1000 });
    Object.assign(process.env, server.environment);
  });
  afterAll(async () => { process.env = before; await server?.[Symbol.asyncDispose](); });

  it.each(['RunInstances', 'CopyImage'])('right after %s leaves nothing that gc does not find', async name => {
    const killed = await killAfter(server, port, { amiRegions: ['us-east-1'] }, call => call.action === `ec2:${name}` && call.input['DryRun'] !== true);
    expect(killed).toMatchObject({ after: expect.stringContaining(name), left: [], failed: [] });
  });
});
