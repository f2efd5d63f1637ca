import { field } from '../../fields.js';
import { exactlyOne } from '../../rules.js';

const table = {
  /** One command line. */
  command: field.string(),
  /** Lines of a script, run together; the first that fails ends it (`set -e`, and pipefail where the shell has it). */
  inline: field.list(field.string()),
  /** A script file. */
  script: field.path({ kind: 'file' }),
  /** Script files, run one after the other. */
  scripts: field.list(field.path({ kind: 'file' })),
  /** Environment variables. Secrets are allowed: they are given to the process, never written into a command line. */
  environment: field.map(field.sensitiveString(), { packerName: 'env' }),
  /**
   * First line of the script that is made of `command` or `inline`. One of your own is taken as it is: say `-e` yourself.
   * @default '/bin/sh -e'
   */
  inlineShebang: field.string(),
  /** How a script is run, as a list of words; `{{.Script}}` stands for its path, `{{.Vars}}` for nothing (the environment has them). The script itself when left out. */
  executeCommand: field.list(field.string()),
  /** Operating systems of this computer to run on, as Node or Go names them (`linux`, `darwin`, `windows`); all when left out. */
  onlyOn: field.list(field.string()),
  /**
   * Exit codes that count as success.
   * @default [0]
   */
  validExitCodes: field.list(field.integer({ min: 0, max: 255 }), { default: [0], affects: 'none' }),
  /** Ending of the name of the script that is made of `command` or `inline`: `.py`. */
  tempfileExtension: field.string({ affects: 'none' }),
};
type Table = typeof table;
/** A script on this computer. */
export interface ShellLocalFields extends Table {}
export const shellLocalFields: ShellLocalFields = table;
export const shellLocalRules = [exactlyOne('command', 'inline', 'script', 'scripts')] as const;

/** Options of Packer that shell-local does not have, and why. */
export const shellLocalWithout: { readonly [option: string]: string } = {
  environment_vars: 'Write them as `environment`, a map: it has no trouble with quotes.',
  env_var_format: 'Variables are given to the process itself, so no shell has to read them.',
  use_linux_pathing: 'It is for Windows with its Linux subsystem; run bake inside that.',
};
