import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { App, Duration, generated, ImageBuild } from '../../../lib/index.js';
import type { Plan } from '../../../lib/plan.js';
import type { CheckpointOptions } from '../../../lib/runtime/checkpoints/options.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { forecast } from '../../../lib/runtime/forecast.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';
import { Add, gates, kinds, Make, Push, ran, refuseToResume, ScratchSource, weight } from './scratch.js';

let folder: string, store: CheckpointStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-rebuild-'));
  store = new CheckpointStore(join(folder, 'store'));
  ran.length = 0;
  gates.clear();
  refuseToResume(0);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Describe = (app: App) => void;
const web = (steps: readonly (string | object)[], more: object = {}): Describe => app => {
  new ImageBuild(app, 'web', { sources: [new ScratchSource({ image: 'base', output: 'web.txt', ...more })], provisioners: steps.map(s => (typeof s === 'string' ? new Add({ line: s }) : s as Add)) });
};

function planOf(describeApp: Describe): Plan {
  const app = new App();
  describeApp(app);
  return synth(app, { folder }).plan;
}
/** What a build came to. `said`: its notes and warnings. */
interface Built { readonly ran: string[]; readonly outcomes: string[]; readonly exit: number; readonly said: readonly string[] }

/** Builds, and returns what really ran. Outputs of earlier builds are replaced. */
async function build(describeApp: Describe, checkpoints: CheckpointOptions = {}, options: object = {}): Promise<Built> {
  ran.length = 0;
  const said: string[] = [];
  const result = await run(planOf(describeApp), {
    programFolder: folder, kinds, checkpoints: { store, save: 'always', ...checkpoints }, ...options,
    listen: event => { if (event.type === 'note' || event.type === 'warning') said.push(event.message); },
  });
  return { ran: [...ran], outcomes: result.targets.map(t => `${t.target} ${t.outcome}`), exit: result.exit, said };
}
const rebuild = (describeApp: Describe, checkpoints: CheckpointOptions = {}) => {
  rmSync(join(folder, 'web.txt'), { force: true });
  return build(describeApp, checkpoints);
};

