import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { App, ImageBuild, Variable } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { changesBetween } from '../../../lib/runtime/checkpoints/why.js';
import { forecast } from '../../../lib/runtime/forecast.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';
import { Add, kinds, ran, ScratchSource } from './scratch.js';

let folder: string, store: CheckpointStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-forecast-'));
  store = new CheckpointStore(join(folder, 'store'));
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'files/a.conf'), 'one');
  writeFileSync(join(folder, 'files/b.conf'), 'one');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function plan(steps: readonly object[], source: object = {}, variables = {}) {
  const app = new App({ variables });
  new Variable(app, 'v', { default: 'one' });
  const base = new ImageBuild(app, 'base', { sources: [new ScratchSource({ image: 'x', output: 'base.txt' })] });
  new ImageBuild(app, 'web', { sources: [new ScratchSource({ from: base, output: 'web.txt', ...source })], provisioners: steps.map(s => new Add(s)) });
  return synth(app, { folder }).plan;
}
const options = () => ({ programFolder: folder, kinds, checkpoints: { store, save: 'always' as const } });
const build = (p: ReturnType<typeof plan>) => run(p, { ...options(), force: true });
const whyWeb = async (p: ReturnType<typeof plan>) => (await forecast(p, options())).find(f => f.target === 'web/scratch')!;
const value = { $expr: { op: 'variable', name: 'v' } };

describe('the forecast of a run', () => {
  it('says full at first, with bases named, and up to date afterwards; and makes nothing', async () => {
    const program = plan([{ line: 'a' }]);
    ran.length = 0;
    const first = await forecast(program, options());
    expect(first.map(f => [f.target, f.state])).toEqual([['base/scratch', 'full'], ['web/scratch', 'full']]);
    expect(first[0]!.because).toEqual([{ path: '', what: 'it was never built here' }]);
    expect(first[1]!.because).toEqual([{ path: 'web/scratch', what: 'base/scratch, which it stands on, is built too' }]);
    expect(ran).toEqual([]);
    await build(program);
    expect((await forecast(program, options())).map(f => f.state)).toEqual(['up-to-date', 'up-to-date']);
  });

  it('names the step it resumes after, what is left to do, and how long that took before', async () => {
    await build(plan([{ line: 'a' }, { line: 'b' }, { line: 'c' }]));
    const found = await whyWeb(plan([{ line: 'a' }, { line: 'b' }, { line: 'other' }]));
    expect(found).toMatchObject({ state: 'resumes', after: 'web/add-2', steps: ['resume', 'web/add-3', 'capture'] });
    expect(found.because).toEqual([{ path: 'web/add-3', field: 'line', what: 'line changed from "c" to "other"' }]);
    expect(found.expected).toBeTypeOf('number');
  });

  it('names the installation, where that is what it resumes after', async () => {
    await build(plan([{ line: 'a' }], { install: true }));
    expect(await whyWeb(plan([{ line: 'other' }], { install: true }))).toMatchObject({ state: 'resumes', after: 'the installation', steps: ['resume', 'web/add', 'capture'] });
  });

  it('traces a change to a file', async () => {
    await build(plan([{ line: 'a', file: 'files/a.conf' }]));
    writeFileSync(join(folder, 'files/a.conf'), 'two');
    expect((await whyWeb(plan([{ line: 'a', file: 'files/a.conf' }]))).because).toEqual([{ path: 'web/add', field: 'file', what: 'the contents of files/a.conf changed' }]);
  });

  it('traces a change to the files inside a folder', () => {
    const part = (digest: string, files: object) => ({ path: 'web/file', kind: 'provisioner/file', props: { source: { $file: digest, name: 'files/' } }, own: { disk: digest }, late: {}, folders: { [digest]: files as never } });
    const before = { target: 'web/scratch', parts: [part('x', {}), part('d1', { 'a.conf': '1', 'b/c': '1' })] };
    expect(changesBetween(before, { parts: [part('x', {}), part('d2', { 'a.conf': '1', 'b/c': '2', new: '1' })] }, () => 'site')).toEqual([
      { path: 'web/file', field: 'source', what: 'site/b/c changed' }, { path: 'web/file', field: 'source', what: 'site/new is new' },
    ]);
  });

  it('traces a change to a variable by the prop that it changed', async () => {
    await build(plan([{ line: value }]));
    expect((await whyWeb(plan([{ line: value }], {}, { v: 'two' }))).because).toEqual([{ path: 'web/add', field: 'line', what: 'line changed from "one" to "two"' }]);
  });

  it('says which steps are new and which are gone', async () => {
    await build(plan([{ line: 'a' }]));
    expect((await whyWeb(plan([{ line: 'a' }, { line: 'b' }]))).because).toEqual([{ path: 'web/add-2', what: 'this step is new, or was not reached the last time' }]);
  });

  it('says where only the artifact is gone', async () => {
    const program = plan([{ line: 'a' }]);
    await build(program);
    rmSync(join(folder, 'web.txt'));
    const found = await whyWeb(program);
    expect(found).toMatchObject({ state: 'resumes', steps: ['resume', 'capture'] });
    expect(found.because[0]!.what).toContain('its artifact is not there any more');
  });
});
