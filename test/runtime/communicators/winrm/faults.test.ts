import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openWinrm } from '../../../../lib/runtime/communicators/winrm.js';
import type { Communicator } from '../../../../lib/runtime/driver.js';
import { Duration } from '../../../../lib/values.js';
import { type Misbehaviour, type WinrmFaultServer, winrmFaultServer } from '../../../support/winrm-fault-server.js';

let server: WinrmFaultServer, guest: Communicator;
const open = (timeout = Duration.seconds(60)): Promise<Communicator> => openWinrm({
  username: 'Administrator', password: 'x', host: '127.0.0.1', port: server.port, timeout, useSsl: false, insecure: false, useNtlm: false, noProxy: true,
}, {}, { signal: new AbortController().signal, note: () => {}, secret: () => {} });
beforeEach(async () => { server = await winrmFaultServer(); guest = await open(); });
afterEach(async () => { await guest[Symbol.asyncDispose](); await server[Symbol.asyncDispose](); });

const run = async (command = 'step'): Promise<{ readonly exit: unknown; readonly out: string }> => {
  let out = '';
  const exit = await guest.exec(command, { stdout: chunk => { out += Buffer.from(chunk).toString(); } });
  return { exit, out };
};
const works = async (): Promise<void> => { server.run(() => ({ out: 'here\n' })); expect(await run('next')).toEqual({ exit: { how: 'exited', code: 0 }, out: 'here\n' }); };

describe('a command whose start is not confirmed is never started a second time', () => {
  test.each<[string, Misbehaviour]>([
    ['the connection breaks after it was started', { drop: true, done: true }],
    ['the answer is cut off', { truncated: true, done: true }],
    ['the service says that it took too long', { fault: 'The operation timed out.', code: '2150858793', done: true }],
  ])('where %s', async (_, how) => {
    server.misbehave('Command', how);
    const { exit } = await run();
    expect(exit).toMatchObject({ how: 'disconnected', reason: expect.stringMatching(/./) });
    expect(exit).not.toHaveProperty('started');
    expect(server.started).toEqual(['step']);
    await works();
  });
});

describe('a command that was not started, and the service says so,', () => {
  test('is started in a new shell where the shell is gone', async () => {
    server.forget();
    expect(await run()).toMatchObject({ exit: { how: 'exited', code: 0 } });
    expect(server.started).toEqual(['step']);
  });
  test('is sent again after a log-in that was refused', async () => {
    server.misbehave('Command', { status: 401 });
    expect(await run()).toMatchObject({ exit: { how: 'exited', code: 0 } });
    expect(server.started).toEqual(['step']);
  });
  test('is an error in the words of the service', async () => {
    server.misbehave('Command', { fault: 'The command line is too long.', code: '87' });
    await expect(run()).rejects.toMatchObject({ code: 'WINRM_FAULT', message: 'The WinRM service of the guest does not run the command: The command line is too long.' });
    await works();
  });
});

describe('a command that runs', () => {
  test('has no exit status where the connection breaks, and is not followed into another shell', async () => {
    server.run(() => ({ out: 'begun\n', lasts: true }));
    server.misbehave('Receive', { after: 0 }, { drop: true });
    expect(await run()).toEqual({ exit: { how: 'disconnected', reason: 'the connection was closed' }, out: 'begun\n' });
    expect(server.started).toEqual(['step']);
    await works();
  });
  test.each<[string, Misbehaviour, RegExp]>([
    ['an answer that is cut off', { truncated: true, done: true }, /cut off|no SOAP|not closed|XML/],
    ['a page of a proxy', { status: 502, body: '<h1>Bad gateway</h1>' }, /HTTP 502/],
    ['a fault', { fault: 'The service is stopping.', code: '995' }, /^The service is stopping\.$/],
    ['a log-in that is refused', { status: 401 }, /refuses this user/],
  ])('has no exit status after %s', async (_, how, reason) => {
    server.misbehave('Receive', how);
    expect((await run()).exit).toMatchObject({ how: 'disconnected', reason: expect.stringMatching(reason) });
    expect(server.started).toEqual(['step']);
    await works();
  });
  test('is waited for as long as the service says that nothing has come yet', async () => {
    const nothing = { fault: 'The operation timed out.', code: '2150858793' };
    server.run(() => ({ out: 'late\n', code: 3 }));
    server.misbehave('Receive', nothing, nothing, { after: 300 });
    expect(await run()).toEqual({ exit: { how: 'exited', code: 3 }, out: 'late\n' });
  });
  test('has no exit status where its shell is gone', async () => {
    server.run(() => { server.forget(); return {}; });
    expect((await run()).exit).toMatchObject({ how: 'disconnected', reason: expect.stringContaining('not found') });
    await works();
  });
  test('ends when it is cancelled, while the service does not answer', async () => {
    const stop = new AbortController();
    server.run(() => ({ out: 'begun\n', lasts: true }));
    server.misbehave('Receive', { after: 0 }, { after: 600_000 });
    const cancelled = expect(guest.exec('step', { signal: stop.signal })).rejects.toThrow('enough');
    while (server.asked.filter(action => action === 'Receive').length < 3) await new Promise(resolve => { setTimeout(resolve, 10); });
    stop.abort(new Error('enough'));
    await cancelled;
    expect(server.asked).toContain('Delete');
    await works();
  });
});

describe('a guest that restarts in the middle', () => {
  test('leaves no exit status, and answers again when it is back', async () => {
    server.run(() => ({ out: 'going down\n', lasts: true }));
    const exit = await guest.exec('shutdown', { stdout: () => server.reboot(1500) });
    expect(exit.how).toBe('disconnected');
    await guest.reconnect({ budget: 60_000 });
    await works();
  });
  test('is not waited for longer than the budget, with the phase in the message', async () => {
    server.reboot(600_000);
    await expect(guest.reconnect({ budget: 1500 })).rejects.toMatchObject({ code: 'WINRM_TIMEOUT', message: expect.stringMatching(/No WinRM session with 127\.0\.0\.1:\d+ within \d s: /) });
  });
});

test('a service that starts up and answers nothing of use for a while is waited for', async () => {
  server.misbehave('Create', { status: 503 }, { fault: 'The service is starting.', code: '1' }, { truncated: true }, { drop: true });
  const other = await open();
  try { expect((await other.exec('step')).how).toBe('exited'); } finally { await other[Symbol.asyncDispose](); }
});
