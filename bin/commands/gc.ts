import { exitCodes } from '../../lib/errors.js';
import type { GcResult, RunLeftover } from '../../lib/runtime/gc.js';
import { makeAsk } from '../ask.js';
import { command } from '../command.js';
import type { Session } from '../session.js';
import { columns, count } from '../show.js';
import { stateFlags, stateFolder } from '../state-folder.js';

/** `bake gc` */
export default command({
  usage: 'gc', about: 'Remove what runs left behind that were killed: machines, containers, processes, files',
  flags: {
    ...stateFlags,
    'dry-run': { type: 'boolean', default: false, describe: 'Only list' },
    yes: { type: 'boolean', default: false, alias: 'y', describe: 'Remove without asking' },
    aws: { type: 'boolean', default: false, describe: 'Also what carries our tags on AWS and is past its date, in every region, left by runs anywhere' },
    kept: { type: 'boolean', default: false, describe: 'Also what was kept on request (--on-failure keep)' },
    json: { type: 'boolean', default: false, describe: 'As JSON; removes only with --yes' },
  },
  async run(args, session) {
    const strays = args.aws ? ['source/amazon-ebs'] : [];
    const { collectGarbage } = await import('../../lib/runtime/gc.js');
    const state = stateFolder(args.folder, session.terminal.cwd), ask = makeAsk(session.terminal), { kept } = args;
    const found = await collectGarbage(state, { dryRun: true, kept, strays });
    if (!args.json) list(found, session);
    const remove = !args['dry-run'] && found.found.length > 0 && (args.yes || (!args.json && await ask?.({ question: 'Remove all of it?', choices: ['yes', 'no'], default: 'no' }, new AbortController().signal) === 'yes'));
    if (!remove) {
      if (args.json) session.json(found);
      else if (found.found.length > 0 && !args['dry-run'] && ask === undefined) session.say('Nothing was removed: there is no terminal to ask at. bake gc --yes removes it.');
      return exitCodes.done;
    }
    const done = await collectGarbage(state, { kept, strays, ...(args.json ? {} : { onRemove: (entry: RunLeftover) => session.say(`removing ${entry.what} ${entry.name}`) }) });
    if (args.json) session.json(done);
    else {
      for (const { entry, error } of done.failed) session.say(`${session.err.red('error')}: ${entry.what} ${entry.name} could not be removed: ${error}`);
      session.print(`${count(done.removed.length, 'thing')} removed${done.failed.length > 0 ? `, ${done.failed.length} not` : ''}.`);
    }
    return done.failed.length > 0 ? exitCodes.failed : exitCodes.done;
  },
});

function list({ found, alive }: GcResult, session: Session): void {
  const { out } = session;
  const lines = columns(found.map(e => [e.run, e.target, e.what, e.name, ...(e.kept ? ['kept'] : e.state === 'intended' ? ['perhaps never made'] : [])]));
  for (const { run, pid, elsewhere } of alive) lines.push(out.dim(elsewhere ? `${run} belongs to another computer: left alone.` : `${run} is running (process ${pid}): left alone.`));
  session.print(lines.length === 0 ? 'Nothing is left behind.' : lines.join('\n'));
}
