/** What every provisioner driver promises, whatever it does in the guest: each implementation runs this suite. */
import { beforeEach, expect, test } from 'vitest';
import type { Provisioner } from '../../lib/constructs/component.js';
import { App, ImageBuild, NullSource } from '../../lib/index.js';
import { isBakeError } from '../../lib/errors.js';
import type { Communicator, Exit } from '../../lib/runtime/driver.js';
import { synth } from '../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../support/driver-context.js';
import { ready, type ReadyComponent } from '../support/planned.js';

export interface ProvisionerFixture {
  /** Files that it names are put into the folder. */
  provisioner(folder: string): Provisioner;
  /** It does something in the guest, so that a guest that is gone is a failure. @default true */
  readonly inGuest?: boolean;
  /** A guest that runs Windows is refused. @default true for what works in the guest */
  readonly unixOnly?: boolean;
}

/** A guest that answers every command in the same way; what it was asked is kept. */
function guestThat(answers: () => Exit, guest: 'unix' | 'windows' = 'unix'): Communicator & { readonly asked: string[] } {
  const asked: string[] = [], refuse = async (...args: readonly unknown[]): Promise<never> => {
    (args.at(-1) as { readonly signal?: AbortSignal } | undefined)?.signal?.throwIfAborted();
    asked.push('transfer');
    throw new Error('the guest is not there');
  };
  return {
    guest, asked, endpoint: { type: 'none' }, upload: refuse, download: refuse, uploadFolder: refuse, downloadFolder: refuse, reconnect: refuse,
    exec: async (command, options) => { options?.signal?.throwIfAborted(); asked.push(command); return answers(); }, async [Symbol.asyncDispose]() { /* It is not there. */ },
  };
}

/** Call it inside of `describe`. */
export function provisionerContract(fixture: ProvisionerFixture): void {
  let at: DriverContext, its: ReadyComponent;
  beforeEach(async () => {
    at = await driverContext();
    const app = new App(), { folder } = at;
    new ImageBuild(app, 'test', { sources: [new NullSource({})], provisioners: [fixture.provisioner(folder) as never] });
    const { plan } = synth(app, { folder });
    its = await ready(plan, plan.targets[0]!.provisioners[0]!, folder);
    return () => at.end();
  });
  const run = (guest: Communicator): Promise<unknown> => (async () => its.driver.run(its.props, guest as never, at.ctx))();
  const failure = async (guest: Communicator): Promise<Error> => run(guest).then(() => { throw new Error('the step succeeded'); }, (error: unknown) => error as Error);
  const inGuest = fixture.inGuest ?? true;

  test('says where it works', () => {
    const { effects } = its.driver, value = typeof effects === 'function' ? effects(its.props) : effects;
    expect(['guest', 'host', 'both']).toContain(value);
  });
  if (inGuest) {
    test('a guest that is gone is a failure: a step has succeeded only if an exit status arrived', async () => {
      const error = await failure(guestThat(() => ({ how: 'disconnected', reason: 'gone for the test' })));
      expect(error.message).not.toBe('the step succeeded');
      expect(await at.left()).toEqual([]);
    });
    test('a command that fails, or that a signal ends, fails the step, in words', async () => {
      for (const exit of [{ how: 'exited', code: 1 }, { how: 'signalled', signal: 'KILL' }] as const) {
        const error = await failure(guestThat(() => exit));
        expect(error.message).not.toBe('the step succeeded');
        expect(error.message).not.toMatch(/undefined|\[object/);
      }
    });
  }
  if (fixture.unixOnly ?? inGuest) {
    test('a guest that runs Windows is refused, before anything is done', async () => {
      const guest = guestThat(() => ({ how: 'exited', code: 0 }), 'windows'), error = await failure(guest);
      expect(isBakeError(error) ? error.message : error).toMatch(/Windows/);
      expect(guest.asked).toEqual([]);
    });
  }
  test('what was cancelled before it began does nothing', async () => {
    const guest = guestThat(() => ({ how: 'exited', code: 0 }));
    at.abort.abort(new Error('cancelled by the test'));
    await expect(run(guest)).rejects.toThrow('cancelled by the test');
    expect(guest.asked.filter(command => !command.startsWith('rm -rf '))).toEqual([]);
    expect(await at.left()).toEqual([]);
  });
}
