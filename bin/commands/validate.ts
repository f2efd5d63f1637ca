import { errors, exitCodes } from '../../lib/errors.js';
import type { Plan } from '../../lib/plan.js';
import { command, programFlags } from '../command.js';
import { namesPlan, openPlan } from '../plan-source.js';
import { isAcceptable, type Session } from '../session.js';
import { count } from '../show.js';

const fail = errors('VALIDATE', {
  NO_PLAN: { message: (path: string) => `'${path}' is no plan.`, remedy: 'A program is named with --program; a plan is a .json file, or a folder that has a plan.json.', exit: exitCodes.usage },
});

/** `bake validate` */
export default command({
  usage: 'validate [plan]', about: 'Check the program; build nothing',
  positionals: { plan: { type: 'string', describe: 'A plan to check, in place of the program' } },
  flags: { ...programFlags, json: { type: 'boolean', default: false, describe: 'Problems as JSON on standard output' } },
  examples: [['$0 validate --var version=2.0.0', 'Check the program with a value of your own'], ['$0 validate --strict', 'Warnings make it fail, too']],
  async run(args, session) {
    if (args.plan !== undefined) {
      if (!namesPlan(args.plan, session.terminal.cwd)) throw fail.NO_PLAN(args.plan);
      const { plan, folder } = (await openPlan(args.plan, args, session))!;
      if (args.json) session.json({ valid: true, folder, problems: [] });
      else session.print(valid('plan', plan, session));
      return exitCodes.done;
    }
    const { plan, problems, folder } = await session.synthesize(args), good = isAcceptable(problems, args.strict);
    if (args.json) session.json({ valid: good, folder, problems });
    else if (problems.length > 0) await session.report(problems, folder);
    if (good && !args.json) session.print(valid('program', plan, session));
    return good ? exitCodes.done : exitCodes.problems;
  },
});

const valid = (what: string, { targets }: Plan, { out }: Session): string => out.green(`The ${what} is valid: ${count(new Set(targets.map(t => t.build)).size, 'build')}, ${count(targets.length, 'target')}.`);
