/** Before the tests of the `machines` project: a Docker engine, started here where we are root, it is installed and none answers. It stays: other runs may use it. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export default async function setup(): Promise<void> {
  if (!await answers() && process.getuid?.() === 0) await startEngine();
  process.env['BAKE_TEST_ENGINE'] = await answers() ? 'answers' : 'silent';
}

function answers(): Promise<boolean> {
  return new Promise(resolve => { execFile('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 10_000 }, error => resolve(error === null)); });
}

async function startEngine(): Promise<void> {
  const lock = join(tmpdir(), 'imagebake-dockerd.lock'), until = Date.now() + 60_000;
  const mine = takeLock(lock);
  try {
    if (mine) {
      const log = openSync(join(tmpdir(), 'imagebake-dockerd.log'), 'a');
      const engine = spawn('dockerd', [], { detached: true, stdio: ['ignore', log, log] });
      engine.on('error', () => {});
      engine.unref();
    }
    while (!await answers() && Date.now() < until) await sleep(500);
  } finally {
    if (mine) rmSync(lock, { recursive: true, force: true });
  }
}

/** A folder is made by one only; a lock older than any start takes was left by a killed run. */
function takeLock(lock: string): boolean {
  try { mkdirSync(lock); return true; } catch { /* another run starts it, or did */ }
  try { if (Date.now() - statSync(lock).mtimeMs < 120_000) return false; } catch { /* gone by now */ }
  rmSync(lock, { recursive: true, force: true });
  try { mkdirSync(lock); return true; } catch { return false; }
}
