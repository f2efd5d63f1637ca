/** Finds, loads and runs a user's program; gives its variables their values. The one room besides index.ts that knows all layers. */
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type App, announced } from './constructs/app.js';
import { appValue, defaultValue, type Given, type Lookup, secretOnCommandLine, type Variable } from './constructs/variable.js';
import { errors, exitCodes, isBakeError } from './errors.js';
import { isObject } from './json.js';
import { formatLocation, userLocation } from './location.js';
import type { Plan } from './plan.js';
import { currentInputs, givenQuietly, givenValue, inputsWereSet } from './program/inputs.js';
import { explainLoadError } from './program/load-error.js';
import { isMainModule, startedProgram } from './program/main-module.js';
import { suggest } from './suggest.js';
import { programFolder } from './synth/collect.js';

export { setInputs } from './program/inputs.js';

const fail = errors('PROGRAM', {
  NOT_FOUND: {
    message: (what: string, _near: string | undefined) => `There is no program here: ${what}.`,
    remedy: (_what: string, near: string | undefined) => (near === undefined ? 'Go to the folder of your images.ts, or name the program: --program path/to/images.ts.' : `Name it: --program ${near}`),
    exit: exitCodes.usage,
  },
  OTHER_FILE: {
    message: (file: string) => `${file} is no program.`, exit: exitCodes.usage,
    remedy: file => (/\.json$/.test(file) ? `A plan is built without --program: bake build ${file}` : 'A program is a .ts, .mts, .js or .mjs file.'),
  },
  UNREADABLE: { message: (file: string) => `${file} cannot be read.`, remedy: 'Make it readable for the user who runs this.', exit: exitCodes.usage },
  NO_APP: {
    message: (file: string) => `${file} made no App.`, remedy: 'Make one in it: export const app = new App();', exit: exitCodes.problems,
    explain: 'A program makes one App, and everything in it belongs to that App. Where there is one in another file, import that file.',
  },
  TWO_APPS: {
    message: (file: string, places: readonly string[]) => `${file} made ${places.length} Apps, and one is needed: ${places.join(', ')}.`,
    remedy: 'Put all builds into one App; pass it to the functions that make them.', exit: exitCodes.problems,
  },
  NEVER_ENDS: {
    message: (file: string) => `${file} never finished loading: it waits for something that never comes.`,
    remedy: 'Look at the awaits outside of functions.', exit: exitCodes.problems,
  },
});

export interface LoadedProgram {
  readonly app: App;
  /** The file that was loaded, absolute. */
  readonly file: string;
  /** What relative paths of the program are relative to. */
  readonly folder: string;
}

const madeBy = new Map<string, readonly App[]>();
const names = ['images.ts', 'images.mts', 'images.js', 'images.mjs'];
const ending = /\.m?[jt]s$/;

/** The program's file: `program` (a file, or a folder that has one), else images.ts in `folder`. Throws PROGRAM_NOT_FOUND or PROGRAM_OTHER_FILE. */
export function findProgram(program?: string, folder = process.cwd()): string {
  const place = resolve(folder, program ?? '.'), stats = statSync(place, { throwIfNoEntry: false });
  if (stats?.isFile()) {
    if (!ending.test(place) || /\.d\.m?ts$/.test(place)) throw fail.OTHER_FILE(program!);
    return readable(place);
  }
  if (stats?.isDirectory()) {
    const found = names.find(n => existsSync(join(place, n)));
    if (found !== undefined) return readable(join(place, found));
    const near = suggest('images', readdirSync(place).filter(n => ending.test(n) && !/\.d\.m?ts$/.test(n)).map(n => n.replace(ending, '')));
    const file = near === undefined ? undefined : readdirSync(place).find(n => ending.test(n) && n.replace(ending, '') === near);
    throw fail.NOT_FOUND(`no images.ts in ${place}`, file === undefined ? undefined : join(program ?? '', file));
  }
  const siblings = existsSync(dirname(place)) ? readdirSync(dirname(place)).filter(n => ending.test(n)) : [];
  const near = suggest(basename(place), siblings);
  throw fail.NOT_FOUND(`no file ${program}`, near === undefined ? undefined : join(dirname(program!), near));
}

function readable(file: string): string {
  try { accessSync(file, constants.R_OK); } catch { throw fail.UNREADABLE(file); }
  return file;
}

