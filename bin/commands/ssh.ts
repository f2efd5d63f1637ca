import { command } from '../command.js';
import { stateFlags, stateFolder } from '../state-folder.js';

/** `bake ssh` */
export default command({
  usage: 'ssh <run> [target]', about: 'Open a shell on a machine that was kept after a failure',
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'The run, as the build said' },
    target: { type: 'string', describe: 'The target; the only one when left out' },
  },
  flags: stateFlags,
  async run(args, session) {
    const { openKept } = await import('../../lib/runtime/kept.js');
    return openKept(stateFolder(args.folder, session.terminal.cwd), args.run, args.target);
  },
});