describe('a rebuild', () => {
  it('of an unchanged program does nothing, and gives the same artifact', async () => {
    const first = await build(web(['a', 'b']));
    expect(first.ran).toEqual(['start web/scratch', 'add a', 'add b', 'capture web/scratch']);
    const second = await build(web(['a', 'b']));
    expect(second).toMatchObject({ ran: [], outcomes: ['web/scratch cached'], exit: 0 });
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\na\nb');
  });

  it('asks once what the names in its source stand for', async () => {
    await build(web(['a', 'b'], { named: 'it' }));
    expect(ran.filter(line => line.startsWith('identify'))).toEqual(['identify it']);
    expect((await build(web(['a', 'c'], { named: 'it' }), {}, { force: true })).ran).toEqual(['identify it', 'resume web/scratch', 'add c', 'capture web/scratch']);
  });

  it('captures again where the artifact is gone, from the last step', async () => {
    await build(web(['a', 'b']));
    expect((await rebuild(web(['a', 'b']))).ran).toEqual(['resume web/scratch', 'capture web/scratch']);
  });

  it('captures again where the artifact was changed by somebody', async () => {
    await build(web(['a']));
    writeFileSync(join(folder, 'web.txt'), 'tampered');
    expect((await build(web(['a']), {}, { force: true })).ran).toContain('capture web/scratch');
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\na');
  });

  it('resumes before the step that changed', async () => {
    await build(web(['a', 'b', 'c']));
    expect((await rebuild(web(['a', 'b', 'x']))).ran).toEqual(['resume web/scratch', 'add x', 'capture web/scratch']);
    expect((await rebuild(web(['y', 'b', 'c']))).ran).toEqual(['start web/scratch', 'add y', 'add b', 'add c', 'capture web/scratch']);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\ny\nb\nc');
  });

  it('goes on from the last good step after a failure', async () => {
    expect((await build(web(['a', 'b', 'fail', 'c']))).exit).toBe(4);
    expect((await build(web(['a', 'b', 'good', 'c']))).ran).toEqual(['resume web/scratch', 'add good', 'add c', 'capture web/scratch']);
  });

  it('goes on from the saved machine before where the last does not come up, and from the start where that does not either', async () => {
    await build(web(['a', 'b', 'c']));
    refuseToResume(1);
    expect((await rebuild(web(['a', 'b', 'x']))).ran).toEqual(['resume web/scratch', 'resume web/scratch', 'add b', 'add x', 'capture web/scratch']);
    refuseToResume(9);
    expect((await rebuild(web(['a', 'b', 'y']))).ran).toEqual(['resume web/scratch', 'resume web/scratch', 'start web/scratch', 'add a', 'add b', 'add y', 'capture web/scratch']);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\na\nb\ny');
  });

  it('that only captures does the steps again where the saved machine does not come up', async () => {
    await build(web(['a', 'b']));
    refuseToResume(9);
    expect((await rebuild(web(['a', 'b']))).ran).toEqual(['resume web/scratch', 'resume web/scratch', 'start web/scratch', 'add a', 'add b', 'capture web/scratch']);
  });

  it('does not build on a step that failed and was passed over', async () => {
    const steps = (last: string): Describe => web(['a', new Add({ line: 'fail', continueOnError: true }), last]);
    await build(steps('b'));
    expect((await rebuild(steps('b'))).ran).toEqual(['resume web/scratch', 'add fail', 'add b', 'capture web/scratch']);
  });

  it('does not use a memory state of another machine', async () => {
    await build(web(['a'], { memory: 1 }));
    expect((await rebuild(web(['a'], { memory: 2 }))).ran[0]).toBe('start web/scratch');
  });

  it('goes on from the disk alone on another machine, where that is whole by itself', async () => {
    weight.boots = true;
    onTestFinished(() => { weight.boots = false; });
    await build(web(['a', 'b'], { memory: 1 }));
    expect((await rebuild(web(['a', 'c'], { memory: 2 }))).ran).toEqual(['resume web/scratch', 'add c', 'capture web/scratch']);
    expect((await store.list()).filter(e => e.record.what === 'machine').map(e => e.record.label).sort()).toEqual([
      'web/scratch after web/add', 'web/scratch after web/add (its disk)', 'web/scratch after web/add-2', 'web/scratch after web/add-2', 'web/scratch after web/add-2 (its disk)', 'web/scratch after web/add-2 (its disk)',
    ]);
  });

  it('does not use what has expired', async () => {
    const steps = (): Describe => web([new Add({ line: 'a', expires: Duration.milliseconds(1) }), new Add({ line: 'b' })]);
    await build(steps());
    expect((await rebuild(steps())).ran[0]).toBe('start web/scratch');
  });

  it('holds what was saved against the present expires of its steps, whatever they said then', async () => {
    const steps = (expires?: Duration): Describe => web([new Add({ line: 'a' }), new Add({ line: 'b', ...(expires === undefined ? {} : { expires }) }), new Add({ line: 'c' })]);
    await build(steps());
    await new Promise(resolve => setTimeout(resolve, 5));
    // The step had none then, and what it did is too old now; what was saved before it is not.
    const [seen] = await forecast(planOf(steps(Duration.milliseconds(1))), { programFolder: folder, kinds, checkpoints: { store } });
    expect(seen).toMatchObject({ state: 'resumes', after: 'web/add', because: [{ path: 'web/add-2', what: expect.stringMatching(/^what it did is of .* UTC, and expires after 1 ms$/) as string }] });
    const again = await rebuild(steps(Duration.milliseconds(1)));
    expect(again.ran).toEqual(['resume web/scratch', 'add b', 'add c', 'capture web/scratch']);
    expect(again.said.filter(line => line.includes('expires'))).toHaveLength(1);
    // And the other way: a longer life is one for what is there already.
    expect((await build(steps(Duration.hours(1)))).ran).toEqual([]);
    expect((await build(steps())).ran).toEqual([]);
  });

  it('counts the age of a step from when it ran, not from when something was saved after it', async () => {
    await build(web(['a']));
    const saved = (await store.list())[0]!.record.chain!.find(link => link.path === 'web/add')!.at!;
    expect(saved).toBeTypeOf('number');
    await build(web(['a', 'b']), {}, { force: true });
    for (const { record } of await store.list()) expect(record.chain!.find(link => link.path === 'web/add')!.at).toBe(saved);
  });

  it('says what is damaged in the store, and does it again', async () => {
    await build(web(['a', 'b']));
    const records = Object.fromEntries((await store.list()).map(({ record }) => [record.label + record.what, record]));
    const last = records['web/scratch after web/add-2machine']!, state = store.blobs.path(last.blobs['state']!.digest);
    writeFileSync(state, '["wrong"]');
    const again = await rebuild(web(['a', 'b']));
    expect(again.ran).toEqual(['resume web/scratch', 'add b', 'capture web/scratch']);
    expect(again.said).toContain(`What was saved of web/scratch after web/add-2 is not used, and is made again: its state (${state}) is damaged.`);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\na\nb');
    for (const { record: { key } } of await store.list()) truncateSync(join(store.root, 'records', `${key}.json`), 10);
    const fromNothing = await rebuild(web(['a', 'b']));
    expect(fromNothing.ran[0]).toBe('start web/scratch');
    expect(fromNothing.said.filter(line => line.includes('cannot be read')).length).toBeGreaterThan(0);
    expect((await build(web(['a', 'b']))).outcomes).toEqual(['web/scratch cached']);
  });

  it('with use: false does everything, and saves for the next', async () => {
    await build(web(['a']));
    expect((await rebuild(web(['a']), { use: false })).ran).toEqual(['start web/scratch', 'add a', 'capture web/scratch']);
    expect((await build(web(['a']))).ran).toEqual([]);
  });

  it('ends after the step of until, without an artifact, and goes on from there', async () => {
    expect(await build(web(['a', 'b', 'c']), { until: 'add-2' })).toMatchObject({ ran: ['start web/scratch', 'add a', 'add b'], outcomes: ['web/scratch done'], exit: 0 });
    expect((await build(web(['a', 'b', 'c']), { until: 'add-2' })).ran).toEqual([]);
    expect((await build(web(['a', 'b', 'c']))).ran).toEqual(['resume web/scratch', 'add c', 'capture web/scratch']);
  });

  it('with from does that step again and those after it', async () => {
    await build(web(['a', 'b', 'c']));
    expect((await rebuild(web(['a', 'b', 'c']), { from: 'web/add-2' })).ran).toEqual(['resume web/scratch', 'add b', 'add c', 'capture web/scratch']);
  });

  it('refuses from and until that name no step of what is built, with the steps that there are', async () => {
    await expect(build(web(['a', 'b']), { from: 'addd-2' })).rejects.toMatchObject({ code: 'STEPS_UNKNOWN', exit: 2, message: "--from addd-2: no step of what is built has this name. Did you mean 'add-2'?", remedy: 'Its steps are web/add, web/add-2.' });
    await expect(build(web([]), { until: 'x' })).rejects.toMatchObject({ code: 'STEPS_UNKNOWN', remedy: 'What is built has no steps at all.' });
    await expect(build(web(['a', 'b']), { from: 'add-2', until: 'add' })).rejects.toMatchObject({ code: 'STEPS_ORDER' });
    expect(ran).toEqual([]);
  });

  it('with from and until of a step that one of several builds has leaves the others as they are, and says so', async () => {
    const two: Describe = app => {
      const image = (id: string, more: object, names: string[]) => new ImageBuild(app, id, { sources: [new ScratchSource({ ...more, output: `${id}.txt` })], provisioners: names.map(name => new Add({ line: `${id} ${name}`, name })) });
      const base = image('base', { image: 'x' }, ['a', 'b']);
      image('web', { from: base }, ['c', 'd']);
      image('db', { image: 'y' }, ['e']);
    };
    const [, , seen] = await forecast(planOf(two), { programFolder: folder, kinds, checkpoints: { store, until: 'c' } });
    expect(seen).toMatchObject({ target: 'web/scratch', steps: ['start', 'web/c'] });
    const ended = await build(two, { until: 'c' });
    // What it stands on is built to its end, without a word: that was to be expected.
    expect([ended.ran.filter(line => line.startsWith('add')).sort(), ended.outcomes]).toEqual([['add base a', 'add base b', 'add db e', 'add web c'], ['base/scratch done', 'db/scratch done', 'web/scratch done']]);
    expect(ended.said).toContain("base/scratch, db/scratch have no step 'c', and are built as without --until.");
    const asked = await build(two, { until: 'c' }, { only: ['web'] });
    expect(asked.said.filter(line => line.includes('no step'))).toEqual([]);
    await expect(build(two, { from: 'c' }, { only: ['db'] })).rejects.toMatchObject({ code: 'STEPS_ELSEWHERE' });
    await build(two);
    expect((await build(two, { from: 'd' }, { force: true })).ran).toEqual(['resume web/scratch', 'add web d', 'capture web/scratch']);
  });

  it('saves nothing where the step says never', async () => {
    await build(web([new Add({ line: 'a' }), new Add({ line: 'b', checkpoint: 'never' })]));
    expect((await rebuild(web(['a', new Add({ line: 'b', checkpoint: 'never' }), 'c']))).ran).toEqual(['resume web/scratch', 'add b', 'add c', 'capture web/scratch']);
  });
});

