import { describe, expect, it } from 'vitest';
import { capture, endGroup, runProcess } from '../../../lib/runtime/host/process.js';
import { startOf } from '../../../lib/runtime/host/process-identity.js';

describe('programs of this computer', () => {
  it('give their output as it comes, and their exit code', async () => {
    const out: string[] = [], err: string[] = [];
    const exit = await runProcess('sh', ['-c', 'echo out; echo err >&2; exit 3'], { stdout: c => { out.push(String(c)); }, stderr: c => { err.push(String(c)); } });
    expect([exit, out.join(''), err.join('')]).toEqual([{ how: 'exited', code: 3 }, 'out\n', 'err\n']);
  });
  it('read what they are given, also where they do not want it', async () => {
    expect(await capture('cat', [], { stdin: 'hello' })).toBe('hello');
    expect(await capture('cat', [], { stdin: (async function* () { yield Buffer.from('a'); yield Buffer.from('b'); })() })).toBe('ab');
    expect(await runProcess('true', [], { stdin: 'x'.repeat(1 << 20) })).toEqual({ how: 'exited', code: 0 });
  });
  it('name the package to install where they are missing', async () => {
    await expect(capture('qemu-img-missing', [])).rejects.toMatchObject({ code: 'PROCESS_NOT_FOUND', message: `The program 'qemu-img-missing' is not installed (or not in PATH).` });
    await expect(capture('mcopy', [], { env: { PATH: '/nowhere' } })).rejects.toMatchObject({ remedy: expect.stringContaining('apt-get install mtools') });
    await expect(capture('true', [], { cwd: '/no/such/folder' })).rejects.toMatchObject({ code: 'PROCESS_NOT_STARTED', message: expect.stringContaining('/no/such/folder') });
  });
  it('say why they failed, with the end of what they said', async () => {
    await expect(capture('sh', ['-c', 'echo "no such disk" >&2; exit 2'])).rejects.toThrow('sh ended with code 2: no such disk');
  });
  it('are ended as a whole, with KILL where TERM is not enough', async () => {
    const stop = new AbortController();
    let pids: number[] = [];
    const running = runProcess('sh', ['-c', 'trap "" TERM; sleep 1000 & echo $$ $!; wait'], {
      signal: stop.signal, grace: 100, stdout: c => { pids = String(c).trim().split(' ').map(Number); stop.abort('enough'); },
    });
    await expect(running).rejects.toThrow('Cancelled: enough.');
    expect(pids).toHaveLength(2);
    expect(pids.map(startOf)).toEqual([undefined, undefined]);
  });
  it('are ended after their timeout', async () => {
    await expect(runProcess('sleep', ['1000'], { timeout: 50 })).rejects.toMatchObject({ code: 'PROCESS_TOO_LONG' });
  });
  it('are not waited for by what they left running', async () => {
    let left = 0;
    await runProcess('sh', ['-c', 'setsid sleep 1000 & echo $!'], { stdout: c => { left = Number(String(c)); } });
    expect(startOf(left)).toBeDefined();
    await endGroup(left);
    expect(startOf(left)).toBeUndefined();
  });
});
