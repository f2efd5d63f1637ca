/** Programs of this computer that a step on the guest is done with: ansible-playbook and the like. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { errors } from '../../errors.js';
import type { Context, PreflightProblem } from '../driver.js';
import { Tail } from './script.js';
import { packerBuildName } from '../packer-names.js';
import { describeExit, runProcess } from './process.js';

const fail = errors('PROGRAM', {
  MISSING: { message: (name: string) => `The program '${name}' is not installed (or not in PATH).`, remedy: (_name: string, install = 'Install it, or put it into PATH.') => install },
  FAILED: { message: (what: string, how: string, said: string) => `${what} ${how}${said === '' ? '.' : `. It said:\n${said}`}`, remedy: 'Its whole output is in the log.' },
});

/** What is wrong where a program is not on this computer. `install`: how to get it. A name that is not known yet is no problem. `folder`: what a path is relative to. */
export function programProblem(name: string | undefined, field: string, install: string, folder = process.cwd()): PreflightProblem[] {
  if (name === undefined) return [];
  const places = name.includes('/') ? [resolve(folder, name)] : (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '').map(folder => join(folder, name));
  const there = places.some(place => { try { accessSync(place, constants.X_OK); return true; } catch { return false; } });
  if (there) return [];
  const { code, message } = fail.MISSING(name);
  return [{ code, message, field, remedy: install }];
}

/** Runs a program for a step: its output goes to the log, and it is ended when the step is. Throws PROGRAM_FAILED with the end of what it said. */
export async function runHostProgram(what: string, program: string, args: readonly string[], ctx: Context, options: { readonly cwd?: string; readonly environment?: { readonly [name: string]: string }; readonly accept?: readonly number[] } = {}): Promise<number> {
  // Volatile: the process is gone with this computer. It is found by the mark in its environment.
  const entry = await ctx.journal.intend({ driver: 'host/process', what: `${program} on this computer`, name: ctx.path, data: {}, volatile: true });
  const tail = new Tail();
  const exit = await runProcess(program, args, {
    cwd: options.cwd ?? ctx.programFolder, signal: ctx.signal,
    env: { ...process.env, PACKER_BUILD_NAME: packerBuildName(ctx.build), PACKER_BUILDER_TYPE: ctx.build.sourceType, PACKER_RUN_UUID: ctx.run.uuid, ...options.environment, BAKE_JOURNAL: entry.id },
    ...tail.listen(ctx),
  }).finally(() => entry.gone());
  if (exit.how === 'exited' && (options.accept ?? [0]).includes(exit.code)) return exit.code;
  throw fail.FAILED(what, describeExit(exit), tail.text(15), { facts: { exit } });
}
