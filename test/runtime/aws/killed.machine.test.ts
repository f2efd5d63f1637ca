import { afterAll, beforeAll, expect, it } from 'vitest';
import { type StrictEc2, strictEc2 } from '../../support/ec2-server/strict.js';
import { requires } from '../../support/machine.js';
import { killAfter } from './kill-after-call.js';

// Every call of a build has its turn in `npm run soak -- aws-kill`; these are the moments at which most is at stake.
requires('sshd')('a build that is killed', () => {
  let ec2: StrictEc2;
  beforeAll(async () => { ec2 = await strictEc2(); });
  afterAll(() => ec2?.[Symbol.asyncDispose]());

  it.each(['RunInstances', 'CopyImage'])('right after %s leaves nothing that gc does not find', async name => {
    const killed = await killAfter(ec2.server, ec2.port, { amiRegions: ['us-east-1'] }, call => call.action === `ec2:${name}` && call.input['DryRun'] !== true);
    expect(killed).toMatchObject({ after: expect.stringContaining(name), left: [], failed: [] });
  });
});
