/** What commands share: the terminal, the program and its plan, and how problems are shown. */
import { errors, exitCodes, isBakeError } from '../lib/errors.js';
import { paintFor } from '../lib/paint.js';
import type { Paint } from '../lib/paint.js';
import type { Problem } from '../lib/problems.js';
import type { LoadedProgram } from '../lib/program.js';
import type { SynthResult } from '../lib/synth/synth.js';
import type { ProgramArgs } from './command.js';
import type { Terminal } from './terminal.js';

const fail = errors('USAGE', {
  NO_VALUE: { message: (given: string) => `--var ${given} gives no value.`, remedy: given => `Write --var ${given.replace(/=.*$/s, '') || 'name'}=value.`, exit: exitCodes.usage },
});

export interface Synthesized extends SynthResult { readonly program: LoadedProgram }

export class Session {
  readonly out: Paint;
  readonly err: Paint;
  /** What places of problems are relative to: the folder of the program or plan, once there is one. */
  folder: string | undefined;
  /** What was found when the program was synthesized. */
  problems: readonly Problem[] = [];
  constructor(readonly terminal: Terminal, readonly given: LoadedProgram | undefined, color: boolean | undefined) {
    this.out = paintFor(terminal.stdout, terminal.env, color);
    this.err = paintFor(terminal.stderr, terminal.env, color);
  }

  /** To standard output: what was asked for. */
  print(text: string): void { this.terminal.stdout.write(text.endsWith('\n') ? text : `${text}\n`); }
  /** To standard error: everything else. */
  say(text: string): void { this.terminal.stderr.write(text.endsWith('\n') ? text : `${text}\n`); }
  json(value: unknown): void { this.print(JSON.stringify(value, undefined, 2)); }

  /** The program that started the command line, else the one that is found here. */
  async program(args: ProgramArgs): Promise<LoadedProgram> {
    for (const given of args.var ?? []) if (given.indexOf('=') < 1) throw fail.NO_VALUE(given);
    const { findProgram, loadProgram, setInputs } = await import('../lib/program.js');
    setInputs(args.var ?? [], args['var-file'] ?? [], this.terminal.cwd);
    return this.given ?? loadProgram(findProgram(args.program, this.terminal.cwd));
  }

  /** The program's plan, with all that was found. */
  async synthesize(args: ProgramArgs): Promise<Synthesized> {
    const program = await this.program(args);
    this.folder = program.folder;
    const { trySynth } = await import('../lib/synth/synth.js');
    const result = trySynth(program.app, { folder: program.folder });
    this.problems = result.problems;
    return { ...result, program };
  }

  /** The plan, where nothing stands in its way; else undefined, and the problems were shown. Warnings are shown in any case. */
  async plan(args: ProgramArgs): Promise<Synthesized | undefined> {
    const synthesized = await this.synthesize(args), shown = synthesized.problems.filter(p => p.severity !== 'info');
    if (shown.length > 0) await this.report(shown, synthesized.folder);
    return isAcceptable(synthesized.problems, args.strict) ? synthesized : undefined;
  }

  async report(problems: readonly Problem[], folder: string): Promise<void> {
    const { reportProblems } = await import('../lib/problem-report.js');
    this.say(reportProblems(problems, { folder, cwd: this.terminal.cwd, paint: this.err }));
  }

  /** Shows an error and returns its exit code. Only what we did not foresee has a stack. */
  async fail(error: unknown): Promise<number> {
    const { err } = this;
    if (!isBakeError(error)) {
      this.say(`${err.red(err.bold('bug'))}: ${error instanceof Error ? error.stack ?? error.message : String(error)}\n\nThis should not happen. Please report it, with what you did.`);
      return exitCodes.bug;
    }
    if (error.problems.length > 0) await this.report(error.problems, typeof error.facts['folder'] === 'string' ? error.facts['folder'] : this.folder ?? this.terminal.cwd);
    else this.say(`${err.red(err.bold('error'))} ${err.dim(error.code)}: ${error.message}${error.remedy === undefined ? '' : `\n  ${err.cyan(error.remedy)}`}`);
    return error.exit;
  }
}

/** Whether a plan with these problems may be used. */
export function isAcceptable(problems: readonly Problem[], strict: boolean): boolean {
  return !problems.some(p => p.severity === 'error' || (strict && p.severity === 'warning'));
}
