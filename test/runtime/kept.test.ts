import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ImageBuild, NullSource, ShellLocalPostProcessor, ShellLocalProvisioner } from '../../lib/index.js';
import { collectGarbage } from '../../lib/runtime/gc.js';
import { destroyKept, keptMachines, openKept } from '../../lib/runtime/kept.js';
import { endGroup } from '../../lib/runtime/host/process.js';
import { startOf } from '../../lib/runtime/host/process-identity.js';
import { boxKinds, boxRegistry, BoxSource } from '../support/box.js';
import { program } from '../support/program.js';

const failing = (canStay = true) => program(app => {
  new ImageBuild(app, 'web', { sources: [new BoxSource({ canStay })], provisioners: [new ShellLocalProvisioner({ inline: ['exit 1'] })] });
  new ImageBuild(app, 'z', { sources: [new BoxSource()] });
});

/** The processes that boxes of this run were, from its journal as it was told in events. */
function boxesIn(folder: string, run: string): number[] {
  const journal = readFileSync(join(folder, '.bake/journal', `${run}.jsonl`), 'utf8');
  const pids = [...journal.matchAll(/"pid":(\d+)\}\}/g)].map(m => Number(m[1]));
  for (const pid of pids) onTestFinished(() => endGroup(pid));
  return pids;
}

describe('a machine kept after a failure', () => {
  it('lives on, is listed, can be entered, and is ended by destroy', async () => {
    const p = await failing(), state = join(p.folder, '.bake');
    const result = await p.run({ onFailure: 'keep', kinds: boxKinds });
    const pids = boxesIn(p.folder, result.run);
    expect(result).toMatchObject({ outcome: 'failed', exit: 4 });
    expect(result.targets.map(t => [t.target, t.outcome])).toEqual([['web/box', 'kept'], ['z/box', 'done']]);
    expect(pids.filter(pid => startOf(pid) !== undefined)).toHaveLength(1);
    const [kept, ...more] = await keptMachines(state);
    expect(more).toEqual([]);
    expect(kept).toMatchObject({ run: result.run, target: 'web/box', kind: 'source/@test/box:box', endpoint: { type: 'local' } });
    const pid = await openKept(state, result.run, undefined, boxRegistry());
    expect(startOf(pid)).toBeDefined();
    expect(await destroyKept(state, result.run, undefined, boxRegistry())).toHaveLength(1);
    expect(startOf(pid)).toBeUndefined();
    expect(existsSync(dirname(kept!.temporary))).toBe(false);
    expect(await keptMachines(state)).toEqual([]);
    await expect(destroyKept(state, result.run)).rejects.toMatchObject({ code: 'KEPT_NONE' });
  });

  it('is ended where it cannot stay', async () => {
    const p = await failing(false);
    const result = await p.run({ onFailure: 'keep', kinds: boxKinds });
    expect(result.targets[0]!.outcome).toBe('failed');
    expect(await keptMachines(join(p.folder, '.bake'))).toEqual([]);
    expect(p.events).toContainEqual(expect.objectContaining({ type: 'note', message: expect.stringContaining('cannot be kept') }));
  });

  it('is ended where it was captured already: there is nothing to look at any more', async () => {
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new BoxSource()], postProcessors: [new ShellLocalPostProcessor({ inline: ['exit 1'] })] }); });
    const result = await p.run({ onFailure: 'keep', kinds: boxKinds });
    expect(result.targets[0]).toMatchObject({ outcome: 'failed', failedStep: 'web/shell-local' });
    expect(await keptMachines(join(p.folder, '.bake'))).toEqual([]);
  });

  it('is ended without being asked for', async () => {
    const p = await failing();
    const result = await p.run({ kinds: boxKinds });
    expect(result.targets.map(t => t.outcome)).toEqual(['failed', 'done']);
    expect(p.events).toContainEqual(expect.objectContaining({ type: 'step-end', label: 'end the box', outcome: 'done' }));
  });

  it('is no garbage, unless gc is told so', async () => {
    const p = await failing(), state = join(p.folder, '.bake');
    const { run } = await p.run({ onFailure: 'keep', kinds: boxKinds });
    boxesIn(p.folder, run);
    const file = join(state, 'journal', `${run}.jsonl`), { writeFile } = await import('node:fs/promises');
    await writeFile(file, readFileSync(file, 'utf8').replace(/"start":"\d+"/, '"start":"1"'));
    expect(await collectGarbage(state, { registry: boxRegistry() })).toMatchObject({ found: [], removed: [] });
    expect(await collectGarbage(state, { registry: boxRegistry(), kept: true })).toMatchObject({ removed: [{ target: 'web/box', kept: true }], failed: [] });
  });
});

describe('a machine of a build that succeeds', () => {
  it('ends with its build', async () => {
    const p = await program(app => { new ImageBuild(app, 'a', { sources: [new BoxSource(), new NullSource()] }); });
    const result = await p.run({ kinds: boxKinds });
    expect(startOf(result.targets[0]!.outputs['pid'] as number)).toBeUndefined();
  });
});
