// Compiles lib and bin into dist: JavaScript, types and source maps, and the data files that lie among the sources.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url)), tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
// Beside dist first, so that whoever uses dist meanwhile never sees half of it.
const fresh = join(root, `dist.${process.pid}`), dist = join(root, 'dist');
try {
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw Object.assign(new Error('the types are wrong: see above'), { quiet: true });
  cpSync(join(root, 'lib'), join(fresh, 'lib'), { recursive: true, filter: source => !source.endsWith('.ts') });
  const command = join(fresh, 'bin/main.js');
  if (existsSync(command)) {
    if (!readFileSync(command, 'utf8').startsWith('#!')) throw new Error('bin/main.ts has to begin with #!/usr/bin/env node');
    chmodSync(command, 0o755);
  }
  rmSync(`${fresh}.old`, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, `${fresh}.old`);
  renameSync(fresh, dist);
} catch (error) {
  if (!error.quiet) throw error;
  process.exitCode = 1;
} finally {
  for (const left of [fresh, `${fresh}.old`]) rmSync(left, { recursive: true, force: true });
}
