import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { openEngine } from '../../../lib/runtime/docker/engine.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { baseImage } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { temporaryFolder } from '../../support/program.js';

const script = fileURLToPath(new URL('./killed-docker.ts', import.meta.url));

requires('docker', 'base')('after kill -9 of a container build', () => {
  let image: string;
  beforeAll(async () => { image = await baseImage(); });

  const journalOf = (folder: string): string => {
    const at = join(folder, '.bake/journal');
    return existsSync(at) ? readdirSync(at).map(name => readFileSync(join(at, name), 'utf8')).join('') : '';
  };
  /** When to kill: a moment, as it can be seen from outside. */
  const moments: { readonly [moment: string]: { readonly scenario: string; readonly come: (folder: string, said: string) => boolean } } = {
    'the container is announced': { scenario: 'step', come: folder => journalOf(folder).includes('"what":"container"') },
    'the container is made': { scenario: 'step', come: folder => journalOf(folder).includes('"op":"made"') },
    'a step runs': { scenario: 'step', come: (_folder, said) => said.includes('ready') },
    'the tar is written': { scenario: 'export', come: folder => existsSync(join(folder, 'out')) && readdirSync(join(folder, 'out')).length > 0 },
    'a post-processor runs': { scenario: 'post-processor', come: (_folder, said) => said.includes('ready') },
  };

  test.each(Object.entries(moments))('when %s, gc lists what is left, removes it, and then there is nothing', async (_moment, { scenario, come }) => {
    const folder = await temporaryFolder(), state = join(folder, '.bake');
    const child: ChildProcess = spawn(process.execPath, ['--import', 'tsx', script, folder, image, scenario], { cwd: fileURLToPath(new URL('../../..', import.meta.url)), stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => { child.kill('SIGKILL'); });
    let said = '', ended = false;
    child.stdout!.on('data', chunk => { said += String(chunk); });
    child.stderr!.on('data', chunk => { said += String(chunk); });
    const end = new Promise<void>(resolve => child.once('exit', () => { ended = true; resolve(); }));
    while (!come(folder, said)) {
      if (ended) throw new Error(`it ended too early: ${said}`);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    child.kill('SIGKILL');
    await end;
    const run = /"run":"([^"]+)"/.exec(journalOf(folder))![1]!;
    expect((await collectGarbage(state, { dryRun: true })).found.map(entry => entry.driver)).toContain('source/docker');
    expect((await collectGarbage(state)).failed).toEqual([]);
    expect(await collectGarbage(state)).toEqual({ found: [], removed: [], failed: [], alive: [] });
    const { docker } = await openEngine();
    expect(await docker.listContainers({ all: true, filters: { name: [`imagebake-${run}`] } })).toEqual([]);
    for (const id of [...said.matchAll(/^artifact (sha256:\S+)$/gm)]) await expect(docker.getImage(id[1]!).inspect()).rejects.toMatchObject({ statusCode: 404 });
    expect(existsSync(join(folder, 'out')) ? readdirSync(join(folder, 'out')) : []).toEqual([]);
    expect(readdirSync(join(state, 'journal'))).toEqual([]);
  });
});
