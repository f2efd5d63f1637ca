import { strictEc2 } from '../support/ec2-server/strict.js';
import { killAfter } from '../runtime/aws/kill-after-call.js';
import type { Soak } from './main.js';

/** As much as one build can make: a role, copies, an image that only passes through. */
const everything = {
  amiRegions: ['us-east-1', 'eu-west-1'], encryptBoot: true, kmsKeyId: 'alias/home', regionKmsKeyIds: { 'us-east-1': 'alias/us', 'eu-west-1': 'alias/eu' }, amiUsers: ['444455556666'], snapshotUsers: ['444455556666'],
  temporaryIamInstanceProfilePolicyDocument: { statement: [{ action: ['s3:GetObject'], resource: ['*'] }] },
};

export default {
  about: 'an AMI build killed after every single call; gc then finds everything [first call]',
  async run([first = '1'], say) {
    const ec2 = await strictEc2(), { server, port } = ec2, wrong: string[] = [];
    try {
      for (let n = Number(first); ; n++) {
        let seen = 0;
        const { after, left, failed, said } = await killAfter(server, port, everything, () => (seen += 1) === n);
        if (after === undefined && said !== '') wrong.push(`the build itself: ${said}`);
        if (after === undefined) break;
        const result = [...left, ...failed];
        say(`${n}: after ${after}: ${result.length === 0 ? 'nothing left' : result.join('; ')}`);
        if (result.length > 0) wrong.push(`${n}: after ${after}: ${result.join('; ')}`);
      }
    } finally { await ec2[Symbol.asyncDispose](); }
    if (server.front.complaints.length > 0) wrong.push(...server.front.complaints);
    if (wrong.length === 0) say('whatever call was the last, nothing was left');
    else throw new Error(`not everything was found:\n${wrong.join('\n')}`);
  },
} satisfies Soak;
