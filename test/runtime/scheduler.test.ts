import { describe, expect, it } from 'vitest';
import type { Target } from '../../lib/plan.js';
import { mapLimited, schedule, Slots } from '../../lib/runtime/scheduler.js';

const target = (path: string, ...after: string[]): Target => ({ path, after }) as unknown as Target;

/** Builds that last as long as they are told to, one tick at a time. */
async function scheduled(targets: readonly Target[], parallel: number, options: { readonly fail?: string; readonly signal?: AbortSignal; readonly onBuild?: (path: string) => void } = {}) {
  const running = new Set<string>(), seen: string[] = [];
  let most = 0;
  const results = await schedule(targets, parallel, options.signal ?? new AbortController().signal, {
    build: async ({ path }) => {
      running.add(path);
      most = Math.max(most, running.size);
      seen.push(path);
      options.onBuild?.(path);
      for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve));
      running.delete(path);
      return path === options.fail ? 'failed' : 'done';
    },
    skip: (_target, because) => `skipped because of ${because}`, cancel: () => 'cancelled', succeeded: result => result === 'done',
  });
  return { results, seen, most };
}

describe('the scheduler', () => {
  it('builds each target after those it stands on, and as many at once as it may', async () => {
    const targets = [target('a'), target('b', 'a'), target('c', 'a'), target('d', 'b', 'c'), target('e')];
    const { results, seen, most } = await scheduled(targets, 2);
    expect(results).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(most).toBe(2);
    expect(seen.indexOf('d')).toBeGreaterThan(Math.max(seen.indexOf('b'), seen.indexOf('c')));
  });

  it('does not let one that waits for its base hold a slot', async () => {
    expect((await scheduled([target('a'), target('b', 'a'), target('c')], 1)).results).toEqual(['done', 'done', 'done']);
  });

  it('skips what stands on a failure, however far above, and nothing else', async () => {
    const { results } = await scheduled([target('a'), target('b', 'a'), target('c', 'b'), target('d')], 4, { fail: 'a' });
    expect(results).toEqual(['failed', 'skipped because of a', 'skipped because of b', 'done']);
  });

  it('begins nothing after cancellation', async () => {
    const stop = new AbortController();
    const { results } = await scheduled([target('a'), target('b'), target('c', 'a')], 1, { signal: stop.signal, onBuild: () => stop.abort() });
    expect(results.slice(1)).toEqual(['cancelled', 'cancelled']);
  });

  it('knows no bases that were not chosen', async () => { expect((await scheduled([target('b', 'not-here')], 1)).results).toEqual(['done']); });
});

describe('slots', () => {
  it('are given out in the order of asking, and once for each release', async () => {
    const slots = new Slots(1), { signal } = new AbortController(), order: number[] = [];
    const first = await slots.take(signal);
    const waiting = [1, 2].map(async n => { const release = await slots.take(signal); order.push(n); release(); });
    first();
    first();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
  });

  it('are not lost by one that gave up waiting', async () => {
    const slots = new Slots(1), stop = new AbortController(), { signal } = new AbortController();
    const first = await slots.take(signal);
    const given = slots.take(stop.signal);
    stop.abort('enough');
    await expect(given).rejects.toThrow('enough');
    first();
    (await slots.take(signal))();
  });
});

it('runs over a list with a limit, results in order', async () => {
  let running = 0, most = 0;
  const out = await mapLimited([3, 1, 2], 2, async n => { most = Math.max(most, ++running); await new Promise(resolve => setTimeout(resolve, n)); running--; return n * 10; });
  expect([out, most]).toEqual([[30, 10, 20], 2]);
});
