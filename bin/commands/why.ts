import { exitCodes } from '../../lib/errors.js';
import { lookAt, lookFlags } from '../build-flags.js';
import { command, programFlags } from '../command.js';
import { because } from './plan.js';

/** `bake why` */
export default command({
  usage: 'why <targets..>', about: 'Say why a target is not up to date, down to the prop or the file that changed',
  positionals: { targets: { type: 'string', array: true, demandOption: true, describe: 'Targets, builds, source names or globs of these' } },
  flags: { ...programFlags, ...lookFlags, json: { type: 'boolean', default: false, describe: 'As JSON' } },
  async run(args, session) {
    const looked = await lookAt(args, session);
    if (looked === undefined) return exitCodes.problems;
    const { forecast } = await import('../../lib/runtime/forecast.js');
    const all = await forecast(looked.source.plan, looked.options), { selectTargets } = await import('../../lib/runtime/select.js');
    // A forecast knows what targets stand on, too; the question was about these.
    const { targets, needed } = selectTargets(looked.source.plan.targets, looked.options.only, looked.options.except);
    const asked = all.filter(f => targets.some(t => t.path === f.target) && !needed.has(f.target));
    if (args.json) session.json(asked.map(({ target, state, after, because: reasons }) => ({ target, state, ...(after === undefined ? {} : { after }), because: reasons })));
    else {
      session.print(asked.map(f => {
        const head = session.out.bold(f.target);
        if (f.state === 'up-to-date') return `${head} is up to date.`;
        return `${head} ${f.state === 'resumes' ? `resumes after ${f.after}` : 'is built in full'}, because\n${f.because.map(c => `  ${because(c, f.target)}`).join('\n')}`;
      }).join('\n\n'));
    }
    return exitCodes.done;
  },
});
