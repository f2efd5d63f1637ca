import { describe, expect, it } from 'vitest';
import type { Event } from '../../lib/events.js';
import { RunScope } from '../../lib/runtime/run-scope.js';
import { sleep } from '../../lib/runtime/retry.js';

function makeScope(options: { readonly signal?: AbortSignal; readonly cleanupDeadline?: number; readonly cancelGrace?: number } = {}) {
  const events: Event[] = [];
  const { signal = new AbortController().signal, ...rest } = options;
  const scope = new RunScope([], signal, { emit: (step, event) => { events.push({ time: 0, step, ...event }); }, cleanupDeadline: 10_000, cancelGrace: 10_000, ...rest });
  return { scope, events, story: () => events.map(e => (e.type === 'step-start' ? `> ${e.step.join('|')}` : e.type === 'step-end' ? `< ${e.step.join('|')} ${e.outcome}` : e.type)) };
}

describe('a scope', () => {
  it('nests steps, and undoes what they deferred in reverse order', async () => {
    const { scope, story } = makeScope();
    const result = await scope.step('a', async a => {
      a.defer('undo 1', () => {});
      a.defer('undo 2', () => {});
      return a.step('b', async b => { b.defer('undo b', () => {}); return 42; });
    });
    expect(result).toBe(42);
    expect(story()).toEqual(['> a', '> a|b', '> a|b|undo b', '< a|b|undo b done', '< a|b done', '> a|undo 2', '< a|undo 2 done', '> a|undo 1', '< a|undo 1 done', '< a done']);
  });

  it('undoes after a failure too, and tells the clean-up how it ended', async () => {
    const { scope, story } = makeScope();
    let seen: unknown;
    await expect(scope.step('a', async a => { a.defer('undo', ending => { seen = ending; }); throw new Error('no'); })).rejects.toThrow('no');
    expect(seen).toMatchObject({ outcome: 'failed', error: new Error('no') });
    expect(story().at(-1)).toBe('< a failed');
  });

  it('makes warnings of clean-up errors, goes on with the rest, and keeps the result', async () => {
    const { scope, events } = makeScope();
    const undone: string[] = [];
    await expect(scope.step('a', async a => {
      a.defer('first', () => { undone.push('first'); });
      a.defer('broken', () => { throw new Error('disk gone'); });
      return 'fine';
    })).resolves.toBe('fine');
    expect(undone).toEqual(['first']);
    expect(events.find(e => e.type === 'warning')).toMatchObject({ code: 'SCOPE_CLEANUP', message: 'Clean-up did not succeed: broken: disk gone' });
  });

  it('gives up a clean-up after its deadline, and goes on', async () => {
    const { scope, events } = makeScope({ cleanupDeadline: 20 });
    let done = false;
    await scope.step('a', async a => { a.defer('after', () => { done = true; }); a.defer('hangs', () => new Promise(() => {})); });
    expect(done).toBe(true);
    expect(events.some(e => e.type === 'warning' && e.message.includes('hangs'))).toBe(true);
  });

  it('passes cancellation down, and shields clean-up from it', async () => {
    const stop = new AbortController();
    const { scope, story } = makeScope({ signal: stop.signal });
    let cleaned = false;
    const running = scope.step('a', async a => {
      a.defer('undo', async () => { await sleep(5); cleaned = true; });
      await a.step('b', async b => { stop.abort('enough'); await sleep(1e6, b.signal); });
    });
    await expect(running).rejects.toThrow('Cancelled: enough.');
    expect(cleaned).toBe(true);
    expect(story().at(-1)).toBe('< a cancelled');
  });

  it('leaves work behind that does not notice its cancellation, but only the innermost', async () => {
    const stop = new AbortController();
    const { scope } = makeScope({ signal: stop.signal, cancelGrace: 20 });
    const order: string[] = [];
    await expect(scope.step('outer', async outer => {
      outer.defer('outer', () => { order.push('outer'); });
      await outer.step('inner', async inner => {
        inner.defer('inner', async () => { await sleep(100); order.push('inner'); });
        stop.abort('enough');
        await new Promise(() => {});
      });
    })).rejects.toThrow('enough');
    expect(order).toEqual(['inner', 'outer']);
  });

  it('begins no step after cancellation', async () => {
    const { scope, story } = makeScope({ signal: AbortSignal.abort('enough') });
    await expect(scope.step('a', async () => 1)).rejects.toThrow('enough');
    expect(story()).toEqual([]);
  });

  it('ends a step after its timeout, as a failure of its own', async () => {
    const { scope, story } = makeScope();
    await expect(scope.step('a', a => sleep(1e6, a.signal), { timeout: 20, what: 'the guest' })).rejects.toThrow('for the guest, in vain');
    expect(story()).toEqual(['> a', '< a failed']);
  });
});
