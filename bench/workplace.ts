/** A folder to measure in: programs find 'imagebake' there as users' programs do, compiled, and what was started is watched. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

export interface Measured { readonly milliseconds: number; readonly out: string; /** Most memory of the process and all that it started, at one time, in MB. */ readonly megabytes: number }
export interface RunOptions { readonly env?: NodeJS.ProcessEnv; /** Looks at the memory, which costs a little time; of all that it started, or of what is no virtual machine. */ readonly memory?: true | 'without guests'; readonly line?: (text: string, milliseconds: number) => void }

export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'bake-bench-'));
  constructor(readonly note: (message: string) => void) {
    mkdirSync(join(this.folder, 'node_modules'));
    symlinkSync(root, join(this.folder, 'node_modules/imagebake'));
    this.write('package.json', '{ "private": true, "type": "module" }\n');
  }

  /** Writes a file of the folder; its path. */
  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** Runs our command line, as it is installed. */
  bake(args: readonly string[], options: RunOptions = {}): Promise<Measured> { return this.run(process.execPath, [join(root, 'dist/bin/main.js'), ...args], options); }

  /** Runs a program in the folder; throws when it does not end with 0. */
  run(file: string, args: readonly string[], options: RunOptions = {}): Promise<Measured> {
    return new Promise((resolve, reject) => {
      const begun = performance.now();
      // Without the certificates that a workplace may add, which Node reads at every start.
      const { NODE_EXTRA_CA_CERTS: _certificates, ...env } = process.env;
      const child = spawn(file, args, { cwd: this.folder, env: { ...env, CHECKPOINT_DISABLE: '1', ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '', rest = '', megabytes = 0;
      const watch = options.memory === undefined ? undefined : setInterval(() => { megabytes = Math.max(megabytes, memoryOf(child.pid!, options.memory!)); }, options.memory === true ? 50 : 500);
      const take = (chunk: Buffer): void => {
        out += chunk;
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const line of lines) options.line?.(line, performance.now() - begun);
      };
      child.stdout.on('data', take);
      child.stderr.on('data', take);
      child.on('error', error => { clearInterval(watch); reject(error); });
      child.on('close', code => {
        clearInterval(watch);
        if (code === 0) resolve({ milliseconds: performance.now() - begun, out, megabytes });
        else reject(new Error(`${file} ${args.join(' ')} ended with ${code}:\n${out.slice(-4000)}`));
      });
    });
  }

  end(): void { rmSync(this.folder, { recursive: true, force: true }); }
}

/** Compiles dist unless it is newer than every source. */
export async function compiled(place: Workplace): Promise<void> {
  if (existsSync(join(root, 'dist/bin/main.js')) && !await isOutdated()) return;
  place.note('compiling dist');
  await place.run(process.execPath, [join(root, 'scripts/build.mjs')]);
}

async function isOutdated(): Promise<boolean> {
  const { stat } = await import('node:fs/promises');
  const built = (await stat(join(root, 'dist/bin/main.js'))).mtimeMs;
  for (const folder of ['lib', 'bin']) {
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile() && (await stat(join(entry.parentPath, entry.name))).mtimeMs > built) return true;
    }
  }
  return false;
}

function memoryOf(pid: number, of: true | 'without guests'): number {
  const children = new Map<number, number[]>(), memory = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const status = readFileSync(`/proc/${name}/status`, 'utf8'), id = Number(name);
      const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), isGuest = /^Name:\s+(qemu-system|bake-qemu)/m.test(status);
      // Without what is only mapped from files: a program's text, shared by all of its processes.
      memory.set(id, of === 'without guests' && isGuest ? 0 : ['RssAnon', 'RssShmem'].reduce((sum, name) => sum + Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0), 0) / 1024);
      children.set(parent, [...(children.get(parent) ?? []), id]);
    } catch { /* ended meanwhile */ }
  }
  const sum = (id: number): number => (memory.get(id) ?? 0) + (children.get(id) ?? []).reduce((all, child) => all + sum(child), 0);
  return sum(pid);
}
