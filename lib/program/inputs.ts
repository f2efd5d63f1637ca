/**
 * The values that the command line, variable files and the environment give to a program's variables. Kept under a `Symbol.for` key: where
 * `bake` and the program use two copies of this package, both find them.
 */
import type { Json } from '../json.js';
import { startedProgram } from './main-module.js';
import { readVariableFile, type VariableFile } from './variable-files.js';

/** What `--var` and `--var-file` say. */
export interface ProgramInputs {
  /** In their order; of two for one name the last counts. */
  readonly flags: readonly { readonly name: string; readonly text: string }[];
  /** In their order; the last that has a name counts. */
  readonly files: readonly VariableFile[];
}
export interface Given { readonly value: Json; readonly from: string; readonly how: 'flag' | 'file' | 'environment' }

const key = Symbol.for('imagebake.inputs');
const holder = globalThis as unknown as { [key: symbol]: ProgramInputs | undefined };

/** Reads what the flags name, for programs that are loaded from now on. A flag without `=` is left to the command line's own check. Throws VAR_FILE_… for a bad file. */
export function setInputs(flags: readonly string[], files: readonly string[], folder = process.cwd()): void {
  fromArguments = false;
  holder[key] = {
    flags: flags.filter(f => f.indexOf('=') > 0).map(f => ({ name: f.slice(0, f.indexOf('=')), text: f.slice(f.indexOf('=') + 1) })),
    files: files.map(file => readVariableFile(file, folder)),
  };
}

let fromArguments = false;
/** Whether a command line has said what counts. */
export const inputsWereSet = (): boolean => holder[key] !== undefined && !fromArguments;

/** What was set; else, in a program that was started directly (`npx tsx images.ts --var x=1`), what its arguments say: values may be read before it calls App.run. */
export function currentInputs(): ProgramInputs {
  if (holder[key] === undefined) {
    const args = startedProgram() === undefined ? [] : process.argv.slice(2);
    setInputs(flagValues(args, '--var'), flagValues(args, '--var-file'));
    fromArguments = true;
  }
  return holder[key]!;
}

/** The value that was given for a variable from outside, if any: by `--var`, then files, BAKE_VAR_name, PKR_VAR_name. */
export function givenValue(name: string): Given | undefined {
  const { flags, files } = currentInputs();
  const flag = flags.findLast(f => f.name === name);
  if (flag !== undefined) return { value: flag.text, from: '--var', how: 'flag' };
  return givenQuietly(name, files);
}

/** The same without `--var`, where no secret may stand. */
export function givenQuietly(name: string, files = currentInputs().files): Given | undefined {
  const file = files.findLast(f => Object.hasOwn(f.values, name));
  if (file !== undefined) return { value: file.values[name]!, from: file.path, how: 'file' };
  for (const variable of [`BAKE_VAR_${name}`, `PKR_VAR_${name}`]) {
    const value = process.env[variable];
    if (value !== undefined) return { value, from: variable, how: 'environment' };
  }
  return undefined;
}

function flagValues(args: readonly string[], flag: string): string[] {
  const end = args.indexOf('--'), own = end < 0 ? args : args.slice(0, end);
  return own.flatMap((arg, i) => (arg.startsWith(`${flag}=`) ? [arg.slice(flag.length + 1)] : arg === flag && own[i + 1] !== undefined ? [own[i + 1]!] : []));
}
