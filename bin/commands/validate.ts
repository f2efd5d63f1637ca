import { exitCodes } from '../../lib/errors.js';
import { command, programFlags } from '../command.js';
import { isAcceptable } from '../session.js';

/** `bake validate` */
export default command({
  usage: 'validate', about: 'Check the program; build nothing',
  flags: { ...programFlags, json: { type: 'boolean', default: false, describe: 'Problems as JSON on standard output' } },
  examples: [['$0 validate --var version=2.0.0', 'Check the program with a value of your own'], ['$0 validate --strict', 'Warnings make it fail, too']],
  async run(args, session) {
    const { plan, problems, folder } = await session.synthesize(args), good = isAcceptable(problems, args.strict);
    if (args.json) session.json({ valid: good, folder, problems });
    else if (problems.length > 0) await session.report(problems, folder);
    if (good && !args.json) session.print(session.out.green(`The program is valid: ${count(new Set(plan.targets.map(t => t.build)).size, 'build')}, ${count(plan.targets.length, 'target')}.`));
    return good ? exitCodes.done : exitCodes.problems;
  },
});

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
