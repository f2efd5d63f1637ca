/** Programs and a lock for the making of the base system; no more than that needs. */
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Runs a program; its lines go to `line`. Rejects with the last lines of its output when it does not exit with 0. */
export function run(command: string, args: readonly string[], options: { readonly line?: (text: string) => void; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C', ...options.env }, cwd: options.cwd });
    const end = () => { child.kill('SIGTERM'); };
    process.once('exit', end);
    let all = '', rest = '';
    const take = (chunk: Buffer) => {
      all = (all + chunk).slice(-100_000);
      const rows = (rest + chunk).split('\n');
      rest = rows.pop()!;
      if (options.line) for (const row of rows) options.line(row.trimEnd());
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', error => { process.off('exit', end); reject(new Error(`${command} cannot be run: ${error.message}`)); });
    child.on('close', (code, signal) => {
      process.off('exit', end);
      if (code === 0) resolve(all);
      else reject(new Error(`${command} ${signal === null ? `exited with ${code}` : `was ended by ${signal}`}:\n${all.trim().split('\n').slice(-15).join('\n')}`));
    });
  });
}

/** Runs work while holding a lock among all processes of this computer; a process that dies gives it up. `waits` is called when another holds it. */
export async function locked<T>(file: string, work: () => Promise<T>, waits: () => void = () => {}): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  // flock(1) holds the lock for us until its standard input ends, which the kernel sees to whatever becomes of this process.
  const holder = spawn('flock', ['-x', file, '-c', 'echo held; cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = setTimeout(waits, 1000);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', error => reject(new Error(`flock cannot be run (package util-linux): ${error.message}`)));
      holder.once('exit', code => reject(new Error(`flock exited with ${code} while waiting for ${file}`)));
    });
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
  }
}
