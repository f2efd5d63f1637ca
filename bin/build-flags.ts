/** Flags of commands that build, or say what would be built. */
import { join } from 'node:path';
import type { InferredOptionTypes } from 'yargs';
import { errors, exitCodes } from '../lib/errors.js';
import type { RunOptions } from '../lib/runtime/run.js';
import type { Flags, ProgramArgs } from './command.js';
import { splitPatterns } from './patterns.js';
import { namesPlan, openPlan, type PlanSource } from './plan-source.js';
import type { Session } from './session.js';
import { levels } from './view.js';

const fail = errors('BUILD_FLAGS', {
  SEVERAL_PLANS: { message: (plans: readonly string[]) => `One plan is built at a time, and here are ${plans.length}: ${plans.join(', ')}.`, remedy: 'Run bake build once for each.', exit: exitCodes.usage },
  PARALLEL: { message: (given: string) => `--parallel is '${given}'.`, remedy: 'Give it a whole number of at least 1.', exit: exitCodes.usage },
});

export const targetsPositional = {
  targets: { type: 'string', array: true, describe: 'Targets (web/qemu), builds (web), source names (qemu) or globs of these; all when left out. A plan.json takes the place of the program' },
} as const satisfies Flags;

/** Which targets, and what of earlier runs is used. */
export const lookFlags = {
  only: { type: 'string', array: true, requiresArg: true, describe: 'The same as naming targets', group: 'What is built:' },
  except: { type: 'string', array: true, requiresArg: true, describe: 'Targets to leave out', group: 'What is built:' },
  cache: { type: 'boolean', default: true, describe: 'Use saved machines and finished images; --no-cache builds everything anew', group: 'What is built:' },
  from: { type: 'string', requiresArg: true, describe: 'A step that runs again, and all after it', group: 'What is built:' },
  until: { type: 'string', requiresArg: true, describe: 'A step to end after; the machine is saved, and there is no image', group: 'What is built:' },
  checkpoint: { choices: ['auto', 'always', 'never'], describe: 'When machines are saved after steps; auto weighs the time it takes against the time it saves', group: 'What is built:' },
  frozen: { type: 'boolean', default: false, describe: 'Data sources must stand in images.lock', group: 'What is built:' },
} as const satisfies Flags;

/** How it is built and shown. */
export const runFlags = {
  parallel: { type: 'string', requiresArg: true, describe: 'Targets at a time; twice the processors, at least 4, when left out', group: 'How:' },
  force: { type: 'boolean', default: false, describe: 'Replace outputs that exist, after success', group: 'How:' },
  'on-failure': { choices: ['cleanup', 'keep'], default: 'cleanup', describe: 'What happens to the machine of a build that failed', group: 'How:' },
  json: { type: 'boolean', default: false, describe: 'Events as lines of JSON on standard output, the result as the last', group: 'What is shown:' },
  'log-level': { choices: levels, default: 'info', describe: 'How much is shown; the log files have all of it', group: 'What is shown:' },
  verbose: { type: 'boolean', default: false, alias: 'v', describe: 'The same as --log-level debug', group: 'What is shown:' },
} as const satisfies Flags;

export type LookArgs = ProgramArgs & InferredOptionTypes<typeof lookFlags> & { readonly targets?: string[] | undefined };
export type RunArgs = InferredOptionTypes<typeof runFlags>;

/** The plan that is meant, and what both a run and a forecast of it are told. Undefined where problems stand in the way: they were shown. */
export async function lookAt(args: LookArgs, session: Session): Promise<{ readonly source: PlanSource; readonly options: RunOptions } | undefined> {
  const given = args.targets ?? [], plans = given.filter(t => namesPlan(t, session.terminal.cwd));
  if (plans.length > 1) throw fail.SEVERAL_PLANS(plans);
  const source = await openPlan(plans[0], args, session);
  if (source === undefined) return undefined;
  const [{ variableSecrets }, { lockFileName }] = await Promise.all([import('../lib/program.js'), import('../lib/runtime/images-lock.js')]);
  return {
    source,
    options: {
      programFolder: source.folder, secrets: variableSecrets(source.plan, source.app), environment: session.terminal.env,
      only: splitPatterns([...given.filter(t => !plans.includes(t)), ...args.only ?? []]), except: splitPatterns(args.except ?? []),
      lock: { file: join(source.folder, lockFileName), frozen: args.frozen },
      checkpoints: {
        use: args.cache, ...(args.checkpoint === undefined ? {} : { save: args.checkpoint }), ...(args.from === undefined ? {} : { from: args.from }), ...(args.until === undefined ? {} : { until: args.until }),
      },
    },
  };
}

/** What only a run is told. Throws BUILD_FLAGS_PARALLEL. */
export function runOptions(args: RunArgs): RunOptions {
  const parallel = args.parallel === undefined ? undefined : Number(args.parallel);
  if (parallel !== undefined && (!Number.isInteger(parallel) || parallel < 1)) throw fail.PARALLEL(args.parallel!);
  return { force: args.force, onFailure: args['on-failure'], ...(parallel === undefined ? {} : { parallel }) };
}
