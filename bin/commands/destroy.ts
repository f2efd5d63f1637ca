import { exitCodes } from '../../lib/errors.js';
import { command } from '../command.js';
import { stateFlags, stateFolder } from '../state-folder.js';

/** `bake destroy` */
export default command({
  usage: 'destroy <run> [target]', about: 'End the machines that were kept of a run',
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'The run, as the build said' },
    target: { type: 'string', describe: 'One target; all when left out' },
  },
  flags: stateFlags,
  async run(args, session) {
    const { destroyKept } = await import('../../lib/runtime/kept.js');
    for (const { target } of await destroyKept(stateFolder(args.folder, session.terminal.cwd), args.run, args.target)) session.say(`${target} is gone.`);
    return exitCodes.done;
  },
});
