import { errors, exitCodes } from '../../lib/errors.js';
import { command, programFlags } from '../command.js';
import { namesPlan, openPlan } from '../plan-source.js';
import { splitPatterns } from '../patterns.js';
import type { RunResult } from '../../lib/runtime/results.js';
import type { Session } from '../session.js';
import { withSignals } from '../signals.js';
import { levels, makeView } from '../view.js';

const fail = errors('BUILD_FLAGS', {
  SEVERAL_PLANS: { message: (plans: readonly string[]) => `One plan is built at a time, and here are ${plans.length}: ${plans.join(', ')}.`, remedy: 'Run bake build once for each.', exit: exitCodes.usage },
  PARALLEL: { message: (given: string) => `--parallel is '${given}'.`, remedy: 'Give it a whole number of at least 1.', exit: exitCodes.usage },
});

/** `bake build` */
export default command({
  usage: 'build [targets..]', about: 'Build the images of the program, or of a plan',
  positionals: { targets: { type: 'string', array: true, describe: 'Targets (web/qemu), builds (web), source names (qemu) or globs of these; all when left out. A plan.json is built in place of the program' } },
  flags: {
    ...programFlags,
    only: { type: 'string', array: true, requiresArg: true, describe: 'The same as naming targets', group: 'What is built:' },
    except: { type: 'string', array: true, requiresArg: true, describe: 'Targets to leave out', group: 'What is built:' },
    parallel: { type: 'string', requiresArg: true, describe: 'Targets at a time; twice the processors, at least 4, when left out', group: 'How:' },
    force: { type: 'boolean', default: false, describe: 'Replace outputs that exist, after success', group: 'How:' },
    'on-failure': { choices: ['cleanup', 'keep'], default: 'cleanup', describe: 'What happens to the machine of a build that failed', group: 'How:' },
    json: { type: 'boolean', default: false, describe: 'Events as lines of JSON on standard output, the result as the last', group: 'What is shown:' },
    'log-level': { choices: levels, default: 'info', describe: 'How much is shown; the log files have all of it', group: 'What is shown:' },
    verbose: { type: 'boolean', default: false, alias: 'v', describe: 'The same as --log-level debug', group: 'What is shown:' },
  },
  examples: [
    ['$0 build', 'Everything in images.ts'], [`$0 build web 'db/*' --except qemu`, 'Some of it'],
    ['$0 build --var version=2.0.0 --force', 'With a value of your own, over the old images'], ['$0 build out/plan.json', 'A plan that bake synth --out wrote'],
  ],
  async run(args, session) {
    const given = args.targets ?? [], plans = given.filter(t => namesPlan(t, session.terminal.cwd));
    if (plans.length > 1) throw fail.SEVERAL_PLANS(plans);
    const parallel = args.parallel === undefined ? undefined : Number(args.parallel);
    if (parallel !== undefined && (!Number.isInteger(parallel) || parallel < 1)) throw fail.PARALLEL(args.parallel!);
    const source = await openPlan(plans[0], args, session);
    if (source === undefined) return exitCodes.problems;
    const [{ interruption, run }, { variableSecrets }] = await Promise.all([import('../../lib/runtime/run.js'), import('../../lib/program.js')]);
    const only = splitPatterns([...given.filter(t => !plans.includes(t)), ...args.only ?? []]);
    const view = await makeView(session, { json: args.json, level: args.verbose ? 'debug' : args['log-level'] });
    let result: RunResult;
    try {
      result = await withSignals(signal => run(source.plan, {
        programFolder: source.folder, secrets: variableSecrets(source.plan, source.app), environment: session.terminal.env,
        only, except: splitPatterns(args.except ?? []), force: args.force, onFailure: args['on-failure'], ...(parallel === undefined ? {} : { parallel }),
        listen: view.listen, ...(view.ask === undefined ? {} : { ask: view.ask }), signal,
      }), interruption, (name, again) => tell(name, again, session));
    } finally {
      view.close();
    }
    if (args.json) session.print(JSON.stringify({ type: 'result', ...result }));
    else {
      if (result.problems.length > 0) await session.report(result.problems, source.folder);
      const { showResult } = await import('../results.js');
      showResult(result, source.folder, session);
    }
    return result.exit;
  },
});

function tell(name: string, again: boolean, session: Session): void {
  session.say(again ? `\n${name} again: leaving at once. What is left behind: bake gc`
    : `\n${name}: stopping, and cleaning up. Once more, to leave at once; bake gc then removes what was left.`);
}
