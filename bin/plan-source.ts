/** Where a plan comes from: the program, or a file that `bake synth --out` wrote. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { App } from '../lib/constructs/app.js';
import { errors, exitCodes } from '../lib/errors.js';
import type { Plan } from '../lib/plan.js';
import type { ProgramArgs } from './command.js';
import type { Session } from './session.js';

const fail = errors('PLAN_FILE', {
  UNREADABLE: { message: (path: string, why: string) => `The plan ${path} cannot be read: ${why}`, remedy: 'Name the plan.json that bake synth --out wrote, or its folder.', exit: exitCodes.usage },
  VALUES: { message: () => 'A plan has the values of its variables in it: only those of secrets can be given now.', remedy: 'Give other values to bake synth, which makes the plan.', exit: exitCodes.usage },
});

export interface PlanSource {
  readonly plan: Plan;
  /** What the plan's file paths, and places in messages, are relative to; for a plan file, outputs too. */
  readonly folder: string;
  /** Undefined where the plan came from a file. */
  readonly app: App | undefined;
  /** Of builds, by their path. */
  readonly descriptions: ReadonlyMap<string, string>;
}

/** Whether an argument names a plan: a `.json` file, or a folder that has a plan.json. */
export function namesPlan(argument: string, cwd: string): boolean {
  return /\.json$/i.test(argument) || existsSync(join(resolve(cwd, argument), 'plan.json'));
}

/** The plan of a file, or of the program where none is named. Undefined where problems stand in its way: they were shown. */
export async function openPlan(file: string | undefined, args: ProgramArgs, session: Session): Promise<PlanSource | undefined> {
  if (file !== undefined) return readPlanFile(file, args, session);
  const synthesized = await session.plan(args);
  if (synthesized === undefined) return undefined;
  const { plan, folder, program: { app } } = synthesized, descriptions = new Map<string, string>();
  for (const construct of app.node.findAll()) {
    const { description } = construct as { readonly description?: unknown };
    if (typeof description === 'string') descriptions.set(construct.node.path, description);
  }
  return { plan, folder, app, descriptions };
}

async function readPlanFile(path: string, args: ProgramArgs, session: Session): Promise<PlanSource> {
  const [{ parsePlan }, { setInputs }] = await Promise.all([import('../lib/plan-schema.js'), import('../lib/program.js')]);
  if ((args.var ?? []).length > 0) throw fail.VALUES();
  setInputs([], args['var-file'] ?? [], session.terminal.cwd);
  let file = resolve(session.terminal.cwd, path), text: string;
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) file = join(file, 'plan.json');
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw fail.UNREADABLE(path, code === 'ENOENT' ? 'there is no such file' : message);
  }
  session.folder = dirname(file);
  return { plan: parsePlan(text, path), folder: session.folder, app: undefined, descriptions: new Map() };
}
