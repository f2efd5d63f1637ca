/** The form of a command: a table of flags, and one function over the library. */
import type { InferredOptionTypes, Options } from 'yargs';
import type { Session } from './session.js';

export type Flags = { readonly [name: string]: Options };
export type ArgsOf<F extends Flags, P extends Flags> = InferredOptionTypes<F> & InferredOptionTypes<P>;

export interface Command<F extends Flags = Flags, P extends Flags = Flags> {
  /** As yargs reads it: `build [targets..]`. */
  readonly usage: string;
  readonly about: string;
  /** What stands after the command, described. */
  readonly positionals?: P;
  readonly flags: F;
  /** Command line and what it does. */
  readonly examples?: readonly (readonly [line: string, about: string])[];
  /** Returns the exit code. Loads what it needs by itself: `--help` must stay fast. */
  readonly run: (args: ArgsOf<F, P>, session: Session) => Promise<number>;
}

/** Keeps the types of a command's tables. */
export function command<const F extends Flags, const P extends Flags = {}>(definition: Command<F, P>): Command {
  return definition as unknown as Command;
}

/** Of commands that read the program. */
export const programFlags = {
  program: { type: 'string', describe: 'The program; images.ts here when left out', requiresArg: true, group: 'Program:' },
  var: { type: 'string', array: true, describe: 'Value of a variable: --var name=value', requiresArg: true, group: 'Program:' },
  'var-file': { type: 'string', array: true, describe: 'Values of variables: a .json, .env or .pkrvars.hcl file', requiresArg: true, group: 'Program:' },
  strict: { type: 'boolean', default: false, describe: 'Warnings count as errors', group: 'Program:' },
} as const satisfies Flags;
export type ProgramArgs = InferredOptionTypes<typeof programFlags>;

/** Of every command. */
export const globalFlags = {
  color: { type: 'boolean', describe: 'Colours; on where the output is a terminal' },
} as const satisfies Flags;