/**
 * Imports a program and finds its App. Values of variables must be set before (`setInputs`). Throws PROGRAM_… errors, with the place in the
 * program as a problem.
 */
export async function loadProgram(file: string): Promise<LoadedProgram> {
  const before = announced().length, shown = relative(process.cwd(), file) || file;
  // Where Node was started through tsx, it is there already.
  if (!process.execArgv.some(a => /[\\/]tsx[\\/]/.test(a))) (await import('tsx/esm/api')).register();
  let stuck: (() => void) | undefined;
  try {
    // An await that nothing will ever end lets Node come to its end in silence.
    await Promise.race([import(pathToFileURL(file).href), new Promise((_resolve, reject) => { process.once('beforeExit', stuck = () => reject(fail.NEVER_ENDS(shown))); })]);
  } catch (error) {
    throw isBakeError(error) && error.code === 'PROGRAM_NEVER_ENDS' ? error : await explainLoadError(error, file, dirname(file));
  } finally {
    if (stuck) process.off('beforeExit', stuck);
  }
  // A module runs once in a process: asked for again, its App is the one it made then.
  const made = madeBy.get(file) ?? announced().slice(before), [app] = made;
  madeBy.set(file, made);
  if (app === undefined) throw fail.NO_APP(shown);
  if (made.length > 1) throw fail.TWO_APPS(shown, made.map(a => { const at = userLocation(a.at); return at === undefined ? 'an unknown place' : formatLocation(at, dirname(file)); }));
  return { app, file, folder: programFolder(app) };
}

/** What `app.run(import.meta)` does: the command line on this program, when the module is the main one. */
export async function runProgram(app: App, meta: ImportMeta): Promise<void> {
  if (!isMainModule(meta)) return;
  const { commandLine } = await import('../bin/command-line.js');
  process.exitCode = await commandLine(process.argv.slice(2), { program: { app, file: process.argv[1]!, folder: programFolder(app) } });
}

/** A variable's value: the App's, else what the command line, its files or the environment give, else the default. A sensitive one is refused from `--var`. */
export function readVariable(variable: Variable): Lookup {
  const own = appValue(variable);
  if (own !== undefined) return own;
  const { id } = variable.node, given = givenValue(id);
  if (given === undefined) return defaultValue(variable);
  if (given.how === 'flag' && variable.props.sensitive === true) {
    const { code, message, remedy } = secretOnCommandLine(id);
    return { code, problem: message, remedy };
  }
  return given;
}

/** Every name that the command line and its files give. */
export function givenNames(): readonly Given[] {
  const { flags, files } = currentInputs();
  return [...flags.map(f => ({ name: f.name, how: 'flag' as const, from: '--var' })), ...files.flatMap(f => Object.keys(f.values).map(name => ({ name, how: 'file' as const, from: f.path })))];
}

/**
 * `npx tsx images.ts` has not come to App.run yet when it reads a value that is not there: shown as `bake` shows it, where Node would print a
 * stack. Any other error is Node's own affair.
 */
export function valueRefused(error: Error): void {
  const file = startedProgram();
  if (file === undefined || inputsWereSet()) return;
  process.once('uncaughtException', thrown => {
    if (thrown !== error) throw thrown;
    void (async () => {
      const [{ Session }, { processTerminal }] = await Promise.all([import('../bin/session.js'), import('../bin/terminal.js')]);
      process.exit(await new Session(processTerminal(), undefined, undefined).fail(await explainLoadError(error, file, dirname(file))));
    })();
  });
}

/** Values of a plan's secret variables, for `run(plan, { secrets })`: the App's, else from variable files and the environment, else a sensitive variable's default. */
export function variableSecrets(plan: Pick<Plan, 'variables'>, app?: App): { readonly [name: string]: string } {
  const out: { [name: string]: string } = {};
  for (const [name, { sensitive }] of Object.entries(plan.variables)) {
    if (sensitive !== true) continue;
    const value = app?.variables[name] ?? givenQuietly(name)?.value ?? (app === undefined ? undefined : defaultOf(app, name));
    if (value !== undefined) out[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  return out;
}

function defaultOf(app: App, name: string): unknown {
  const variable = app.node.findAll().find(c => c.node.id === name && '$variable' in c) as Variable | undefined;
  return isObject(variable?.props) ? variable.props.default : undefined;
}
