/** `bake`: finds the command and runs it. The same for `npx tsx images.ts`, which brings its program along. */
import yargs from 'yargs';
import { errors, exitCodes, isBakeError } from '../lib/errors.js';
import type { LoadedProgram } from '../lib/program.js';
import { suggest } from '../lib/suggest.js';
import { type Command, type Flags, globalFlags } from './command.js';
import { commands } from './commands.js';
import { Session } from './session.js';
import { processTerminal, type Terminal } from './terminal.js';
import { packageVersion } from './version.js';

const fail = errors('USAGE', {
  WRONG: { message: (wrong: string, _remedy: string) => wrong, remedy: (_wrong, remedy) => remedy, exit: exitCodes.usage },
});

export interface CommandLineOptions {
  /** Set where a program started the command line. */
  readonly program?: LoadedProgram;
  /** @default the process's own */
  readonly terminal?: Terminal;
}

/** Runs one command and resolves to its exit code; everything that goes wrong has been shown then. */
export async function commandLine(argv: readonly string[], options: CommandLineOptions = {}): Promise<number> {
  const terminal = options.terminal ?? processTerminal();
  let session = new Session(terminal, options.program, undefined), chosen: (() => Promise<number>) | undefined;
  try {
    const args = withCommand(argv, options.program !== undefined);
    refuseOneDash(args);
    const parser = makeParser(terminal, (command, parsed) => {
      session = new Session(terminal, options.program, parsed['color'] as boolean | undefined);
      chosen = () => command.run(parsed as never, session);
    });
    let text = '';
    await parser.parseAsync([...args], {}, (_error: unknown, _parsed: unknown, output: string) => { text = output; });
    if (text !== '') session.print(text);
    return await chosen?.() ?? exitCodes.done;
  } catch (error) {
    return session.fail(isBakeError(error) ? error : usageError(error, argv) ?? error);
  }
}

function makeParser(terminal: Terminal, choose: (command: Command, args: { readonly [name: string]: unknown }) => void) {
  const parser = yargs().scriptName('bake').locale('en').exitProcess(false).fail(false).strict().recommendCommands().help().alias('help', 'h').version(packageVersion())
    .parserConfiguration({ 'greedy-arrays': false, 'dot-notation': false, 'parse-numbers': false, 'parse-positional-numbers': false, 'duplicate-arguments-array': true })
    .wrap(Math.min(terminal.stdout.columns ?? 100, 110)).usage('Machine images as TypeScript programs.\n\nUsage: $0 <command> [options]')
    .options(globalFlags as Flags).demandCommand(1, 'Which command?').epilogue('`bake <command> --help` tells more about one command. With a program of its own: npx tsx images.ts [command]');
  for (const each of commands) {
    parser.command({
      command: each.usage, describe: each.about,
      builder: y => {
        let built = y.usage(`${each.about}\n\nUsage: $0 ${each.usage}`).options(each.flags as Flags).epilogue('');
        for (const [name, positional] of Object.entries(each.positionals ?? {})) built = built.positional(name, positional as never);
        for (const [line, about] of each.examples ?? []) built = built.example(line, about);
        return built;
      },
      handler: parsed => choose(each, parsed),
    });
  }
  return parser;
}

/** `npx tsx images.ts` builds; so does `npx tsx images.ts --var x=1`. */
function withCommand(argv: readonly string[], ownProgram: boolean): readonly string[] {
  const names = commands.map(nameOf), [first] = argv;
  const none = first === undefined || (first.startsWith('-') && !['--help', '-h', '--version'].includes(first) && !argv.some(a => names.includes(a)));
  return ownProgram && none ? ['build', ...argv] : argv;
}

/** Packer's flags have one dash; yargs would read them as a row of letters. */
function refuseOneDash(argv: readonly string[]): void {
  const end = argv.indexOf('--'), wrong = (end < 0 ? argv : argv.slice(0, end)).find(a => /^-[A-Za-z][\w-]+(=|$)/.test(a));
  if (wrong === undefined) return;
  const renamed: { readonly [flag: string]: string } = { '-on-error': '--on-failure', '-parallel-builds': '--parallel', '-machine-readable': '--json' };
  const flag = wrong.replace(/=.*$/s, '');
  throw fail.WRONG(`There is no flag ${flag}.`, `Flags have two dashes here: ${renamed[flag] ?? `-${flag}`}`);
}

/** What yargs throws is a plain error with a sentence. */
function usageError(error: unknown, argv: readonly string[]): Error | undefined {
  if (!(error instanceof Error) || (error.name !== 'YError' && !/^(Unknown (argument|command)|Not enough|Missing required|Did you mean|Which command|Invalid values|Too many)/.test(error.message))) return undefined;
  const command = commands.find(c => argv.includes(nameOf(c))), help = `bake ${command === undefined ? '' : `${nameOf(command)} `}--help lists what there is.`;
  const [, meant] = /^Did you mean (.*)\?$/.exec(error.message) ?? [], [, unknown] = /^Unknown (?:argument|command)s?: ([^,]*)/.exec(error.message) ?? [];
  if (meant !== undefined) return fail.WRONG(`There is no command '${argv.find(a => !a.startsWith('-'))}'.`, `Did you mean '${meant}'? ${help}`);
  if (unknown !== undefined && command === undefined) return fail.WRONG(`There is no command '${unknown}'.`, help);
  if (unknown !== undefined) {
    const near = suggest(unknown, Object.keys({ ...command!.flags, ...globalFlags })), isFlag = argv.some(a => a.startsWith(`--${unknown}`));
    return fail.WRONG(isFlag ? `bake ${nameOf(command!)} has no flag --${unknown}.` : `bake ${nameOf(command!)} takes no '${unknown}'.`, isFlag && near !== undefined ? `Did you mean --${near}? ${help}` : help);
  }
  if (error.message.startsWith('Not enough non-option arguments') && command !== undefined) return fail.WRONG('Something is missing.', `Write it so: bake ${command.usage}`);
  const [, flag] = /^Not enough arguments following: (.*)$/.exec(error.message) ?? [];
  if (flag !== undefined) return fail.WRONG(`--${flag} needs a value.`, help);
  const [, name, given, choices] = /Argument: (.*), Given: "(.*)", Choices: (.*)$/.exec(error.message) ?? [];
  if (name !== undefined) {
    const near = suggest(given!, choices!.replaceAll('"', '').split(', '));
    const isPositional = command !== undefined && Object.hasOwn(command.positionals ?? {}, name);
    return fail.WRONG(`${isPositional ? `<${name}>` : `--${name}`} is '${given}', and takes ${choices!.replaceAll('"', '').replace(/, ([^,]*)$/, ' or $1')}.`, near === undefined ? help : `Did you mean '${near}'?`);
  }
  return fail.WRONG(error.message.replace(/\s*\n\s*/g, ' '), help);
}

const nameOf = (command: Command): string => command.usage.split(' ')[0]!;
