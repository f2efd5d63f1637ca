import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { makeAsk } from '../../bin/ask.js';
import { splitPatterns } from '../../bin/patterns.js';
import { columns, duration, showValue, size } from '../../bin/show.js';
import type { Terminal } from '../../bin/terminal.js';

describe('patterns', () => {
  it('are split at commas, but not inside of braces', () => expect(splitPatterns(['a,b', ' c ', '{d,e}/*,f', ''])).toEqual(['a', 'b', 'c', '{d,e}/*', 'f']));
});

describe('a planned value', () => {
  it.each([
    ['text', `'text'`], [`it's`, `"it's"`], [3, '3'], [true, 'true'], [null, 'null'], [[], '[]'], [{}, '{}'], [{ $size: 40 * 2 ** 30 }, '40 GiB'], [{ $size: 1000 }, '1000 bytes'], [{ $duration: 5_400_000 }, '1 h 30 min'],
    [{ $duration: 0 }, '0 s'], [{ $secret: 'env:X' }, 'secret env:X'], [{ $file: `sha256:${'ab'.repeat(32)}`, name: 'x.sh' }, 'x.sh (sha256:abababababab…)'], [{ $image: 'base/qemu' }, 'the image of base/qemu'],
    [{ $generated: 'out/x' }, 'out/x (made by an earlier step)'], [{ $expr: { op: 'output', target: 'a/file', output: 'path' } }, `output 'path' of 'a/file'`],
    [{ $expr: { op: 'template', parts: [{ op: 'value', value: 'a "b" ' }, { op: 'time', as: 'timestamp' }] } }, '`a "b" ${timestamp}`'], [{ a: [1, { $duration: 250 }] }, '{ a: [1, 250 ms] }'],
  ])('is shown as a person would write it: %j', (value, text) => expect(showValue(value as never)).toBe(text));
  it('has its largest whole unit', () => expect([size(1536 * 2 ** 20), size(0), duration(61_001)]).toEqual(['1536 MiB', '0 bytes', '1 min 1 s 1 ms']));
  it('stands in a column', () => expect(columns([['a', 'bb', 'c'], ['aaa', 'b']], ' ')).toEqual([' a    bb  c', ' aaa  b']));
});

describe('a question', () => {
  function person(answers: string) {
    const stdin = new PassThrough() as unknown as Terminal['stdin'] & PassThrough, stderr = new PassThrough() as unknown as Terminal['stderr'] & PassThrough;
    Object.assign(stdin, { isTTY: true });
    Object.assign(stderr, { isTTY: true });
    let said = '';
    const waiting = answers.split('');
    // A person answers when asked.
    stderr.on('data', chunk => { said += String(chunk); if (/\] $/.test(String(chunk))) stdin.write(`${nextLine(waiting)}\n`); });
    return { ask: makeAsk({ stdin, stdout: stderr, stderr, env: {}, cwd: '/' })!, said: () => said };
  }
  const nextLine = (letters: string[]): string => { const end = letters.indexOf(';'); return letters.splice(0, end < 0 ? letters.length : end + 1).join('').replace(';', ''); };
  const question = { question: 'Go on?', choices: ['continue', 'stop'], default: 'continue' };
  const { signal } = new AbortController();

  it('may be answered with the beginning of a choice, or with Enter for the default', async () => {
    const { ask, said } = person('s;');
    expect(await ask(question, signal)).toBe('stop');
    expect(said()).toContain('Go on? [CONTINUE/stop] ');
    expect(await person(';').ask(question, signal)).toBe('continue');
  });
  it('is asked again until the answer is clear', async () => expect(await person('what;stop;').ask(question, signal)).toBe('stop'));
  it('waits for the one before', async () => {
    const { ask } = person('s;c;');
    expect(await Promise.all([ask(question, signal), ask(question, signal)])).toEqual(['stop', 'continue']);
  });
  it('is not asked where there is no terminal', () => expect(makeAsk({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough(), env: {}, cwd: '/' } as unknown as Terminal)).toBeUndefined());
});
