/** Secrets by name become their values: `env:X`, `file:path`, `command:[…]`, `var:name`. All that a plan mentions are read before anything starts. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errors, messageOf } from '../../errors.js';
import { capture } from '../host/process.js';

const fail = errors('SECRET', {
  NO_VARIABLE: { message: (name: string) => `The environment variable ${name}, which a secret is read from, is not set.`, remedy: (name: string) => `Set ${name} for the process that runs the build.` },
  NO_FILE: { message: (path: string, why: string) => `The file ${path}, which a secret is read from, cannot be read: ${why}`, remedy: 'Make the file, readable for the user who runs the build.' },
  COMMAND: { message: (command: string, why: string) => `The command that a secret is read from failed (${command}): ${why}`, remedy: 'Run the command by itself: it must print the secret and end with code 0.' },
  NOT_GIVEN: {
    message: (name: string) => `The secret variable '${name}' has no value.`,
    remedy: (name: string) => `Set BAKE_VAR_${name} in the environment, or give it in a --var-file; a library call gives run(plan, { secrets: { ${name}: … } }).`,
  },
  NO_SUCH_PLACE: { message: (name: string) => `'${name}' is no place that a secret can be read from.`, remedy: 'Use Secret.env, Secret.file, Secret.command or a SecretVariable.' },
});

export interface SecretSources {
  /** Values of secret variables, by name. */
  readonly variables: { readonly [name: string]: string };
  readonly environment: NodeJS.ProcessEnv;
  /** What `file:` paths are relative to, and where commands run. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
}

/** Reads one secret. Throws a SECRET_… error that never holds a value. */
export async function readSecret(name: string, { variables, environment, folder, signal }: SecretSources): Promise<string> {
  const place = name.slice(0, name.indexOf(':')), rest = name.slice(place.length + 1);
  switch (place) {
    case 'env': {
      const value = environment[rest];
      if (value === undefined) throw fail.NO_VARIABLE(rest);
      return value;
    }
    case 'file':
      try {
        return withoutNewline(await readFile(resolve(folder, rest), 'utf8'));
      } catch (error) {
        throw fail.NO_FILE(rest, (error as NodeJS.ErrnoException).code ?? messageOf(error));
      }
    case 'command': {
      const [file = '', ...args] = JSON.parse(rest) as string[];
      try {
        return withoutNewline(await capture(file, args, { cwd: folder, env: environment, signal, timeout: 60_000 }));
      } catch (error) {
        throw fail.COMMAND([file, ...args].join(' '), messageOf(error), { cause: error });
      }
    }
    case 'var': {
      const value = variables[rest] ?? environment[`BAKE_VAR_${rest}`] ?? environment[`PKR_VAR_${rest}`];
      if (value === undefined) throw fail.NOT_GIVEN(rest);
      return value;
    }
    default: throw fail.NO_SUCH_PLACE(name);
  }
}

const withoutNewline = (text: string): string => text.replace(/\r?\n$/, '');
