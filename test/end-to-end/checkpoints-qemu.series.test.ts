/** Checkpoints of real guests. One boot is a quarter of a minute in software emulation, so all tests go on from one first build. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event } from '../../lib/events.js';
import type { Plan } from '../../lib/plan.js';
import type { CheckpointStore } from '../../lib/runtime/checkpoints/store.js';
import { collectGarbage } from '../../lib/runtime/gc.js';
import type { RunResult } from '../../lib/runtime/results.js';
import { run } from '../../lib/runtime/run.js';
import { baseSystem } from '../support/base.js';
import { requires } from '../support/machine.js';
import { copies, graph, storeIn } from './qemu-checkpoints-program.js';

interface Seen extends RunResult { readonly events: readonly Event[]; readonly outcomes: readonly string[]; readonly notes: string; /** What guests said, by name of the thing, in order. */ said(name: string): string[]; /** Labels of steps that really ran. */ ran(target: string): string[] }

requires('qemu', 'base')('checkpoints of guests', () => {
  let folder: string, disk: string, store: CheckpointStore, first: Seen;

  async function build(plan: Plan, listen: (event: Event) => void = () => {}): Promise<Seen> {
    const events: Event[] = [];
    const result = await run(plan, { programFolder: folder, force: true, checkpoints: { store }, listen: [event => { events.push(event); }, listen] });
    return {
      ...result, events, outcomes: result.targets.map(t => `${t.target} ${t.outcome}`),
      notes: events.flatMap(e => (e.type === 'note' || e.type === 'warning' ? [e.message] : e.type === 'step-end' && e.error ? [e.error.message] : [])).join('\n'),
      said: name => events.flatMap(e => (e.type === 'output' ? [...e.text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(m => m[1]!) : [])),
      ran: target => events.flatMap(e => (e.type === 'step-end' && e.step[0] === target && e.step.length === 2 && e.outcome !== 'cached' && /^(start|resume|capture)$|\/shell/.test(e.label) ? [e.label] : [])),
    };
  }

  beforeAll(async () => {
    ({ disk } = await baseSystem());
    folder = mkdtempSync(join(tmpdir(), 'bake-resume-'));
    store = storeIn(folder);
    first = await build(copies(folder, disk, { A: { last: 'one', checkpoint: 'always' } }));
    expect(first.outcomes, first.notes).toEqual(['A/qemu done']);
  }, 600_000);
  afterAll(() => { if (folder !== undefined) rmSync(folder, { recursive: true, force: true }); });

  test('an unchanged build does nothing', async () => {
    const again = await build(copies(folder, disk, { A: { last: 'one', checkpoint: 'always' } }));
    expect([again.outcomes, again.ran('A/qemu')]).toEqual([['A/qemu cached'], []]);
    expect(again.targets[0]!.artifacts).toEqual(first.targets[0]!.artifacts);
  });

  test('two resume from one saved machine at the same time: no boot, the right time, random numbers of their own, no copy of the disk', async () => {
    const stored = await store.size(), disks: number[] = [];
    const both = await build(copies(folder, disk, { one: { last: 'resumed one' }, two: { last: 'resumed two' } }), event => {
      if (event.type === 'output' && event.text.includes('SYSTEM=')) disks.push(...tops(folder));
    });
    expect(both.outcomes, both.notes).toEqual(['one/qemu done', 'two/qemu done']);
    for (const name of ['one', 'two']) expect(both.ran(`${name}/qemu`), both.notes).toEqual(['resume', `${name}/shell-3`, 'capture']);
    expect(both.said('BOOT')).toEqual([first.said('BOOT')[0], first.said('BOOT')[0]]);
    expect(both.said('SYSTEM')).toEqual(['running', 'running']);
    const [a, b] = both.said('RANDOM');
    expect(a).toMatch(/^[0-9a-f]{32}$/);
    expect(a).not.toBe(b);
    for (const name of ['one', 'two']) {
      // Asked after the step began, told before its output came here: the guest's clock is right within a second.
      const told = both.events.find(e => e.type === 'output' && e.step[0] === `${name}/qemu` && e.text.includes('TIME='))!, guest = Number(/TIME=(\d+)/.exec((told as { text: string }).text)![1]) / 1e6;
      const begun = both.events.find(e => e.type === 'step-start' && e.label === `${name}/shell-3`)!.time;
      expect(guest).toBeGreaterThan(begun - 1000);
      expect(guest).toBeLessThan(told.time + 1000);
    }
    expect(disks.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...disks)).toBeLessThan(64 * 1024 ** 2);
    // Only what the two builds came to is new in the store: no bytes.
    expect(await store.size()).toBe(stored);
  }, 240_000);

  test('a build killed while it saves leaves a store that verifies, and the next build is right', async () => {
    for (const milliseconds of [40, 250]) {
      const script = fileURLToPath(new URL('./qemu-checkpoints-program.ts', import.meta.url));
      const child = spawnSync(process.execPath, ['--import', 'tsx', script, folder, disk, String(milliseconds)], { encoding: 'utf8', timeout: 200_000, killSignal: 'SIGKILL' });
      expect([child.signal, child.error], child.stderr + child.stdout).toEqual(['SIGKILL', undefined]);
      expect((await collectGarbage(join(folder, '.bake'))).failed).toEqual([]);
      expect(await store.verify()).toMatchObject({ damaged: [], records: [] });
    }
    const next = await build(copies(folder, disk, { A: { last: 'after the kill', checkpoint: 'never' } }));
    expect([next.outcomes, next.ran('A/qemu')], next.notes).toEqual([['A/qemu done'], ['resume', 'A/shell-3', 'capture']]);
  }, 400_000);

  test('images on images: B fails, C is built all the same; the second time B goes on from its last step, D is built, nothing else', async () => {
    await build(copies(folder, disk, { A: { last: 'one', checkpoint: 'always' } }));
    const failed = await build(graph(folder, disk, 'exit 7'));
    expect([failed.exit, failed.outcomes], failed.notes).toEqual([4, ['A/qemu cached', 'B/qemu failed', 'C/qemu done', 'D/qemu skipped']]);
    const mended = await build(graph(folder, disk, 'true'));
    expect(mended.outcomes, mended.notes).toEqual(['A/qemu cached', 'B/qemu done', 'C/qemu cached', 'D/qemu done']);
    expect(mended.ran('B/qemu')).toEqual(['resume', 'B/shell-2', 'capture']);
    expect(mended.said('FOUND')).toEqual(['one B']);
    // C asked for a chain: it holds only what differs.
    const [c] = mended.targets.find(t => t.target === 'C/qemu')!.artifacts, [a] = mended.targets.find(t => t.target === 'A/qemu')!.artifacts;
    expect(c!.files[0]!.size).toBeLessThan(a!.files[0]!.size / 2);
    expect(c!.data['backing']).toBe(a!.id);
  }, 400_000);
});

/** Bytes on the disk of the layers that running machines write to. */
function tops(folder: string): number[] {
  const machines = [folder, join(folder, 'output')].flatMap(at => readdirSync(at).filter(name => /^\..*\.bake-/.test(name)).map(name => join(at, name)));
  return machines.flatMap(at => readdirSync(at).filter(name => /^disk-\d+\.qcow2$/.test(name)).map(name => statSync(join(at, name)).blocks * 512));
}
