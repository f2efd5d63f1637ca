import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errors, exitCodes } from '../../lib/errors.js';
import { canonicalJson } from '../../lib/json.js';
import { makeFolderSync } from '../../lib/make-folder.js';
import { type ArgsOf, command, programFlags } from '../command.js';
import { isAcceptable, type Session } from '../session.js';
import { count } from '../show.js';

const fail = errors('SYNTH', {
  SEVERAL_FILES: { message: (names: readonly string[]) => `This format makes ${names.length} files: ${names.join(', ')}.`, remedy: 'Say where they go: --out folder.', exit: exitCodes.usage },
  NOT_WRITABLE: { message: (path: string, why: string) => `${path} cannot be written: ${why}`, remedy: 'Look at the permissions and the space there.', exit: exitCodes.usage },
});

const flags = {
  ...programFlags,
  out: { type: 'string', requiresArg: true, describe: 'Folder to write to; standard output when left out' },
  format: { choices: ['plan', 'packer-hcl', 'packer-json'], default: 'plan', describe: 'What to write: our plan, or templates for Packer' },
  split: { type: 'boolean', default: false, describe: 'packer-hcl: one file each for plugins, variables, sources and builds' },
} as const;

/** `bake synth` */
export default command({
  usage: 'synth', about: 'Write the plan of the program, or templates for Packer',
  flags,
  examples: [
    ['$0 synth --out out', 'A plan with all its files, for `bake build out/plan.json` on any computer'],
    ['$0 synth --format packer-hcl --out packer', 'The program as a Packer template'],
  ],
  run: (args, session) => (args.format === 'plan' ? synthPlan(args, session) : synthPacker(args, session)),
});
type Args = ArgsOf<typeof flags, {}>;

async function synthPlan(args: Args, session: Session): Promise<number> {
  const synthesized = await session.plan(args);
  if (synthesized === undefined) return exitCodes.problems;
  if (args.out === undefined) session.print(canonicalJson(synthesized.plan, 2));
  else {
    const { writePlan } = await import('../../lib/synth/write-plan.js');
    const { plan } = writePlan(synthesized, resolve(session.terminal.cwd, args.out));
    session.say(`${join(args.out, 'plan.json')}: ${count(plan.targets.length, 'target')}, ${count(Object.keys(plan.files).length, 'file')}. Build it anywhere: bake build ${join(args.out, 'plan.json')}`);
  }
  return exitCodes.done;
}

async function synthPacker(args: Args, session: Session): Promise<number> {
  const { app, folder } = await session.program(args), out = args.out === undefined ? undefined : resolve(session.terminal.cwd, args.out);
  const { toPackerHcl, toPackerJson } = await import('../../lib/synth/packer.js');
  const { files, problems } = (args.format === 'packer-hcl' ? toPackerHcl : toPackerJson)(app, { folder, split: args.split, ...(out === undefined ? {} : { out }) });
  const shown = problems.filter(p => p.severity !== 'info');
  if (shown.length > 0) await session.report(shown, folder);
  if (!isAcceptable(problems, args.strict)) return exitCodes.problems;
  const names = Object.keys(files);
  if (out === undefined) {
    if (names.length > 1) throw fail.SEVERAL_FILES(names);
    session.print(Object.values(files)[0] ?? '');
    return exitCodes.done;
  }
  for (const [name, text] of Object.entries(files)) {
    try {
      makeFolderSync(dirname(join(out, name)));
      writeFileSync(join(out, name), text);
    } catch (error) {
      throw fail.NOT_WRITABLE(join(args.out!, name), (error as Error).message, { cause: error });
    }
  }
  session.say(names.map(name => join(args.out!, name)).join('\n'));
  return exitCodes.done;
}
