import { join } from 'node:path';
import { exitCodes } from '../../lib/errors.js';
import { command, programFlags } from '../command.js';
import { splitPatterns } from '../patterns.js';
import { openPlan } from '../plan-source.js';
import { columns, showValue } from '../show.js';

/** `bake update` */
export default command({
  usage: 'update [sources..]', about: 'Ask the data sources again, and record in images.lock what they say now',
  positionals: { sources: { type: 'string', array: true, describe: 'Data sources, or globs of these; all when left out' } },
  flags: { ...programFlags, 'dry-run': { type: 'boolean', default: false, describe: 'Only show what would change' }, json: { type: 'boolean', default: false, describe: 'As JSON' } },
  async run(args, session) {
    const source = await openPlan(undefined, args, session);
    if (source === undefined) return exitCodes.problems;
    const [{ updateData }, { lockFileName }, { variableSecrets }] = await Promise.all([import('../../lib/runtime/update.js'), import('../../lib/runtime/images-lock.js'), import('../../lib/program.js')]);
    const changes = await updateData(source.plan, {
      file: join(source.folder, lockFileName), programFolder: source.folder, secrets: variableSecrets(source.plan, source.app), environment: session.terminal.env,
      only: splitPatterns(args.sources ?? []), dryRun: args['dry-run'],
    });
    if (args.json) session.json(changes);
    else if (changes.length === 0) session.print('Nothing changed.');
    else session.print(columns(changes.map(c => [`${c.path}.${c.output}`, c.before === undefined ? 'new' : showValue(c.before), '->', c.after === undefined ? 'gone' : showValue(c.after)])).join('\n'));
    return exitCodes.done;
  },
});
