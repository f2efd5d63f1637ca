import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
    const before = { target: 'web/scratch', parts: [part('x', {}), part('d1', { 'a.conf': '644 1', 'b/': '755', 'b/c': '644 1', 'b/old': '644 1', run: '644 1', to: 'link a' })] };
    expect(changesBetween(before, { parts: [part('x', {}), part('d2', { 'a.conf': '644 1', 'b/': '700', 'b/c': '644 2', new: '644 1', run: '755 3', to: 'link b' })] }, { name: () => 'site/' }).map(c => [c.path, c.field, c.what])).toEqual([
      'the mode of site/b/ changed from 755 to 700', 'the contents of site/b/c changed', 'site/b/old is gone', 'site/new is new', 'the contents of site/run changed, and its mode from 644 to 755', 'site/to was a link to a, and is a link to b',
    ].map(what => ['web/file', 'source', what]));
  });

  it('tells a changed mode from changed contents, in a file and in a folder', async () => {
    const steps = (): ReturnType<typeof plan> => plan([{ line: 'a', file: 'files/a.conf' }, { line: 'b', file: 'files/', continueOnError: true }]);
    await build(steps());
    chmodSync(join(folder, 'files/a.conf'), 0o755);
    expect((await whyWeb(steps())).because).toEqual([
      { path: 'web/add', field: 'file', what: 'the mode of files/a.conf changed from 644 to 755' }, { path: 'web/add-2', field: 'file', what: 'the mode of files/a.conf changed from 644 to 755' },
    ]);
    writeFileSync(join(folder, 'files/a.conf'), 'two');
    expect((await whyWeb(steps())).because[0]!.what).toBe('the contents of files/a.conf changed, and its mode from 644 to 755');
  });

  it('says in words what a prop was and is', () => {
    const part = (props: object) => ({ path: 'web/shell', kind: 'provisioner/shell', props: props as never, own: props as never, late: {}, folders: {} });
    const changes = (was: object, is: object) => changesBetween({ target: 'web/scratch', parts: [part({}), part(was)] }, { parts: [part({}), part(is)] }, { name: () => undefined }).map(c => c.what);
    expect(changes({ environment: { T: { $secret: 'env:A' } } }, { environment: { T: { $secret: 'env:B', $cacheKey: '2' } } })).toEqual(['environment.T changed from the secret env:A to the secret env:B with cacheKey "2"']);
    expect(changes({ environment: { T: { $secret: 'env:A' } } }, { environment: {} })).toEqual(['environment.T was taken out: it was the secret env:A']);
    expect(changes({ size: { $size: 1024 } }, { size: { $size: 2048 } })).toEqual(['size changed from 1024 bytes to 2048 bytes']);
    expect(changes({ inline: ['a', 'c'] }, { inline: ['a', 'b', 'c'] })).toEqual(['inline[1] is new: "b"']);
    expect(changes({ inline: ['a', 'b', 'c'] }, { inline: ['a', 'c'] })).toEqual(['inline[1] is gone: it was "b"']);
    expect(changes({ inline: ['x', 'b'] }, { inline: ['a', 'c', 'b'] })).toEqual(['inline changed from ["x", "b"] to ["a", "c", "b"]']);
    expect(changes({ to: { $expr: { op: 'output', target: 'base/qemu', output: 'path' } } }, { to: 'x' })).toEqual(['to changed from the output \'path\' of base/qemu to "x"']);
    expect(changes({ text: { $secret: 'text', $expr: { op: 'template', parts: [{ op: 'value', value: 'a ' }, { op: 'secret', secret: 'env:A' }] } } }, {})).toEqual(['text was taken out: it was "a " + the secret env:A']);
    expect(changes({ script: { $file: 'sha256:1', name: 'a.sh' } }, { script: { $generated: 'b.sh' } })).toEqual(['script changed from the file a.sh to the file b.sh, which the run makes']);
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
