import { describe, expect, it } from 'vitest';
import type { Event, EventBody } from '../../../lib/events.js';
import { plain } from '../../../lib/paint.js';
import { makeTree, renderTree, symbolsFor } from '../../../lib/runtime/ui/tree.js';
import { TreeState } from '../../../lib/runtime/ui/tree-state.js';
import { plainLine, truncate, widthOf } from '../../../lib/runtime/ui/text-width.js';

const look = { paint: plain, symbols: symbolsFor({ LANG: 'C' }, 'linux') };
const at = (time: number, step: string, body: EventBody): Event => ({ time, step: step === '' ? [] : step.split('|'), ...body });
const story: readonly Event[] = [
  at(0, '', { type: 'run-start', run: 'r1', targets: ['base/qemu', 'web/qemu', 'web/docker', 'db/null'], folder: '/x' }),
  at(0, 'base/qemu', { type: 'step-start', label: 'base/qemu' }),
  at(1000, 'base/qemu', { type: 'step-end', label: 'base/qemu', outcome: 'done', milliseconds: 61_000 }),
  at(1000, 'web/qemu', { type: 'step-start', label: 'web/qemu' }),
  at(2000, 'web/qemu|web/shell-2', { type: 'step-start', label: 'web/shell-2' }),
  at(2500, 'web/qemu|web/shell-2|upload', { type: 'step-start', label: 'upload' }),
  at(3000, 'web/qemu|web/shell-2|upload', { type: 'output', stream: 'stdout', text: 'first\n\x1b[32mGet:1\x1b[0m http://deb.debian.org\tbookworm\n' }),
  at(1000, 'web/docker', { type: 'step-start', label: 'web/docker' }),
  at(4000, 'web/docker', { type: 'step-end', label: 'web/docker', outcome: 'failed', milliseconds: 3000, error: { code: 'X', message: 'The script ended with code 7.\nmore' } }),
];
const told = (events: readonly Event[]): TreeState => {
  const state = new TreeState();
  for (const event of events) state.apply(event);
  return state;
};
const view = (state: TreeState, width = 80, height = 24): string[] => renderTree(state, look, { width, height, now: 5000, frame: 0 });

describe('the live view', () => {
  it('shows a line for each target: how it stands, its step, the time and the last line printed', () => {
    expect(view(told(story))).toEqual([
      '+ base/qemu   1 min 01 s',
      '| web/qemu    shell-2 > upload  3.0 s  Get:1 http://deb.debian.org    bookworm',
      'x web/docker  failed after 3.0 s: The script ended with code 7.',
      '. db/null',
    ]);
  });

  it('shows how far a long thing has come in place of the last line', () => {
    const state = told([...story, at(4500, 'web/qemu|web/shell-2|upload', { type: 'progress', what: 'disk.qcow2', done: 512 * 1024 ** 2, total: 1024 ** 3, unit: 'bytes' })]);
    expect(view(state)[1]).toBe('| web/qemu    shell-2 > upload  3.0 s  disk.qcow2 50% of 1.0 GiB');
  });

  it('stays inside the terminal, whatever its size', () => {
    for (const width of [10, 20, 40, 79]) for (const line of view(told(story), width)) expect(widthOf(line)).toBeLessThanOrEqual(Math.max(width, 24));
    const many = told([at(0, '', { type: 'run-start', run: 'r', targets: Array.from({ length: 100 }, (_, i) => `t/${i}`), folder: '' }), at(0, 't/77', { type: 'step-start', label: 't/77' })]);
    const lines = view(many, 80, 10);
    expect(lines).toHaveLength(8);
    expect(lines.some(l => l.includes('t/77'))).toBe(true);
    expect(lines.at(-1)).toBe('  and 93 waiting');
  });

  it('draws over what it drew, lets warnings scroll by, and gives the cursor back', () => {
    const written: string[] = [];
    const tree = makeTree({ write: text => written.push(text), columns: 80, rows: 24 }, look);
    for (const event of story) tree.listen(event);
    tree.listen(at(5000, 'web/qemu', { type: 'warning', message: 'It is slow.' }));
    tree.suspend();
    tree.resume();
    tree.close();
    tree.listen(at(6000, 'web/qemu', { type: 'warning', message: 'too late' }));
    const text = written.join('');
    expect(text).toContain('warning web/qemu: It is slow.\n');
    expect(text).not.toContain('too late');
    expect(text).toContain('\x1b[4A\r\x1b[J');
    expect(text.startsWith('\x1b[?25l')).toBe(true);
    expect(text.endsWith('\x1b[?25h')).toBe(true);
  });
});

describe('lines as a terminal shows them', () => {
  it('have no escapes, and of a progress bar the last picture', () => {
    expect(plainLine('\x1b[1mbold\x1b[0m\x07')).toBe('bold');
    expect(plainLine('10%\r50%\r100%\r')).toBe('100%');
  });
  it('are cut by columns, not by characters', () => {
    expect(widthOf('日本a')).toBe(5);
    expect(truncate('日本語', 5)).toBe('日本…');
    expect(truncate('abc', 3)).toBe('abc');
  });
});
