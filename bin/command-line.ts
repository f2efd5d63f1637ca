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
  const names = commands.map(c => c.usage.split(' ')[0]!), [first] = argv;
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
  if (!(error instanceof Error) || error.name !== 'YError' && !/^(Unknown (argument|command)|Not enough|Missing required|Did you mean|Which command|Invalid values|Arguments |Too many)/.test(error.message)) return undefined;
  const message = error.message.replace(/\n+/g, ' ').replace(/^Did you mean (.*)\?$/, 'There is no such command.');
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/.exec(error.message)?.[1]?.split(', ')[0];
  const command = commands.find(c => argv.includes(c.usage.split(' ')[0]!));
  const near = /^Did you mean (.*)\?$/.exec(error.message)?.[1] ?? (unknown === undefined ? undefined : suggest(unknown, command === undefined ? commands.map(c => c.usage.split(' ')[0]!) : Object.keys({ ...command.flags, ...globalFlags })));
  const help = `bake ${command === undefined ? '' : `${command.usage.split(' ')[0]} `}--help lists what there is.`;
  return fail.WRONG(unknown === undefined ? message : command === undefined ? `There is no command '${unknown}'.` : `There is no flag or argument '${unknown}' in bake ${command.usage.split(' ')[0]}.`,
    near === undefined ? help : `Did you mean ${command === undefined || unknown === undefined ? `'${near}'` : `--${near}`}? ${help}`);
}
