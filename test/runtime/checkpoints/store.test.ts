import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';

let folder: string, store: CheckpointStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bake-store-'));
  store = new CheckpointStore(join(folder, 'store'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const record = (key: string) => ({ key, what: 'machine' as const, label: key, sawSecret: false, driver: 'source/qemu' });
async function file(name: string, content: string | Buffer): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

describe('the checkpoint store', () => {
  it('gives back what was stored, byte for byte', async () => {
    await store.add({ ...record('k1'), data: { a: 1 }, fits: 'cpu' }, { disk: await file('disk', 'content') });
    const found = await store.find('k1');
    expect(found).toMatchObject({ key: 'k1', data: { a: 1 }, fits: 'cpu' });
    expect(await readFile(store.saved(found!).blobs['disk']!.path, 'utf8')).toBe('content');
    expect(await store.find('k2')).toBeUndefined();
  });

  it('keeps equal content once, and holes as holes', async () => {
    const sparse = join(folder, 'memory');
    await writeFile(sparse, 'x');
    await truncate(sparse, 64 * 1024 * 1024);
    await store.add(record('k1'), { a: await file('a', 'same'), memory: sparse });
    await store.add(record('k2'), { b: await file('b', 'same') });
    expect(await store.size()).toBeLessThan(1024 * 1024);
    expect((await store.find('k1'))!.blobs['a']).toEqual((await store.find('k2'))!.blobs['b']);
  });

  it('is private to the user', async () => {
    await store.add(record('k1'), { a: await file('a', 'secret') });
    const found = await store.find('k1');
    expect((await stat(store.root)).mode & 0o077).toBe(0);
    expect((await stat(store.saved(found!).blobs['a']!.path)).mode & 0o777).toBe(0o600);
  });

  it('forgets a record whose blob is gone, and one that has expired', async () => {
    await store.add(record('k1'), { a: await file('a', 'content') });
    await rm(store.saved((await store.find('k1'))!).blobs['a']!.path);
    expect(await store.find('k1')).toBeUndefined();
    await store.add({ ...record('k2'), expires: Date.now() - 1 }, {});
    expect(await store.find('k2')).toBeUndefined();
  });

  it('prunes the least recently used first, spares what is leased, and keeps shared blobs', async () => {
    for (const [key, age] of [['old', 3], ['leased', 4], ['new', 1]] as const) {
      await store.add(record(key), { own: await file(key, key.repeat(100_000)), shared: await file('shared', 's'.repeat(100_000)) });
      const then = new Date(Date.now() - age * 3_600_000);
      await utimes(join(store.root, 'records', `${key}.json`), then, then);
    }
    const release = await store.lease('leased');
    const { removed } = await store.prune({ limit: 1_060_000 });
    expect(removed.map(r => r.record.key)).toEqual(['old']);
    expect(await store.find('new')).toBeDefined();
    await release();
    expect((await store.prune({ all: true })).left).toBe(0);
    expect(await store.list()).toEqual([]);
  });

  it('finds a damaged blob, and removes it with the records that name it', async () => {
    await store.add(record('good'), { a: await file('a', 'good') });
    await store.add(record('bad'), { a: await file('b', 'bad') });
    await writeFile(store.saved((await store.find('bad'))!).blobs['a']!.path, 'worse');
    const { damaged, records } = await store.verify();
    expect(damaged).toHaveLength(1);
    expect(records).toEqual(['bad']);
    expect(await store.find('bad')).toBeUndefined();
    expect(await store.find('good')).toBeDefined();
  });

  it('takes a record that a killed process left half written for none', async () => {
    await store.add(record('k1'), { disk: await file('disk', 'content') });
    await writeFile(join(folder, 'store/records/k2.json.0a1b.new'), '{');
    expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
  });

  it('gives one process at a time the turn to make a key', async () => {
    const order: string[] = [];
    const first = await store.turn('k');
    const second = store.turn('k').then(release => { order.push('second'); return release(); });
    order.push('first');
    await first();
    await second;
    expect(order).toEqual(['first', 'second']);
  });

  it('verifies after processes were killed while they added and pruned', async () => {
    const program = join(folder, 'worker.mts');
    await writeFile(program, `
      import { writeFile } from 'node:fs/promises';
      import { CheckpointStore } from ${JSON.stringify(new URL('../../../lib/runtime/checkpoints/store.ts', import.meta.url).href)};
      const store = new CheckpointStore(${JSON.stringify(store.root)});
      process.stdout.write('ready\\n');
      for (let i = 0; ; i++) {
        const file = ${JSON.stringify(folder)} + '/w' + process.pid + '-' + i;
        await writeFile(file, String(i % 7).repeat(300_000));
        await store.add({ key: 'k' + (i % 9), what: 'machine', label: 'x', sawSecret: false, driver: 'source/x' }, { a: file });
        if (i % 5 === 0) await store.prune({ limit: 800_000 });
      }`);
    for (let round = 0; round < 3; round++) {
      const children = [0, 1].map(() => spawn(process.execPath, ['--import', 'tsx', program], { stdio: ['ignore', 'pipe', 'inherit'] }));
      await Promise.all(children.map(child => new Promise((resolve, reject) => { child.stdout.once('data', resolve); child.once('exit', reject); })));
      await new Promise(resolve => setTimeout(resolve, 100 + round * 130));
      expect(children.map(child => child.exitCode)).toEqual([null, null]);
      await Promise.all(children.map(child => new Promise(resolve => { child.once('exit', resolve); child.kill('SIGKILL'); })));
      expect((await store.verify()).damaged).toEqual([]);
      for (const { record: { key } } of await store.list()) expect(await store.find(key)).toBeDefined();
    }
    await store.prune({ all: true });
    expect(await readdir(join(store.root, 'records'))).toEqual([]);
  });
});