describe('an installation', () => {
  const installed = { install: true };
  it('is not repeated where the steps after it changed, nor after the first of them failed', async () => {
    expect((await build(web(['fail'], installed))).exit).toBe(4);
    expect((await build(web(['a', 'b'], installed), { save: 'auto' })).ran).toEqual(['resume web/scratch', 'add a', 'add b', 'capture web/scratch']);
    expect((await rebuild(web(['c'], installed))).ran).toEqual(['resume web/scratch', 'add c', 'capture web/scratch']);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\nc');
    expect((await store.list()).map(e => e.record.label)).toContain('web/scratch after the installation');
  });
  it('without steps is captured again under another name, and not repeated', async () => {
    await build(web([], installed));
    expect((await build(web([], { ...installed, output: 'other.txt' }))).ran).toEqual(['resume web/scratch', 'capture web/scratch']);
  });
  it('is repeated where it is another, with use: false, and where it does not come up', async () => {
    await build(web(['a'], installed));
    expect((await rebuild(web(['a'], { ...installed, image: 'other' }))).ran[0]).toBe('start web/scratch');
    expect((await rebuild(web(['b'], installed), { use: false })).ran[0]).toBe('start web/scratch');
    refuseToResume(1);
    expect((await rebuild(web(['c'], installed))).ran.slice(0, 2)).toEqual(['resume web/scratch', 'start web/scratch']);
  });
  it('is not saved where nothing is to be', async () => {
    await build(web(['a'], installed), { save: 'never' });
    expect((await rebuild(web(['b'], installed))).ran[0]).toBe('start web/scratch');
  });
  it('stands before steps on this computer too, whose files count where they are used', async () => {
    const steps = (content: string): Describe => web([new Make({ file: 'made.txt', content }), new Add({ line: 'f', file: generated('made.txt') })], installed);
    await build(steps('one'));
    expect((await rebuild(steps('two'))).ran.slice(1)).toEqual(['resume web/scratch', 'add f', 'capture web/scratch']);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\ntwo');
  });
  it('is done by one of two builds that share nothing else', async () => {
    const one = (id: string) => { const app = new App(); new ImageBuild(app, id, { sources: [new ScratchSource({ image: 'base', install: true, output: `${id}.txt` })], provisioners: [new Add({ line: id })] }); return synth(app, { folder }).plan; };
    const options = { programFolder: folder, kinds, checkpoints: { store } };
    const results = await Promise.all([run(one('x'), options), run(one('y'), options)]);
    expect(results.map(r => r.exit)).toEqual([0, 0]);
    expect(ran.filter(r => r.startsWith('start') || r.startsWith('resume')).map(r => r.split(' ')[0])).toEqual(['start', 'resume']);
    expect([readFileSync(join(folder, 'x.txt'), 'utf8'), readFileSync(join(folder, 'y.txt'), 'utf8')]).toEqual(['base\nx', 'base\ny']);
  });
});

