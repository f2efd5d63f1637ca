import { exitCodes } from '../../lib/errors.js';
import { command, programFlags } from '../command.js';
import { openPlan } from '../plan-source.js';

/** `bake policy` */
export default command({
  usage: 'policy <cloud> [plan]', about: 'Print the least policy that lets the program build on a cloud',
  positionals: { cloud: { type: 'string', choices: ['aws'], demandOption: true, describe: 'Which cloud' }, plan: { type: 'string', describe: 'A plan.json, in place of the program' } },
  flags: { ...programFlags },
  examples: [['$0 policy aws > policy.json', 'What to give to whoever builds, as an IAM policy']],
  async run(args, session) {
    const source = await openPlan(args.plan, args, session);
    if (source === undefined) return exitCodes.problems;
    const { policyFor } = await import('../../lib/runtime/aws/policy.js');
    const policy = policyFor(source.plan) as { readonly Statement: readonly unknown[] };
    if (policy.Statement.length === 0) session.say('Nothing of this program is built on AWS: the policy is empty.');
    session.print(JSON.stringify(policy, undefined, 2));
    return exitCodes.done;
  },
});
