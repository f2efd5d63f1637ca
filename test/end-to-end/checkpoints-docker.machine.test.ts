import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { App, DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, Secret, ShellProvisioner } from '../../lib/index.js';
import type { Event } from '../../lib/events.js';
import type { ImageOf } from '../../lib/fields.js';
import type { CheckpointOptions } from '../../lib/runtime/checkpoints/options.js';
import { CheckpointStore } from '../../lib/runtime/checkpoints/store.js';
import { forecast } from '../../lib/runtime/forecast.js';
import type { RunResult } from '../../lib/runtime/results.js';
import { run, type RunOptions } from '../../lib/runtime/run.js';
import { synth } from '../../lib/synth/synth.js';
import { baseImage } from '../support/base.js';
import { requires } from '../support/machine.js';
import { temporaryFolder } from '../support/program.js';

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();

requires('docker', 'docker-cli', 'base')('checkpoints of containers', () => {
  let image: string, folder: string, store: CheckpointStore;
  const made = new Set<string>();
  beforeAll(async () => { image = await baseImage(); });
  beforeEach(async () => {
    folder = await temporaryFolder();
    store = new CheckpointStore(join(folder, 'store'));
    onTestFinished(async () => {
      await store.prune({ all: true });
      for (const id of made) { try { docker('rmi', '-f', id); } catch { /* gone already */ } }
      made.clear();
    });
  });

  type Describe = (app: App) => void;
  interface Done extends RunResult { /** Steps that really ran, by target. */ readonly ran: string[]; readonly outcomes: string[]; readonly notes: string }
  async function build(describeApp: Describe, checkpoints: CheckpointOptions = {}, options: RunOptions = {}): Promise<Done> {
    const app = new App(), events: Event[] = [];
    describeApp(app);
    const result = await run(synth(app, { folder }).plan, { programFolder: folder, checkpoints: { store, save: 'always', ...checkpoints }, ...options, listen: event => { events.push(event); } });
    for (const { artifacts } of result.targets) for (const { id } of artifacts) if (id.startsWith('sha256:')) made.add(id);
    return {
      ...result, outcomes: result.targets.map(t => `${t.target} ${t.outcome}`), notes: events.flatMap(e => (e.type === 'note' || e.type === 'warning' ? [e.message] : [])).join('\n'),
      ran: events.flatMap(e => (e.type === 'step-end' && e.step.length === 2 && e.outcome !== 'cached' && /^(start|resume|capture|.*\/(shell|file|docker-tag).*)$/.test(e.label) ? [e.label] : [])),
    };
  }
  const web = (last: string, more: { readonly image?: string; readonly first?: string } = {}): Describe => app => {
    new ImageBuild(app, 'web', {
      sources: [new DockerSource({ image: more.image ?? image, pull: false, commit: true })],
      provisioners: [new ShellProvisioner({ inline: [`echo ${more.first ?? 'first'} > /first`] }), new ShellProvisioner({ inline: ['cat /first > /second', 'head -c 2000000 /dev/zero > /zeros'] }), new ShellProvisioner({ inline: [`echo ${last} > /last`] })],
    });
  };
  const imageOf = (result: RunResult, target = 'web/docker'): string => result.targets.find(t => t.target === target)!.artifacts[0]!.id;
  const files = (id: string): string => docker('run', '--rm', '--network', 'none', id, 'cat', '/first', '/second', '/last').replaceAll('\n', ' ');
  const layers = async (): Promise<string[]> => (await store.list()).flatMap(e => (e.record.what === 'machine' ? [(e.record.data as { reference: string }).reference] : []));
  const isThere = (name: string): boolean => { try { docker('image', 'inspect', name); return true; } catch { return false; } };

  test('an unchanged build does nothing; a changed step starts from the layer before it', async () => {
    const first = await build(web('one'));
    expect(first.ran).toEqual(['start', 'web/shell', 'web/shell-2', 'web/shell-3', 'capture']);
    const unchanged = await build(web('one'));
    expect([unchanged.ran, unchanged.outcomes, imageOf(unchanged)]).toEqual([[], ['web/docker cached'], imageOf(first)]);
    const changed = await build(web('two'));
    expect(changed.ran).toEqual(['resume', 'web/shell-3', 'capture']);
    expect([files(imageOf(first)), files(imageOf(changed))]).toEqual(['first first one', 'first first two']);
    const fromTheStart = await build(web('two', { first: 'other' }));
    expect(fromTheStart.ran).toEqual(['start', 'web/shell', 'web/shell-2', 'web/shell-3', 'capture']);
    expect(files(imageOf(fromTheStart))).toBe('other other two');
  });

  test('a resumed image has the configuration of a cold one', async () => {
    await build(web('one'));
    const [resumed, cold] = [await build(web('two')), await build(web('two'), { use: false, save: 'never' })].map(result => JSON.parse(docker('image', 'inspect', imageOf(result)))[0].Config as Record<string, unknown>);
    expect({ ...resumed, Image: '' }).toEqual({ ...cold, Image: '' });
  });

  test('a layer that somebody removed is made again from the one before', async () => {
    await build(web('one'));
    const second = (await store.list()).find(e => e.record.label.endsWith('web/shell-2'))!.record.data as { reference: string };
    docker('rmi', second.reference);
    const gone = await build(web('two'));
    expect(gone.ran).toEqual(['resume', 'web/shell-2', 'web/shell-3', 'capture']);
    expect(gone.notes).toContain('Done again, as what was saved after web/shell-2 is not there any more.');
    // What others stand on stays in the engine, without a name.
    for (const name of [...made, ...await layers()]) docker('rmi', name);
    const again = await build(web('three'));
    expect(again.ran).toEqual(['start', 'web/shell', 'web/shell-2', 'web/shell-3', 'capture']);
    expect(again.warnings).toEqual([]);
  });

  test('an image that somebody removed is captured again, without the steps', async () => {
    docker('rmi', '-f', imageOf(await build(web('one'))));
    const again = await build(web('one'));
    expect(again.ran).toEqual(['resume', 'capture']);
    expect(files(imageOf(again))).toBe('first first one');
  });

  test('pruning removes the layers from the engine, and nothing else does', async () => {
    await build(web('one'));
    const saved = await layers();
    expect(saved).toHaveLength(3);
    await build(web('two'));
    await build(web('two'), { use: false });
    const now = await layers();
    // Each of the second build's own steps was saved anew, under its key: what stood there went.
    expect(now).toHaveLength(4);
    expect(saved.filter(isThere)).toHaveLength(1);
    expect(now.every(isThere)).toBe(true);
    expect((await store.size())).toBeGreaterThan(4_000_000);
    expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
    docker('rmi', now[0]!);
    expect((await store.verify()).records).toHaveLength(1);
    const pruned = await store.prune({ all: true });
    expect(pruned.failed).toEqual([]);
    expect(now.filter(isThere)).toEqual([]);
  });

  test('a tag that stands for another image makes everything new, and the forecast says so', async () => {
    const tag = `bake-test-${process.pid}:moving`;
    onTestFinished(() => { docker('rmi', '-f', tag); });
    docker('tag', image, tag);
    const other = imageOf(await build(web('other'), { save: 'never' }));
    await build(web('one', { image: tag }));
    expect((await build(web('one', { image: tag }))).outcomes).toEqual(['web/docker cached']);
    docker('tag', other, tag);
    const app = new App();
    web('one', { image: tag })(app);
    const [seen] = await forecast(synth(app, { folder }).plan, { programFolder: folder, checkpoints: { store } });
    expect(seen).toMatchObject({ state: 'full', because: [{ what: expect.stringContaining('what it starts from is another') as string }] });
    expect((await build(web('one', { image: tag }))).ran[0]).toBe('start');
  });

  test('a changed byte in a file makes its step and those after it new; a touched one does not', async () => {
    const { writeFileSync, utimesSync } = await import('node:fs'), conf = join(folder, 'site.conf');
    writeFileSync(conf, 'a=b\n');
    const described: Describe = app => {
      new ImageBuild(app, 'web', {
        sources: [new DockerSource({ image, pull: false, commit: true })],
        provisioners: [new ShellProvisioner({ inline: ['mkdir -p /srv'] }), new FileProvisioner({ source: 'site.conf', destination: '/srv/' }), new ShellProvisioner({ inline: ['cp /srv/site.conf /srv/copy'] })],
        postProcessors: [new DockerTagPostProcessor({ repository: `bake-test-${process.pid}`, tags: ['web'] })],
      });
    };
    onTestFinished(() => { docker('rmi', '-f', `bake-test-${process.pid}:web`); });
    await build(described);
    utimesSync(conf, 1, 1);
    expect((await build(described)).ran).toEqual([]);
    writeFileSync(conf, 'a=c\n');
    expect((await build(described)).ran).toEqual(['resume', 'web/file', 'web/shell-2', 'capture', 'web/docker-tag']);
    expect(docker('run', '--rm', `bake-test-${process.pid}:web`, 'cat', '/srv/copy')).toBe('a=c');
  });

  test('images on images: what failed and what stands on it is built the second time, nothing else', async () => {
    const graph = (b: string): Describe => app => {
      const on = (id: string, step: string, from?: ImageOf<'docker'>) => new ImageBuild(app, id, { sources: [new DockerSource(from ? { from, commit: true } : { image, pull: false, commit: true })], provisioners: [new ShellProvisioner({ inline: [step] })] });
      const A = on('A', 'echo A > /a'), B = on('B', b, A);
      on('C', 'test -e /a && echo C > /c', A);
      on('D', 'cat /a /b > /d', B);
    };
    const first = await build(graph('exit 3'));
    expect([first.exit, first.outcomes]).toEqual([4, ['A/docker done', 'B/docker failed', 'C/docker done', 'D/docker skipped']]);
    const second = await build(graph('echo B > /b'));
    expect(second.outcomes).toEqual(['A/docker cached', 'B/docker done', 'C/docker cached', 'D/docker done']);
    expect(second.ran.sort()).toEqual(['B/shell', 'D/shell', 'capture', 'capture', 'start', 'start']);
    expect(docker('run', '--rm', imageOf(second, 'D/docker'), 'cat', '/d').replace('\n', ' ')).toBe('A B');
    expect((await build(graph('echo B > /b'))).ran).toEqual([]);
  });

  test('what saw a secret is marked; the secret itself is nowhere in the store', async () => {
    const described: Describe = app => {
      new ImageBuild(app, 'web', {
        sources: [new DockerSource({ image, pull: false, commit: true })],
        provisioners: [new ShellProvisioner({ inline: ['true'] }), new ShellProvisioner({ inline: ['test "${TOKEN%%-2}" = hush-hush'], environment: { TOKEN: Secret.env('TOKEN') } }), new ShellProvisioner({ inline: ['true'] })],
      });
    };
    await build(described, {}, { environment: { ...process.env, TOKEN: 'hush-hush' } });
    const marked = (await store.list()).filter(e => e.record.what === 'machine').sort((a, b) => a.record.label < b.record.label ? -1 : 1).map(e => [e.record.label.replace('web/docker after ', ''), e.record.sawSecret]);
    expect(marked).toEqual([['web/shell', false], ['web/shell-2', true], ['web/shell-3', true]]);
    const everything = readdirSync(join(folder, 'store'), { recursive: true, withFileTypes: true }).filter(e => e.isFile());
    for (const file of everything) expect(execFileSync('cat', [join(file.parentPath, file.name)], { encoding: 'latin1' })).not.toContain('hush-hush');
    // Another value of the secret is no reason to repeat anything.
    expect((await build(described, {}, { environment: { ...process.env, TOKEN: 'hush-hush-2' } })).ran).toEqual([]);
  });
});