describe('steps on this computer', () => {
  it('run again each time, and what they make counts by its content', async () => {
    const steps = (content: string): Describe => web([new Make({ file: 'made.txt', content }), new Add({ line: 'f', file: generated('made.txt') })]);
    await build(steps('one'));
    expect((await build(steps('one'))).ran).toEqual(['make ' + join(folder, 'made.txt')]);
    expect((await rebuild(steps('two'))).ran).toEqual(['make ' + join(folder, 'made.txt'), 'start web/scratch', 'add f', 'capture web/scratch']);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\ntwo');
  });

  it('that make something else leave an existing output alone, unless forced', async () => {
    const steps = (content: string): Describe => web([new Make({ file: 'made.txt', content }), new Add({ line: 'f', file: generated('made.txt') })]);
    await build(steps('one'));
    expect(await build(steps('two'))).toMatchObject({ ran: ['make ' + join(folder, 'made.txt')], exit: 4 });
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\none');
  });

  it('are not repeated where they say what they make and it is there', async () => {
    const steps = (): Describe => web([new Make({ file: 'made.txt', content: 'x', creates: ['made.txt'] }), new Add({ line: 'a' })]);
    await build(steps());
    expect((await build(steps())).ran).toEqual([]);
    rmSync(join(folder, 'made.txt'));
    expect((await build(steps())).ran).toEqual(['make ' + join(folder, 'made.txt')]);
  });
});

