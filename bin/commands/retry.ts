import { errors, exitCodes } from '../../lib/errors.js';
import { lookAt, lookFlags, runFlags, runOptions } from '../build-flags.js';
import { command, programFlags } from '../command.js';
import { lastRun, remember } from '../last-command.js';
import { namesPlan } from '../plan-source.js';
import { runPlan } from '../run-plan.js';
import { stateFlags, stateFolder } from '../state-folder.js';

const fail = errors('RETRY', {
  NO_RUN: { message: (run: string | undefined) => (run === undefined ? 'Nothing was built here yet.' : `There is no run '${run}' here.`), remedy: 'Build first: bake build.', exit: exitCodes.usage },
});

/** `bake retry` */
export default command({
  usage: 'retry [run]', about: 'Build what the last run did not finish: the program is read again, and goes on from the last good step',
  positionals: { run: { type: 'string', describe: 'Another run than the last' } },
  flags: { ...programFlags, ...stateFlags, ...lookFlags, ...runFlags },
  examples: [['$0 retry', 'After the cause is mended'], ['$0 retry --on-failure keep', 'And look into the machine if it fails again: bake ssh']],
  async run(args, session) {
    const last = lastRun(stateFolder(args.folder, session.terminal.cwd), args.run);
    if (last === undefined) throw fail.NO_RUN(args.run);
    if (last.unfinished.length === 0) {
      session.print(`Run ${last.run} finished everything.`);
      return exitCodes.done;
    }
    const said = last.command, plan = (said.targets ?? []).filter(t => namesPlan(t, session.terminal.cwd));
    // What is said now counts; what is not said is as it was.
    const again = {
      ...args, program: args.program ?? said.program, var: args.var ?? said.var, 'var-file': args['var-file'] ?? said['var-file'], checkpoint: args.checkpoint ?? said.checkpoint,
      until: args.until ?? said.until, frozen: args.frozen || said.frozen === true, force: args.force || said.force === true,
      targets: plan, only: args.only ?? [...last.unfinished], except: args.except,
    };
    const more = runOptions(again), looked = await lookAt(again, session);
    if (looked === undefined) return exitCodes.problems;
    // A target that the program lost since is no reason to refuse the others.
    const there = new Set(looked.source.plan.targets.map(t => t.path)), only = args.only === undefined ? last.unfinished.filter(t => there.has(t)) : looked.options.only!;
    if (only.length === 0) {
      session.print(`The program has none of them any more: ${last.unfinished.join(', ')}.`);
      return exitCodes.done;
    }
    return runPlan(looked.source, { ...looked.options, ...more, only, listen: remember({ ...again, targets: plan, only: [...only] }) }, args, session);
  },
});
