import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { type Clock, retry, soon, waitFor, within } from '../../lib/runtime/retry.js';

/** A clock that runs as fast as it is waited on. */
function makeClock(): Clock & { readonly slept: number[] } {
  let time = 0;
  const slept: number[] = [];
  return { slept, now: () => time, sleep: async milliseconds => { slept.push(milliseconds); time += milliseconds; } };
}
const failing = (times: number) => async (attempt: number): Promise<string> => { if (attempt <= times) throw new Error(`refused ${attempt}`); return 'there'; };

describe('trying again', () => {
  it('doubles the pause, up to a limit', async () => {
    const clock = makeClock();
    expect(await retry(failing(5), { what: 'x', pause: 100, maxPause: 500, clock })).toBe('there');
    expect(clock.slept).toEqual([100, 200, 400, 500, 500]);
  });
  it('ends with its budget, and says what it waited for and what the last try said', async () => {
    await expect(retry(failing(1e9), { what: 'the SSH port of 127.0.0.1', budget: 1000, pause: 100, factor: 1, clock: makeClock() }))
      .rejects.toThrow('Waited 0.9 s for the SSH port of 127.0.0.1, in vain. The last try said: refused 10');
  });
  it('ends with its attempts, with the last error itself', async () => {
    await expect(retry(failing(9), { what: 'x', attempts: 3, clock: makeClock() })).rejects.toThrow('refused 3');
  });
  it('does not repeat what is not worth it', async () => {
    const clock = makeClock();
    await expect(retry(failing(9), { what: 'x', retryIf: () => false, clock })).rejects.toThrow('refused 1');
    expect(clock.slept).toEqual([]);
  });
  it('is cancelled in a pause, and during a try', async () => {
    const stop = new AbortController();
    const pausing = retry(failing(9), { what: 'x', pause: 1e6, signal: stop.signal, onRetry: () => stop.abort('enough') });
    await expect(pausing).rejects.toThrow('Cancelled: enough.');
    await expect(retry(failing(0), { what: 'x', signal: AbortSignal.abort('before') })).rejects.toThrow('Cancelled: before.');
  });
  it('waits until something is found', async () => {
    let looks = 0;
    expect(await waitFor(async () => (++looks < 4 ? undefined : looks), { what: 'x', clock: makeClock() })).toBe(4);
  });
});

describe('a budget', () => {
  it('aborts the work, and says what took too long', async () => {
    await expect(within(20, 'the copy', new AbortController().signal, signal => new Promise((_resolve, reject) => { signal.addEventListener('abort', () => reject(new Error('aborted'))); })))
      .rejects.toThrow('Waited 0 s for the copy, in vain.');
  });
  it('leaves work behind that does not notice, after the grace', async () => {
    await expect(within(10, 'the copy', new AbortController().signal, () => new Promise(() => {}), 10)).rejects.toThrow('the copy');
  });
  it('is no limit where there is none', async () => { expect(await within(undefined, 'x', new AbortController().signal, async () => 1)).toBe(1); });
});

test('a time limit comes though nobody holds on to it while garbage is collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void, never = new AbortController();
  const late = new Promise<string>(resolve => { const signal = soon(200, never.signal, undefined); signal.addEventListener('abort', () => resolve((signal.reason as Error).name), { once: true }); });
  const collecting = setInterval(collect, 20);
  onTestFinished(() => clearInterval(collecting));
  expect(await late).toBe('TimeoutError');
  expect(soon(60_000, AbortSignal.abort('mine')).reason).toBe('mine');
});
