/** What every data source's driver promises: each implementation runs this suite. */
import { beforeEach, expect, test } from 'vitest';
import { isBakeError } from '../../lib/errors.js';
import { App } from '../../lib/index.js';
import type { DataContext } from '../../lib/runtime/driver.js';
import { synth } from '../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../support/driver-context.js';
import { ready, type ReadyComponent } from '../support/planned.js';

export interface DataFixture {
  /** Declares one that can be read. What it names is put into the folder. */
  readable(app: App, folder: string): unknown;
  /** Declares one whose answer is not there. */
  missing?(app: App, folder: string): unknown;
  /** It answers at once from what it has: there is nothing to cancel. @default false */
  readonly instant?: boolean;
}

/** Call it inside of `describe`. `type`: which data source it is; a test looks for it in the text of the tests, so that none is missed. */
export function dataContract(type: string, fixture: DataFixture): void {
  let at: DriverContext, its: ReadyComponent;
  const prepare = async (declare: (app: App, folder: string) => unknown): Promise<ReadyComponent> => {
    const app = new App(), { folder } = at;
    declare(app, folder);
    const { plan } = synth(app, { folder });
    return ready(plan, plan.data[0]!, folder);
  };
  beforeEach(async () => {
    at = await driverContext();
    its = await prepare(fixture.readable);
    return () => at.end();
  });
  const read = (what = its, more: Partial<DataContext> = {}): Promise<object> => (async () => what.driver.read(what.props, {
    signal: at.abort.signal, programFolder: at.folder, environment: process.env, note: message => { at.said.push(message); }, secret: () => {}, ...more,
  }))();

  test('it is the one that is meant', () => { expect(its.key).toBe(`data/${type}`); });
  test('what it reads is plain data, with all outputs of its kind and no others', async () => {
    const outputs = await read();
    expect(JSON.parse(JSON.stringify(outputs))).toEqual(outputs);
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining([...its.outputs]));
    expect(its.declared).toEqual(expect.arrayContaining(Object.keys(outputs)));
  });
  test('asked the same again, it says the same: what it says is recorded', async () => { expect(await read()).toEqual(await read()); });
  test('it leaves nothing', async () => {
    await read();
    expect(await at.left()).toEqual([]);
  });
  if (fixture.missing !== undefined) {
    test('where there is no answer, it says so with a remedy', async () => {
      const error = await read(await prepare(fixture.missing!)).then(outputs => { throw new Error(`it said ${JSON.stringify(outputs)}`); }, (thrown: unknown) => thrown);
      if (!isBakeError(error)) throw error;
      expect(error.message).not.toMatch(/undefined|\[object|NaN/);
      expect(error.remedy).toBeTruthy();
    });
  }
  if (!fixture.instant) {
    test('what was cancelled before it began ends with an error', async () => { await expect(read(its, { signal: AbortSignal.abort(new Error('cancelled by the test')) })).rejects.toThrow(/cancelled by the test|aborted/i); });
  }
}
