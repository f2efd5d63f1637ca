/** What every provisioner driver promises, whatever it does in the guest: each implementation runs this suite. */
import { beforeEach, expect, test } from 'vitest';
import type { Provisioner } from '../../lib/constructs/component.js';
import { App, ImageBuild, NullSource } from '../../lib/index.js';
import { isBakeError } from '../../lib/errors.js';
import type { Communicator, Context, Endpoint, Exit } from '../../lib/runtime/driver.js';
import { synth } from '../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../support/driver-context.js';
import { ready, type ReadyComponent } from '../support/planned.js';

export interface ProvisionerFixture {
  /** Files that it names are put into the folder. */
  provisioner(folder: string): Provisioner;
  /** One that goes on until it is cancelled, where the other is done at once without a guest. */
  lasting?(folder: string): Provisioner;
  /** It does something in the guest, so that a guest that is gone is a failure. @default true */
  readonly inGuest?: boolean;
  /** The only guests that it is for; the other kind is refused. @default both */
  readonly guest?: 'unix' | 'windows';
  /** How the guest is reached by a program on this computer that works in it. `answers`: makes that program end so; `undefined`: go on for a minute. */
  readonly program?: { readonly endpoint: Endpoint; answers(folder: string, exit: Exit | undefined): void };
}

/** What every secret is in these tests. */
const secret = 'hunter2-of-the-contract';
type Asked = Communicator & { readonly asked: string[] };

/** A guest that answers every command in the same way, or hangs; what it was asked is kept. */
function guestThat(answer: Exit | undefined, guest: 'unix' | 'windows', endpoint: Endpoint): Asked {
  const asked: string[] = [];
  const reply = async (what: string, signal: AbortSignal | undefined): Promise<Exit> => {
    signal?.throwIfAborted();
    asked.push(what);
    if (answer !== undefined) return answer;
    return new Promise((_, reject) => { signal?.addEventListener('abort', () => reject(signal.reason as Error)); });
  };
  const transfer = async (...args: readonly unknown[]): Promise<void> => {
    const exit = await reply('transfer', (args.at(-1) as { readonly signal?: AbortSignal } | undefined)?.signal);
    if (exit.how !== 'exited' || exit.code !== 0) throw new Error('the guest is not there');
  };
  return {
    guest, asked, endpoint, upload: transfer, download: transfer, uploadFolder: transfer, downloadFolder: transfer,
    reconnect: async options => { options?.signal?.throwIfAborted(); throw new Error('the guest is not there'); },
    // What is tidied up after the end of a step, a guest that hangs does at once.
    exec: (command, options) => (answer === undefined && /^rm -rf? /.test(command) ? Promise.resolve({ how: 'exited', code: 0 }) : reply(command, options?.signal)),
    async [Symbol.asyncDispose]() { /* It is not there. */ },
  };
}

/** Call it inside of `describe`. */
export function provisionerContract(fixture: ProvisionerFixture): void {
  const { inGuest = true, guest: only } = fixture, own = only ?? 'unix';
  let at: DriverContext, its: ReadyComponent;
  const prepare = async (make: (folder: string) => Provisioner): Promise<ReadyComponent> => {
    const app = new App(), { folder } = at;
    new ImageBuild(app, 'test', { sources: [new NullSource({})], provisioners: [make(folder) as never] });
    const { plan } = synth(app, { folder });
    return ready(plan, plan.targets[0]!.provisioners[0]!, folder, secret);
  };
  beforeEach(async () => {
    at = await driverContext();
    its = await prepare(fixture.provisioner);
    return () => at.end();
  });
  const guestOf = (answer: Exit | undefined, kind: 'unix' | 'windows' = own): Asked => {
    fixture.program?.answers(at.folder, answer);
    return guestThat(answer, kind, fixture.program?.endpoint ?? { type: 'none' });
  };
  const run = (guest: Communicator, what = its, ctx = at.ctx): Promise<unknown> => (async () => what.driver.run(what.props, guest as never, ctx))();
  const failure = async (guest: Communicator): Promise<Error> => run(guest).then(() => { throw new Error('the step succeeded'); }, (error: unknown) => error as Error);
  const isClear = (error: Error): void => {
    expect(error.message).not.toBe('the step succeeded');
    expect(error.message).not.toMatch(/undefined|\[object|NaN| the (command|connection) was /);
    expect(error.message).not.toContain(secret);
  };

  test('says where it works', () => {
    const { effects } = its.driver, value = typeof effects === 'function' ? effects(its.props) : effects;
    expect(['guest', 'host', 'both']).toContain(value);
  });
  test('finds nothing wrong before the start, and takes props that are not known yet', async () => {
    expect(await its.driver.preflight?.(its.props, at.ctx) ?? []).toEqual([]);
    for (const name of Object.keys(its.props as object)) await its.driver.preflight?.({ ...its.props as object, [name]: undefined } as never, at.ctx);
  });
  if (inGuest) {
    test('a guest that is gone is a failure: a step has succeeded only if an exit status arrived', async () => {
      isClear(await failure(guestOf({ how: 'disconnected', reason: 'gone for the test' })));
      expect(await at.left()).toEqual([]);
    });
    test('a command that fails, or that a signal ends, fails the step, in words', async () => {
      for (const exit of [{ how: 'exited', code: 1 }, { how: 'exited', code: 127 }, { how: 'signalled', signal: 'KILL' }] as const) isClear(await failure(guestOf(exit)));
    });
  }
  test('no secret stands in a command line of the guest, nor in what is said', async () => {
    for (const exit of [{ how: 'exited', code: 0 }, { how: 'exited', code: 1 }] as const) {
      const guest = guestOf(exit);
      await run(guest).catch(isClear);
      expect([...guest.asked, ...at.said].join('\n')).not.toContain(secret);
    }
  });
  if (only !== undefined) {
    test(`a guest that is not ${only === 'unix' ? 'Unix' : 'Windows'} is refused, before anything is done`, async () => {
      const guest = guestOf({ how: 'exited', code: 0 }, only === 'unix' ? 'windows' : 'unix'), error = await failure(guest);
      expect(isBakeError(error) ? error.message : error).toMatch(/Windows/);
      expect(guest.asked).toEqual([]);
    });
  }
  test('what was cancelled before it began does nothing', async () => {
    const guest = guestOf({ how: 'exited', code: 0 });
    at.abort.abort(new Error('cancelled by the test'));
    await expect(run(guest)).rejects.toThrow('cancelled by the test');
    expect(guest.asked.filter(command => !command.startsWith('rm -rf '))).toEqual([]);
    expect(await at.left()).toEqual([]);
  });
  test('what is cancelled while it runs ends with the reason, and leaves nothing', async () => {
    // Whoever is asked something answers when all is over.
    const ask: Context['ask'] = question => new Promise(resolve => { at.abort.signal.addEventListener('abort', () => resolve(question.default)); });
    const guest = guestOf(undefined), running = run(guest, fixture.lasting ? await prepare(fixture.lasting) : its, { ...at.ctx, ask });
    const ended = expect(running).rejects.toThrow('cancelled by the test');
    await begun(async () => guest.asked.length > 0 || !inGuest || (await at.left()).length > 0);
    at.abort.abort(new Error('cancelled by the test'));
    await ended;
    expect(await at.left()).toEqual([]);
  });
}

async function begun(look: () => Promise<boolean>): Promise<void> {
  while (!await look()) await new Promise(resolve => { setTimeout(resolve, 10); });
}
