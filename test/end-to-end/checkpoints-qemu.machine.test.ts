/** Real guests that go on from one saved machine, three at a time; and what comes of it beside a build from nothing. One boot in all. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectGarbage } from '../../lib/runtime/gc.js';
import { baseSystem } from '../support/base.js';
import { differencesOf, filesOnDisk } from '../support/disk-files.js';
import { requires } from '../support/machine.js';
import { clockIsRight, figures, mayDiffer, ownBytes, resumedIn } from './qemu-checkpoints-look.js';
import { build, copies, type Seen, storeIn } from './qemu-checkpoints-program.js';

const names = ['one', 'two', 'three'];

requires('qemu', 'base')('guests that go on from a saved machine', () => {
  let folder: string, disk: string, cold: Seen, three: Seen;
  beforeAll(async () => {
    ({ disk } = await baseSystem());
    folder = mkdtempSync(join(tmpdir(), 'bake-three-'));
    cold = await build(folder, copies(folder, disk, { cold: { last: 'one' } }));
    expect(cold.outcomes, cold.notes).toEqual(['cold/qemu done']);
  }, 600_000);
  afterAll(async () => {
    if (folder === undefined) return;
    await collectGarbage(join(folder, '.bake'));
    rmSync(folder, { recursive: true, force: true });
  });

  test('three at the same time do not boot, have the right time, random numbers of their own and their services, and share the disk', async () => {
    const store = storeIn(folder), stored = await store.size(), own: number[] = [];
    three = await build(folder, copies(folder, disk, Object.fromEntries(names.map(name => [name, { last: name }]))), event => {
      if (event.type === 'output' && event.text.includes('SYSTEM=')) own.push(Math.max(...ownBytes(folder)));
    }, 'shell-3');
    expect(three.outcomes, three.notes).toEqual(['one/qemu done', 'three/qemu done', 'two/qemu done']);
    for (const name of names) {
      expect(three.ran(`${name}/qemu`), three.notes).toEqual(['resume', `${name}/shell-3`, 'capture']);
      expect(clockIsRight(three, name)).toBe(true);
    }
    // The same boot goes on, in the same memory; what it does from here on does not repeat itself.
    expect(new Set(three.said('BOOT'))).toEqual(new Set(cold.said('BOOT')));
    expect(three.said('SYSTEM')).toEqual(['running', 'running', 'running']);
    expect(new Set([...cold.said('RANDOM'), ...three.said('RANDOM')]).size).toBe(4);
    // The disk of some hundred MB lies there once: each machine wrote a few of its own above it, and the store holds nothing more of any.
    expect(own).toHaveLength(3);
    expect(Math.max(...own)).toBeLessThan(32 * 1024 ** 2);
    expect(await store.size()).toBe(stored);
    figures(`three machines on one disk: at most ${(Math.max(...own) / 1e6).toFixed(1)} MB of its own for each; ${names.map(name => resumedIn(three, name).toFixed(1)).join(', ')} s from the start to a new login, all at once`);
  }, 600_000);

  test('the image of a resumed build has the files of one from nothing: contents, modes, owners, links and attributes', () => {
    const [from, resumed] = [cold, three].map(({ targets }) => filesOnDisk(targets.find(t => ['cold/qemu', 'one/qemu'].includes(t.target))!.artifacts[0]!.files[0]!.path)) as [ReturnType<typeof filesOnDisk>, ReturnType<typeof filesOnDisk>];
    // What is to be compared is there.
    expect(Object.keys(from).length).toBeGreaterThan(5000);
    expect(from['/srv/kinds/same']).toMatch(/^regular 04711 1:60 \{user\.bake.*"kept"\} linked: srv\/kinds\/same srv\/kinds\/tool [0-9a-f]{64}$/);
    expect(differencesOf(from, resumed).filter(line => !mayDiffer(line))).toEqual([]);
    // One memory, and yet not one machine: what would make it one is empty or gone, and made anew at the next boot.
    for (const files of [from, resumed]) {
      expect(files['/etc/machine-id']).toMatch(/^regular 0[46]44 0:0 e3b0c44298fc1c149afbf4c8996fb924/);
      expect(Object.keys(files).filter(path => /^\/etc\/ssh\/ssh_host_|^\/var\/lib\/systemd\/random-seed$|authorized_keys$/.test(path))).toEqual([]);
    }
  }, 300_000);
});
