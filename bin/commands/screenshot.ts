import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { errors, exitCodes, messageOf } from '../../lib/errors.js';
import { command } from '../command.js';
import { stateFlags, stateFolder } from '../state-folder.js';

const fail = errors('SCREENSHOT', {
  NO_RUN: { message: (run: string) => `There is no run '${run}' here.`, remedy: 'bake build says its name; .bake/runs has them all.', exit: exitCodes.usage },
  OLD: { message: (why: string) => `The machine is kept, but shows no screen now; this is an older picture: ${why}` },
  NONE: { message: (of: string) => `There is no picture of ${of}.`, remedy: 'Pictures are taken of machines with a screen (qemu), while they are waited for and when a build fails.', exit: exitCodes.failed },
});

/** `bake screenshot` */
export default command({
  usage: 'screenshot <run> [target]', about: 'Print where the latest picture of a machine\'s screen lies: while it is built, after it is done or failed, and of a machine that was kept as it is now',
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'The run, as the build said' },
    target: { type: 'string', describe: 'The target; the latest of all when left out' },
  },
  flags: stateFlags,
  async run({ run, target, folder }, session) {
    const runFolder = join(stateFolder(folder, session.terminal.cwd), 'runs', run);
    if (!existsSync(runFolder)) throw fail.NO_RUN(run);
    const [{ fileNameOf }, { pictureOfKept }] = await Promise.all([import('../../lib/runtime/run-state.js'), import('../../lib/runtime/kept.js')]);
    try {
      const now = await pictureOfKept(stateFolder(folder, session.terminal.cwd), run, target);
      if (now !== undefined) { session.print(relative(session.terminal.cwd, now)); return exitCodes.done; }
    } catch (error) { session.say(fail.OLD(messageOf(error)).message); }
    const pictures = readdirSync(runFolder, { withFileTypes: true, recursive: true }).filter(e => e.isFile() && e.name.endsWith('.png')).map(e => join(e.parentPath, e.name))
      .filter(file => target === undefined || relative(runFolder, file).startsWith(`${fileNameOf(target)}/`))
      .map(file => ({ file, time: statSync(file).mtimeMs })).sort((a, b) => b.time - a.time);
    if (pictures[0] === undefined) throw fail.NONE(target ?? run);
    session.print(relative(session.terminal.cwd, pictures[0].file));
    return exitCodes.done;
  },
});
