import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
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

  it('closes folders that others may look into, and its files are private whatever the umask is', async () => {
    for (const name of ['blobs', 'records', 'leases', 'locks']) mkdirSync(join(store.root, name), { recursive: true, mode: 0o777 });
    for (const name of ['', 'blobs', 'records']) chmodSync(join(store.root, name), 0o777);
    for (const umask of [0o000, 0o777, 0o227]) {
      const before = process.umask(umask);
      try {
        await store.add(record(`k${umask}`), { a: await file(`a${umask}`, `content ${umask}`) });
        await store.lease(`k${umask}`);
        await store.turn(`k${umask}`);
      } finally { process.umask(before); }
    }
    const modes = readdirSync(store.root, { recursive: true, withFileTypes: true }).map(e => [e.isDirectory(), (statSync(join(e.parentPath, e.name)).mode & 0o777).toString(8)]);
    expect(modes.filter(([isFolder]) => isFolder === true).every(([, mode]) => mode === '700')).toBe(true);
    expect(modes.filter(([isFolder]) => isFolder === false).filter(([, mode]) => !['600', '400', '0'].includes(String(mode)))).toEqual([]);
    // A folder that was there is the user's: what is in it is closed, it is not.
    expect(statSync(store.root).mode & 0o777).toBe(0o777);
  });

  it('forgets a record whose blob is gone, and says so', async () => {
    await store.add(record('k1'), { a: await file('a', 'content') });
    await rm(store.saved((await store.find('k1'))!).blobs['a']!.path);
    expect((await store.look('k1')).wrong).toMatch(/^its a \(.*\) is gone$/);
    expect(await store.look('k1')).toEqual({});
  });

  it('does not believe a blob that somebody wrote to, nor a record that is cut off; what is put again is whole', async () => {
    const content = await file('a', 'content');
    await store.add(record('k1'), { a: content });
    const blob = store.saved((await store.find('k1'))!).blobs['a']!.path;
    await rm(content);
    await writeFile(blob, 'CONTENT');
    expect((await store.look('k1')).wrong).toMatch(/is damaged$/);
    expect(await store.verify()).toEqual({ blobs: 0, damaged: [], records: [] });
    await store.add(record('k1'), { a: await file('b', 'content') });
    expect(await readFile(store.saved((await store.find('k1'))!).blobs['a']!.path, 'utf8')).toBe('content');
    await truncate(join(store.root, 'records/k1.json'), 20);
    expect((await store.look('k1')).wrong).toMatch(/^the record .* cannot be read$/);
    expect(await store.look('k1')).toEqual({});
  });

  it('puts a damaged blob anew, also where no record of it was looked at since', async () => {
    await store.add(record('k1'), { a: await file('a', 'content') });
    const blob = store.saved((await store.find('k1'))!).blobs['a']!.path;
    await rm(join(folder, 'a'));
    await writeFile(blob, 'CONTENT');
    await store.add(record('k2'), { a: await file('b', 'content') });
    expect(await readFile(blob, 'utf8')).toBe('content');
    expect((await store.look('k1')).wrong).toBeUndefined();
  });

  it('reads a copied store once, and believes it', async () => {
    await store.add(record('k1'), { a: await file('a', 'content') });
    await cp(store.root, join(folder, 'copy'), { recursive: true });
    const copy = new CheckpointStore(join(folder, 'copy')), found = await copy.find('k1');
    expect(await readFile(copy.saved(found!).blobs['a']!.path, 'utf8')).toBe('content');
    expect((await stat(copy.saved(found!).blobs['a']!.path)).mtimeMs).toBe((await stat(store.saved(found!).blobs['a']!.path)).mtimeMs);
  });

  it('prunes what has expired', async () => {
    await store.add({ ...record('k1'), expires: Date.now() - 1 }, {});
    await store.add({ ...record('k2'), expires: Date.now() + 1_000_000 }, {});
    expect((await store.prune()).removed.map(r => r.record.key)).toEqual(['k1']);
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