const pushed = (to: string, line = 'a'): Describe => app => {
  new ImageBuild(app, 'web', { sources: [new ScratchSource({ image: 'base', output: 'web.txt' })], provisioners: [new Add({ line })], postProcessors: [new Push({ to })] });
};

describe('post-processors of an up-to-date target', () => {
  it('with effects outside run only if they have not run for this artifact', async () => {
    expect((await build(pushed('here'))).ran).toContain('push here');
    expect((await build(pushed('here'))).ran).toEqual([]);
    expect((await build(pushed('there'))).ran).toEqual(['push there']);
  });
});

describe('post-processors', () => {
  const describeWith = (first: string, second: string): Describe => app => {
    new ImageBuild(app, 'web', { sources: [new ScratchSource({ image: 'base', output: 'web.txt' })], provisioners: [new Add({ line: 'a' })], postProcessors: [new Push({ to: first }), new Push({ to: second })] });
  };
  it('that changed run, the others do not', async () => {
    await build(describeWith('one', 'two'));
    expect((await build(describeWith('one', 'three'), {}, { force: true })).ran).toEqual(['push three']);
  });
  it('run again where what they are given has other content', async () => {
    await build(pushed('here', 'a'));
    expect((await build(pushed('here', 'b'), {}, { force: true })).ran).toContain('push here');
  });
});

describe('with force', () => {
  it('what is up to date stays so', async () => {
    await build(web(['a']));
    expect(await build(web(['a']), {}, { force: true })).toMatchObject({ ran: [], outcomes: ['web/scratch cached'], exit: 0 });
  });
});

describe('images on images', () => {
  const graph = (b = 'b', base = 'a'): Describe => app => {
    const scratch = (id: string, line: string, from?: object) => new ImageBuild(app, id, { sources: [new ScratchSource({ ...(from ? { from } : { image: 'base' }), output: `${id}.txt` })], provisioners: [new Add({ line })] });
    const A = scratch('A', base), B = scratch('B', b, A);
    scratch('C', 'c', A);
    scratch('D', 'd', B);
  };
  it('build each image once, after its base, and the second time only what failed and what stands on it', async () => {
    const first = await build(graph('fail'));
    expect(first.outcomes).toEqual(['A/scratch done', 'B/scratch failed', 'C/scratch done', 'D/scratch skipped']);
    const second = await build(graph('b'));
    expect(second.outcomes).toEqual(['A/scratch cached', 'B/scratch done', 'C/scratch cached', 'D/scratch done']);
    expect(readFileSync(join(folder, 'D.txt'), 'utf8')).toBe('base\na\nb\nd');
    expect((await build(graph('b'))).ran).toEqual([]);
  });
  it('are rebuilt where their base has other content', async () => {
    await build(graph());
    for (const id of ['A', 'B', 'C', 'D']) rmSync(join(folder, `${id}.txt`));
    expect((await build(graph('b', 'other'))).outcomes).toEqual(['A/scratch done', 'B/scratch done', 'C/scratch done', 'D/scratch done']);
    expect(readFileSync(join(folder, 'D.txt'), 'utf8')).toBe('base\nother\nb\nd');
  });
});

describe('two builds of one thing at the same time', () => {
  it('do each step once', async () => {
    let open!: () => void;
    gates.set('a', new Promise<void>(resolve => { open = resolve; }));
    const one = (id: string) => { const app = new App(); new ImageBuild(app, id, { sources: [new ScratchSource({ image: 'base', output: `${id}.txt` })], provisioners: [new Add({ line: 'a' }), new Add({ line: 'b' })] }); return synth(app, { folder }).plan; };
    const options = { programFolder: folder, kinds, checkpoints: { store, save: 'always' as const } };
    const both = Promise.all([run(one('x'), options), run(one('y'), options)]);
    await new Promise(resolve => setTimeout(resolve, 400));
    open();
    const results = await both;
    expect(results.map(r => r.exit)).toEqual([0, 0]);
    expect(ran.filter(r => r === 'add a' || r === 'add b').sort()).toEqual(['add a', 'add b']);
    expect([readFileSync(join(folder, 'x.txt'), 'utf8'), readFileSync(join(folder, 'y.txt'), 'utf8')]).toEqual(['base\na\nb', 'base\na\nb']);
  });
});
