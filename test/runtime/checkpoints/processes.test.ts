import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { killAndLook, phases, startBuild } from './killed-builds.js';
import type { ScratchResult } from './scratch-build.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-processes-'));
  writeFileSync(join(folder, 'ran'), '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const resultOf = (out: string): ScratchResult => JSON.parse(/^done (.*)$/m.exec(out)?.[1] ?? `"${out}"`) as ScratchResult;

describe('processes that build at the same time', () => {
  it('do the work of one digest once', async () => {
    const build = { name: 'web', steps: ['a', 'b', 'c'], slow: 100 };
    const both = await Promise.all([startBuild(folder, build).ended, startBuild(folder, build).ended]);
    expect(both.map(({ out }) => resultOf(out).exit), both.map(b => b.out).join('\n')).toEqual([0, 0]);
    expect(readFileSync(join(folder, 'ran'), 'utf8').split('\n').filter(line => line.startsWith('add')).sort()).toEqual(['add a', 'add b', 'add c']);
    expect(readFileSync(join(folder, 'web.txt'), 'utf8')).toBe('base\na\nb\nc');
  });

  it('use one store, eight of them, and each makes the right thing', async () => {
    const builds = Array.from({ length: 8 }, (_, i) => ({ name: `web-${i}`, steps: ['a', 'b', `own ${i % 4}`, `last ${i}`], bytes: 200_000, slow: 10, ...(i % 3 === 0 ? { prune: 1_000_000 } : {}) }));
    const all = await Promise.all(builds.map(build => startBuild(folder, build).ended));
    expect(all.map(({ out }) => resultOf(out).exit), all.map(a => a.out).join('\n')).toEqual(builds.map(() => 0));
    for (const { name, steps } of builds) expect(readFileSync(join(folder, `${name}.txt`), 'utf8')).toBe(['base', ...steps].join('\n'));
    const store = new CheckpointStore(join(folder, 'store'));
    expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
  });
});

describe('after kill -9', () => {
  for (const phase of phases) {
    it(`while ${phase} the store verifies and the next build is right`, async () => {
      // The suite tries three moments; `npm run soak -- checkpoints` many.
      for (const milliseconds of [0, 7, 40]) expect((await killAndLook(phase, milliseconds)).wrong).toEqual([]);
    });
  }
});
