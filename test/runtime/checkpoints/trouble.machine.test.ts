/** Stores on a disk that is full, or read-only: a small file system of its own for each. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { App, ImageBuild } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { program, temporaryFolder } from '../../support/program.js';
import { Add, kinds, ran, ScratchSource, weight } from './scratch.js';

const mount = (...args: string[]): void => { execFileSync('mount', args, { stdio: 'ignore' }); };
/** An empty file system of some megabytes; undefined: this user may not have one. */
async function disk(megabytes: number): Promise<string | undefined> {
  const folder = join(await temporaryFolder(), 'disk');
  mkdirSync(folder);
  try { mount('-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder); } catch { return undefined; }
  onTestFinished(() => { execFileSync('umount', ['-l', folder]); });
  return folder;
}
const web = (last = 'c') => (app: App): void => {
  new ImageBuild(app, 'web', { sources: [new ScratchSource({ image: 'base', output: 'web.txt' })], provisioners: ['a', 'b', last].map(line => new Add({ line })) });
};
const filesIn = (folder: string): string[] => readdirSync(folder, { recursive: true, withFileTypes: true }).filter(e => e.isFile()).map(e => join(e.parentPath, e.name));
const space = (folder: string): number => { const { bavail, bsize } = statfsSync(folder); return bavail * bsize; };

describe('a disk for checkpoints', () => {
  test('that gets full while a machine is saved costs the checkpoint, and nothing half-saved stays', async ctx => {
    const folder = await disk(4);
    if (folder === undefined) return ctx.skip('mount is not permitted here');
    weight.bytes = 3_000_000;
    onTestFinished(() => { weight.bytes = 0; });
    const { run, read } = await program(web()), store = new CheckpointStore(join(folder, 'store'));
    ran.length = 0;
    const result = await run({ kinds, checkpoints: { store, save: 'always' } });
    // The first fits, the second does not, the third is not tried; each step ran once, on a machine that was none the worse.
    expect([result.exit, await read('web.txt')]).toEqual([0, 'base\na\nb\nc']);
    expect(ran).toEqual(['start web/scratch', 'add a', 'add b', 'add c', 'capture web/scratch']);
    expect(result.warnings).toEqual([`There is no space left for checkpoints in ${store.root}. The build goes on, and does again the next time what cannot be saved.\nMake space (bake cache prune --size 5G), or name another folder: BAKE_CHECKPOINT_DIR.`]);
    expect((await store.list()).filter(e => e.record.what === 'machine').map(e => e.record.label)).toEqual(['web/scratch after web/add']);
    expect(filesIn(join(store.root, 'blobs'))).toHaveLength(2);
    expect(filesIn(store.root).filter(file => file.endsWith('.new') || file.includes('/locks/') || file.includes('/leases/'))).toEqual([]);
    expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
    expect(space(folder)).toBeGreaterThan(900_000);
  });

  test('that is full to the last byte costs no build, and can be pruned', async ctx => {
    const folder = await disk(4);
    if (folder === undefined) return ctx.skip('mount is not permitted here');
    const { run, read } = await program(web()), store = new CheckpointStore(join(folder, 'store'));
    await run({ kinds, checkpoints: { store, save: 'always' } });
    try { writeFileSync(join(folder, 'ballast'), Buffer.alloc(8_000_000)); } catch { /* that is the point */ }
    expect(space(folder)).toBe(0);
    const after = await program(web('x')), result = await after.run({ kinds, checkpoints: { store, save: 'always' } });
    expect([result.exit, await after.read('web.txt')]).toEqual([0, 'base\na\nb\nx']);
    expect(result.warnings).toHaveLength(1);
    expect(await read('web.txt')).toBe('base\na\nb\nc');
    expect((await store.prune({ all: true })).left).toBe(0);
    rmSync(join(folder, 'ballast'));
    expect(await store.list()).toEqual([]);
  });

  test('that is read-only is read, and said to be so once', async ctx => {
    const folder = await disk(4);
    if (folder === undefined) return ctx.skip('mount is not permitted here');
    const first = await program(web()), store = new CheckpointStore(join(folder, 'store'));
    await first.run({ kinds, checkpoints: { store, save: 'always' } });
    mount('-o', 'remount,ro', folder);
    const second = await program(web('x'));
    ran.length = 0;
    const result = await second.run({ kinds, checkpoints: { store, save: 'always' } });
    expect([result.exit, await second.read('web.txt')]).toEqual([0, 'base\na\nb\nx']);
    expect(ran).toEqual(['resume web/scratch', 'add x', 'capture web/scratch']);
    expect(result.warnings).toEqual([`Checkpoints cannot be written to ${store.root}: it is read-only. The build goes on, and does again the next time what cannot be saved.\nName a folder that can be written to: BAKE_CHECKPOINT_DIR.`]);
    expect((await store.list()).length).toBeGreaterThan(0);
    expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
    await expect(store.prune()).rejects.toMatchObject({ code: 'STORE_READ_ONLY' });
    // Nothing was ever saved in this one.
    const empty = new CheckpointStore(join(folder, 'another'));
    expect((await (await program(web())).run({ kinds, checkpoints: { store: empty, save: 'always' } })).exit).toBe(0);
  });
});
