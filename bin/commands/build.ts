import { exitCodes } from '../../lib/errors.js';
import { lookAt, lookFlags, runFlags, runOptions, targetsPositional } from '../build-flags.js';
import { command, programFlags } from '../command.js';
import { remember } from '../last-command.js';
import { runPlan } from '../run-plan.js';

/** `bake build` */
export default command({
  usage: 'build [targets..]', about: 'Build the images of the program, or of a plan',
  positionals: targetsPositional,
  flags: { ...programFlags, ...lookFlags, ...runFlags },
  examples: [
    ['$0 build', 'Everything in images.ts'], [`$0 build web 'db/*' --except qemu`, 'Some of it'],
    ['$0 build --var version=2.0.0 --force', 'With a value of your own, over the old images'], ['$0 build out/plan.json', 'A plan that bake synth --out wrote'],
  ],
  async run(args, session) {
    const more = runOptions(args), looked = await lookAt(args, session);
    if (looked === undefined) {
      if (args.json) session.print(JSON.stringify({ type: 'result', outcome: 'failed', exit: exitCodes.problems, targets: [], problems: session.problems }));
      return exitCodes.problems;
    }
    return runPlan(looked.source, { ...looked.options, ...more, listen: remember(args) }, args, session);
  },
});
