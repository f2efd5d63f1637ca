/** Checkpoints of real guests. One boot is a quarter of a minute in software emulation, so all tests go on from one first build. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CheckpointStore } from '../../lib/runtime/checkpoints/store.js';
import { collectGarbage } from '../../lib/runtime/gc.js';
import { baseSystem } from '../support/base.js';
import { requires } from '../support/machine.js';
import { differencesOf, filesOnDisk } from '../support/disk-files.js';
import { figures, mayDiffer, ownBytes, resumedIn } from './qemu-checkpoints-look.js';
import { build, copies, graph, onOne, type Seen, storeIn } from './qemu-checkpoints-program.js';

requires('qemu', 'base')('checkpoints of guests', () => {
  let folder: string, disk: string, store: CheckpointStore, first: Seen;

  beforeAll(async () => {
    ({ disk } = await baseSystem());
    folder = mkdtempSync(join(tmpdir(), 'bake-resume-'));
    store = storeIn(folder);
    first = await build(folder, copies(folder, disk, { A: { last: 'one', checkpoint: 'always' } }));
    expect(first.outcomes, first.notes).toEqual(['A/qemu done']);
  }, 600_000);
  afterAll(() => { if (folder !== undefined) rmSync(folder, { recursive: true, force: true }); });

  test('an unchanged build does nothing', async () => {
    const again = await build(folder, copies(folder, disk, { A: { last: 'one', checkpoint: 'always' } }));
    expect([again.outcomes, again.ran('A/qemu')]).toEqual([['A/qemu cached'], []]);
    expect(again.targets[0]!.artifacts).toEqual(first.targets[0]!.artifacts);
  });

  test('three builds on one image at the same time boot from one disk: each writes only what differs', async () => {
    const own: number[] = [];
    const seen = await build(folder, onOne(folder, disk, ['one', 'two', 'three']), event => { if (event.type === 'output' && event.text.includes('FOUND=')) own.push(Math.max(...ownBytes(folder))); });
    expect(seen.outcomes, seen.notes).toEqual(['A/qemu cached', 'one/qemu done', 'three/qemu done', 'two/qemu done']);
    expect(seen.said('FOUND')).toEqual(['one', 'one', 'one']);
    expect(own).toHaveLength(3);
    const of = (name: string): number => seen.targets.find(t => t.target === `${name}/qemu`)!.artifacts[0]!.files[0]!.size;
    figures(`three builds on an image of ${(of('A') / 1e6).toFixed(0)} MB: at most ${(Math.max(...own) / 1e6).toFixed(1)} MB of its own for each that runs; images of ${['one', 'two', 'three'].map(name => (of(name) / 1e6).toFixed(0)).join(', ')} MB`);
    expect(Math.max(...own)).toBeLessThan(of('A') / 4);
  }, 400_000);

  test('the image of a resumed build has the files of one that knows of no checkpoint, and the guest was logged in to within 5 s', async () => {
    const resumed = await build(folder, copies(folder, disk, { A: { last: 'two' } }));
    expect([resumed.outcomes, resumed.ran('A/qemu')], resumed.notes).toEqual([['A/qemu done'], ['resume', 'A/shell-3', 'capture']]);
    figures(`a saved machine: ${resumedIn(resumed, 'A').toFixed(2)} s from the start to a new login`);
    expect(resumedIn(resumed, 'A')).toBeLessThan(5);
    const files = filesOnDisk(resumed.targets[0]!.artifacts[0]!.files[0]!.path), other = join(folder, 'other');
    mkdirSync(other);
    const cold = await build(other, copies(other, disk, { A: { last: 'two' } }));
    expect([cold.outcomes, cold.ran('A/qemu')], cold.notes).toEqual([['A/qemu done'], ['start', 'A/shell', 'A/shell-2', 'A/shell-3', 'capture']]);
    expect(Object.keys(files).length).toBeGreaterThan(5000);
    expect(differencesOf(filesOnDisk(cold.targets[0]!.artifacts[0]!.files[0]!.path), files).filter(line => !mayDiffer(line))).toEqual([]);
  }, 400_000);

  test('a build killed while it saves leaves a store that verifies, and the next build is right', async () => {
    for (const milliseconds of [40, 250]) {
      const script = fileURLToPath(new URL('./qemu-checkpoints-program.ts', import.meta.url));
      const child = spawnSync(process.execPath, ['--import', 'tsx', script, folder, disk, String(milliseconds)], { encoding: 'utf8', timeout: 200_000, killSignal: 'SIGKILL' });
      expect([child.signal, child.error], child.stderr + child.stdout).toEqual(['SIGKILL', undefined]);
      expect((await collectGarbage(join(folder, '.bake'))).failed).toEqual([]);
      expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
    }
    const next = await build(folder, copies(folder, disk, { A: { last: 'after the kill', checkpoint: 'never' } }));
    expect([next.outcomes, next.ran('A/qemu')], next.notes).toEqual([['A/qemu done'], ['resume', 'A/shell-3', 'capture']]);
  }, 400_000);

  test('images on images: B fails, C is built all the same; the second time B goes on from its last step, D is built, nothing else', async () => {
    await build(folder, copies(folder, disk, { A: { last: 'one', checkpoint: 'always' } }));
    const failed = await build(folder, graph(folder, disk, 'exit 7'));
    expect([failed.exit, failed.outcomes], failed.notes).toEqual([4, ['A/qemu cached', 'B/qemu failed', 'C/qemu done', 'D/qemu skipped']]);
    const mended = await build(folder, graph(folder, disk, 'true'));
    expect(mended.outcomes, mended.notes).toEqual(['A/qemu cached', 'B/qemu done', 'C/qemu cached', 'D/qemu done']);
    expect(mended.ran('B/qemu')).toEqual(['resume', 'B/shell-2', 'capture']);
    expect(mended.said('FOUND')).toEqual(['one B']);
    // C asked for a chain: it holds only what differs.
    const [c] = mended.targets.find(t => t.target === 'C/qemu')!.artifacts, [a] = mended.targets.find(t => t.target === 'A/qemu')!.artifacts;
    expect(c!.files[0]!.size).toBeLessThan(a!.files[0]!.size / 2);
    expect(c!.data['backing']).toBe(a!.id);
  }, 400_000);
});
