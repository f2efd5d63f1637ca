/**
 * Runs many command lines in one other process, on the sources: programs are loaded there as `bake` loads them, by tsx and a plain import,
 * and not by the tests' own loader.
 */
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface CommandLine {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: { readonly [name: string]: string };
}
export interface Ended { readonly code: number; readonly stdout: string; readonly stderr: string }

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const projectFolder = realpathSync(here('../..'));

/** What a process needs to run our sources, and programs that import 'imagebake' from wherever they lie. */
export const sourceEnvironment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(BAKE_|PKR_|NODE_OPTIONS$|VITEST|FORCE_COLOR$|NO_COLOR$)/.test(name))),
  TSX_TSCONFIG_PATH: here('programs.tsconfig.json'), NO_COLOR: '1', LC_ALL: 'C.UTF-8',
};
export const tsx = join(projectFolder, 'node_modules/tsx/dist/loader.mjs');

/** The results, in the order of the command lines. They run one after the other. */
export async function runCommandLines(lines: readonly CommandLine[]): Promise<Ended[]> {
  const output = await new Promise<string>((resolve, reject) => {
    const child = execFile(process.execPath, ['--import', tsx, here('command-lines-child.ts')], { env: sourceEnvironment, cwd: tmpdir(), maxBuffer: 64 * 1024 * 1024, timeout: 280_000 },
      (error, stdout, stderr) => (error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(stdout)));
    child.stdin!.end(JSON.stringify(lines));
  });
  return JSON.parse(output) as Ended[];
}

export interface ProcessEnded extends Ended { readonly signal: NodeJS.Signals | null }

/** Runs `node --import tsx file args…`: a whole process, for what must be seen from outside. */
export function runNode(file: string, args: readonly string[], cwd: string, env: { readonly [name: string]: string } = {}): Promise<ProcessEnded> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, ['--import', tsx, file, ...args], { env: { ...sourceEnvironment, BAKE_CACHE_DIR: join(cwd, '.cache'), ...env }, cwd, maxBuffer: 64 * 1024 * 1024, timeout: 120_000 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, signal: child.signalCode, stdout, stderr }));
    child.stdin!.end();
  });
}
export const bakeFile = join(projectFolder, 'bin/main.ts');
