import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { collectGarbage } from '../../lib/runtime/gc.js';
import { openJournal, readJournals } from '../../lib/runtime/journal.js';
import { startOf } from '../../lib/runtime/host/process-identity.js';
import { temporaryFolder } from '../support/program.js';

const script = fileURLToPath(new URL('./killed-run.ts', import.meta.url));

/** Starts the scenario and waits until it is where it should be. */
async function begin(folder: string, scenario: string): Promise<{ readonly child: ChildProcess; readonly ended: Promise<number | null> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, scenario], { stdio: ['ignore', 'pipe', 'pipe'], cwd: fileURLToPath(new URL('../..', import.meta.url)) });
  onTestFinished(() => { child.kill('SIGKILL'); });
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)));
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stdout!.on('data', chunk => { said += String(chunk); if (said.includes('ready')) resolve(); });
    child.stderr!.on('data', chunk => { said += String(chunk); });
    void ended.then(code => reject(new Error(`it ended with ${code} and said: ${said}`)));
  });
  return { child, ended };
}
const processesOf = (folder: string): number[] => readFileSync(join(folder, 'pids'), 'utf8').split(/\s+/).filter(p => p !== '').map(Number);
const living = (folder: string): number[] => processesOf(folder).filter(pid => startOf(pid) !== undefined);

describe('after kill -9', () => {
  for (const scenario of ['script', 'post-processor']) {
    it(`gc ends the processes of a ${scenario}, and lists them first`, async () => {
      const folder = await temporaryFolder(), state = join(folder, '.bake');
      const { child, ended } = await begin(folder, scenario);
      expect(await collectGarbage(state)).toMatchObject({ found: [], removed: [], alive: [{ pid: child.pid }] });
      child.kill('SIGKILL');
      await ended;
      expect(living(folder)).not.toEqual([]);
      expect((await collectGarbage(state, { dryRun: true })).found).toMatchObject([{ driver: 'host/process', target: expect.stringMatching(/^web\//) }]);
      expect(living(folder)).not.toEqual([]);
      expect(await collectGarbage(state)).toMatchObject({ removed: [{ driver: 'host/process' }], failed: [] });
      expect(living(folder)).toEqual([]);
      expect(await collectGarbage(state)).toEqual({ found: [], removed: [], failed: [], alive: [] });
    });
  }

  it('gc removes a half-written output and the temporary folder, also when two do it at once', async () => {
    const folder = await temporaryFolder(), state = join(folder, '.bake');
    const { child, ended } = await begin(folder, 'output');
    const [journal] = await readJournals(state);
    expect(readdirSync(join(folder, 'out'))).toHaveLength(1);
    expect(existsSync(journal!.header.temporary)).toBe(true);
    child.kill('SIGKILL');
    await ended;
    const both = await Promise.all([collectGarbage(state), collectGarbage(state)]);
    expect(both.flatMap(r => r.removed)).toHaveLength(1);
    expect(both.flatMap(r => r.failed)).toEqual([]);
    expect(readdirSync(join(folder, 'out'))).toEqual([]);
    expect(existsSync(journal!.header.temporary)).toBe(false);
    expect(readdirSync(join(state, 'journal'))).toEqual([]);
  });

  it('gc moves an output back that was taken away for a new one that never came', async () => {
    const folder = await temporaryFolder(), state = join(folder, '.bake');
    const hidden = join(folder, '.image.bake-1'), target = join(folder, 'image'), replaced = join(hidden, '.replaced');
    await mkdir(replaced, { recursive: true });
    await writeFile(join(replaced, 'disk'), 'the old one');
    const journal = await openJournal(state, 'r1', join(folder, 'temporary'));
    await journal.of('web/qemu').intend({ driver: 'host/path', what: 'unfinished output', name: hidden, data: { path: hidden, target, replaced } });
    await journal.close();
    // As if the process that wrote it were dead.
    const file = join(state, 'journal/r1.jsonl');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"start":"\d+"/, '"start":"1"'));
    await collectGarbage(state);
    expect(await readFile(join(target, 'disk'), 'utf8')).toBe('the old one');
    expect(existsSync(hidden)).toBe(false);
  });

  it('gc reports what it cannot remove, and keeps it', async () => {
    const folder = await temporaryFolder(), state = join(folder, '.bake');
    const journal = await openJournal(state, 'r1', join(folder, 'temporary'));
    await journal.of('web/x').intend({ driver: 'source/no-such-driver', what: 'instance', name: 'i-123', data: {} });
    await journal.close();
    const file = join(state, 'journal/r1.jsonl');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"start":"\d+"/, '"start":"1"') + '{"op":"intend","id":"cut of');
    expect(await collectGarbage(state)).toMatchObject({ removed: [], failed: [{ entry: { name: 'i-123', run: 'r1' }, error: expect.stringContaining('no source no-such-driver') }] });
    expect((await collectGarbage(state, { dryRun: true })).found).toHaveLength(1);
  });
});

describe('after one signal', () => {
  for (const [signal, exit] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    it(`${signal}: the run cleans up by itself and ends with ${exit}`, async () => {
      const folder = await temporaryFolder();
      const { child, ended } = await begin(folder, 'script');
      child.kill(signal);
      expect(await ended).toBe(exit);
      expect(living(folder)).toEqual([]);
      expect(readdirSync(join(folder, '.bake/journal'))).toEqual([]);
      expect(JSON.parse(await readFile(join(folder, 'result.json'), 'utf8'))).toMatchObject({ outcome: 'cancelled', exit });
    });
  }

  it('work that does not notice is left behind after its grace, and its output removed', async () => {
    const folder = await temporaryFolder();
    const { child, ended } = await begin(folder, 'output');
    child.kill('SIGINT');
    // The work that was left behind keeps the process: what counts is the result.
    await expect.poll(() => existsSync(join(folder, 'result.json')), { timeout: 30_000 }).toBe(true);
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(join(folder, 'out'))).toBe(false);
    expect(readdirSync(join(folder, '.bake/journal'))).toEqual([]);
  });
});
