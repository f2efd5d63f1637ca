/** What every source driver promises, whatever its platform: each implementation runs this suite. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Source } from '../../lib/constructs/component.js';
import { App, ImageBuild } from '../../lib/index.js';
import type { Artifact, Machine } from '../../lib/runtime/driver.js';
import { readJournals } from '../../lib/runtime/journal.js';
import type { AnyDriver } from '../../lib/runtime/registry.js';
import { synth } from '../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../support/driver-context.js';
import { ready } from '../support/planned.js';

export interface SourceFixture {
  /** The source to build with; `secret` is what its secrets stand for. Called once a test; files that it names are put into the folder. */
  source(folder: string): Promise<Source> | Source;
  readonly secret?: string;
  /** What the platform itself still has of this run: machines, folders. Names, for the message. */
  traces?(at: DriverContext): Promise<readonly string[]> | readonly string[];
  /** The artifact can be removed, and it shows. @default true */
  readonly lasting?: boolean;
}

/** Call it inside of `describe`. */
export function sourceContract(fixture: () => SourceFixture): void {
  let at: DriverContext, driver: AnyDriver, key: string, outputs: readonly string[], props: never, its: SourceFixture;
  beforeEach(async () => {
    its = fixture();
    at = await driverContext();
    const app = new App(), { folder } = at;
    new ImageBuild(app, 'test', { sources: [await its.source(folder) as never] });
    const { plan } = synth(app, { folder });
    ({ key, driver, props, outputs } = await ready(plan, plan.targets[0]!.source, folder, its.secret));
    return () => at.end();
  }, 600_000);

  const traces = async (): Promise<readonly string[]> => [...await at.left(), ...await its.traces?.(at) ?? []];
  async function running(): Promise<Machine> {
    const machine = await driver.start(props, at.ctx);
    const guest = await machine.connect(at.ctx);
    at.ctx.scope.defer('disconnect', async () => { await guest[Symbol.asyncDispose](); });
    return machine;
  }
  async function built(): Promise<Artifact> {
    const artifact = await (await running()).capture(props, at.ctx);
    onTestFinished(async () => { await driver.destroy?.(artifact).catch(() => {}); });
    return artifact;
  }

  test('nothing is wrong before the start', async () => { expect(await driver.preflight?.(props, at.ctx) ?? []).toEqual([]); });

  test('an artifact says what made it, has its files as it says, and all outputs of its kind, as plain data', async () => {
    const artifact = await built();
    expect(artifact.madeBy).toBe(key);
    expect(artifact.id).not.toBe('');
    expect(JSON.parse(JSON.stringify(artifact))).toEqual(artifact);
    expect(Object.keys(artifact.outputs)).toEqual(expect.arrayContaining([...outputs]));
    for (const { path, size, digest } of artifact.files) expect([statSync(path).size, `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`]).toEqual([size, digest]);
  }, 120_000);

  test('the end of the scope leaves the artifact and nothing else', async () => {
    const artifact = await built();
    await at.endScope();
    expect(await traces()).toEqual([]);
    expect(artifact.files.filter(f => !existsSync(f.path))).toEqual([]);
    if (driver.present) expect(await driver.present(artifact)).toBe(true);
  }, 120_000);

  test('what is destroyed is there no more, and may be destroyed again', async () => {
    const artifact = await built();
    await at.endScope();
    await driver.destroy?.(artifact);
    expect(artifact.files.filter(f => existsSync(f.path))).toEqual([]);
    if (driver.present && its.lasting !== false) expect(await driver.present(artifact)).toBe(false);
    await driver.destroy?.(artifact);
  }, 120_000);

  test('a failed build leaves nothing', async () => {
    await running();
    await at.endScope('failed');
    expect(await traces()).toEqual([]);
  }, 120_000);

  test('a start that is cancelled leaves nothing', async () => {
    const starting = driver.start(props, at.ctx);
    at.abort.abort(new Error('cancelled by the test'));
    await starting.then(machine => machine.connect(at.ctx)).then(guest => guest[Symbol.asyncDispose](), () => {});
    await at.endScope('cancelled');
    expect(await traces()).toEqual([]);
  }, 120_000);

  test('what a killed run wrote down is enough to remove all of it, twice if need be', async () => {
    await running();
    const entries = (await readJournals(join(at.folder, '.bake'))).flatMap(journal => journal.entries);
    for (const entry of [...entries].reverse()) {
      await driver.reap!(entry);
      await driver.reap!(entry);
    }
    expect(await its.traces?.(at) ?? []).toEqual([]);
  }, 120_000);
}
