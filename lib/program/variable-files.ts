/** The files that `--var-file` names. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parseEnvFile } from '../env-file.js';
import { errors, exitCodes } from '../errors.js';
import { parseHclValues } from '../hcl-values.js';
import { isObject, type Json } from '../json.js';

const fail = errors('VAR_FILE', {
  UNREADABLE: {
    message: (path: string, why: string) => `The variable file ${path} cannot be read: ${why}`,
    remedy: 'Look at the path: it is relative to the folder that bake runs in.',
    exit: exitCodes.usage,
  },
  UNKNOWN_FORMAT: {
    message: (path: string) => `The variable file ${path} has none of the endings .json, .env, .pkrvars.hcl and .hcl.`,
    remedy: 'The ending says how the file is read: give it one of these.',
    exit: exitCodes.usage,
  },
  NOT_JSON: { message: (path: string, why: string) => `The variable file ${path} is not JSON: ${why}`, remedy: 'Write one object: { "name": value, … }.', exit: exitCodes.usage },
});

export interface VariableFile {
  /** As the user wrote it. */
  readonly path: string;
  readonly values: { readonly [name: string]: Json };
}

/** Reads `.json`, `.env` and `.hcl` (`.pkrvars.hcl`) files. In a `.env` file the names may begin with BAKE_VAR_ or PKR_VAR_. Throws VAR_FILE_…, HCL_SYNTAX or ENV_FILE_SYNTAX. */
export function readVariableFile(path: string, folder: string): VariableFile {
  const name = basename(path);
  const read = /\.json$/i.test(name) ? readJson : /\.hcl$/i.test(name) ? parseHclValues : /(^|\.)env(\.[\w-]+)?$/i.test(name) ? readEnv : undefined;
  if (read === undefined) throw fail.UNKNOWN_FORMAT(path);
  let text: string;
  try {
    text = readFileSync(resolve(folder, path), 'utf8');
  } catch (error) {
    throw fail.UNREADABLE(path, reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message);
  }
  return { path, values: read(text, path) };
}

const reasons: { readonly [code: string]: string } = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'permission denied' };

function readJson(text: string, path: string): { readonly [name: string]: Json } {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // Node's message quotes a piece of the text, and that may be a secret.
    throw fail.NOT_JSON(path, (error as Error).message.replace(/,? ?(\.\.\.)?"[\s\S]*" is not valid JSON$/, ''));
  }
  if (!isObject(value)) throw fail.NOT_JSON(path, 'it holds no object');
  return value as { readonly [name: string]: Json };
}

function readEnv(text: string, path: string): { readonly [name: string]: Json } {
  return Object.fromEntries(Object.entries(parseEnvFile(text, path)).map(([name, value]) => [name.replace(/^(BAKE|PKR)_VAR_/, ''), value]));
}
