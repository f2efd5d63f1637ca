import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { SshCommunicator } from '../../../lib/runtime/communicators/ssh.js';
import { connectSsh, type ConnectOptions } from '../../../lib/runtime/communicators/ssh/connect.js';
import { sshKeyPair } from '../../../lib/runtime/communicators/ssh/key-pair.js';
import { run } from '../../contracts/communicator.js';
import { type Behaviour, closedPort, type FaultServer, faultServer } from '../../support/ssh-fault-server.js';

const key = sshKeyPair('us');
const login = { user: 'root', keys: [{ privateKey: key.privateKey, from: 'of the test' }] };
let server: FaultServer | undefined, guest: SshCommunicator | undefined;
afterEach(async () => {
  await guest?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  guest = server = undefined;
});

const start = async (...behaviours: Behaviour[]): Promise<FaultServer> => server = await faultServer(...behaviours);
const connect = async (more: Partial<ConnectOptions> = {}): Promise<{ phases: string[]; error: unknown }> => {
  const phases: string[] = [];
  try {
    const { client } = await connectSsh({ address: server!, login, budget: 60_000, pace: 20, entered: phase => phases.push(phase), ...more });
    client.end();
    return { phases, error: undefined };
  } catch (error) { return { phases, error }; }
};
const open = async (more: Partial<ConnectOptions> = {}): Promise<SshCommunicator> =>
  guest = await SshCommunicator.open({ address: server!, login, budget: 60_000, pace: 20, endpoint: { type: 'none' }, ...more });

describe('waiting for a guest', () => {
  test('goes through its phases once the guest comes up: no connection, no greeting, then a login', async () => {
    await start('refuse', 'silent', 'silent', 'refuse', {});
    expect(await connect()).toEqual({ phases: ['tcp', 'banner', 'authenticated', 'ready'], error: undefined });
  });

  test('an attempt that hangs does not keep the next one waiting', async () => {
    const { connections } = await start('silent', 'silent', 'silent', {});
    await connect();
    expect(connections.length).toBe(4);
  });

  test('a server that needs seconds to greet is reached in the end: one attempt is always given longer', async () => {
    await start({ greetAfter: 2500 });
    expect((await connect()).error).toBeUndefined();
  });

  test('nothing listening: the error names the phase, the address and the last error', async () => {
    const port = await closedPort();
    const { error, phases } = await connect({ address: { host: '127.0.0.1', port }, budget: 700 });
    expect(phases).toEqual(['tcp']);
    expect(error).toMatchObject({ code: 'SSH_TIMEOUT', message: expect.stringMatching(new RegExp(`^No SSH session with 127\\.0\\.0\\.1:${port} within 1 s: nothing accepts a connection there \\(last: .*ECONNREFUSED`)) as string });
  });

  test('a port that accepts and stays silent: the phase is the greeting', async () => {
    await start('silent');
    const { error } = await connect({ budget: 1500 });
    expect(error).toMatchObject({ code: 'SSH_TIMEOUT', facts: { phase: 'banner' }, message: expect.stringContaining('the port accepts connections, but no SSH server greets (last: no answer within') as string });
  });

  test('a port that closes each connection, and one where something else listens, are told apart', async () => {
    await start('refuse');
    expect((await connect({ budget: 500 })).error).toMatchObject({ message: expect.stringContaining('accepted and closed without a greeting') as string });
    server!.behave('http');
    expect((await connect({ budget: 500 })).error).toMatchObject({ message: expect.stringContaining(`what answers is no SSH server: 'HTTP/1.1 400`) as string });
  });

  test('a greeting without a handshake: the phase is the login, and the handshake has its own budget', async () => {
    await start('banner-only', 'banner-only', {});
    expect((await connect({ handshake: 300 })).error).toBeUndefined();
    server!.behave('banner-only');
    expect((await connect({ handshake: 200, budget: 1000 })).error).toMatchObject({ code: 'SSH_TIMEOUT', facts: { phase: 'authenticated' } });
  });

  test('one phase can have a budget of its own', async () => {
    await start('silent');
    expect((await connect({ budgets: { banner: 500 } })).error).toMatchObject({ code: 'SSH_TIMEOUT', facts: { phase: 'banner' } });
  });

  test('the address is asked for until it is known', async () => {
    await start({});
    let asked = 0;
    const { phases, error } = await connect({ address: async () => { asked += 1; if (asked === 1) throw new Error('throttled'); return asked < 3 ? undefined : server; } });
    expect([phases, error, asked]).toEqual([['address', 'tcp', 'authenticated', 'ready'], undefined, 3]);
    expect((await connect({ address: async () => undefined, budget: 300 })).error).toMatchObject({ message: expect.stringContaining('the guest has no address yet') as string });
  });

  test('cancelling ends the wait at once, in every phase, with the reason given', async () => {
    for (const behaviour of ['silent', 'banner-only', 'refuse', { refuseLogin: true }] as const) {
      await start(behaviour);
      const stop = new AbortController(), waiting = connect({ signal: stop.signal, attempts: 1000 });
      await sleep(150);
      stop.abort(new Error('cancelled by the test'));
      expect((await waiting).error).toMatchObject({ message: 'cancelled by the test' });
      await server![Symbol.asyncDispose]();
    }
  });
});

describe('logging in', () => {
  test('refused again and again by the same server: given up early, with what was tried and what is offered', async () => {
    const { logins } = await start({ refuseLogin: true });
    const { error } = await connect({ attempts: 3, login: { ...login, password: 'wrong' } });
    expect(error).toMatchObject({
      code: 'SSH_REFUSED', message: `127.0.0.1:${server!.port} refused to log in 'root' 3 times. Tried: publickey ${key.fingerprint} (of the test), password. It offers: publickey, password.`,
    });
    expect(logins.filter(l => l.startsWith('password')).length).toBe(3);
  });

  test('refused by servers that differ: it is another machine each time, as while an installer runs, and the wait goes on', async () => {
    await start({ refuseLogin: true, hostKey: sshKeyPair('1') }, { refuseLogin: true, hostKey: sshKeyPair('2') }, { refuseLogin: true, hostKey: sshKeyPair('3') }, {});
    expect((await connect({ attempts: 2 })).error).toBeUndefined();
  });

  test('refused while an installer may still be running: its own server knows other users, and the wait goes on until it has restarted the machine', async () => {
    await start({ refuseLogin: true, hostKey: sshKeyPair('1') });
    let runs = true;
    const waiting = connect({ attempts: 2, pace: 20, login: { ...login, password: 's3cret' }, patient: () => runs });
    while (server!.logins.length < 8) await sleep(20);
    server!.behave({ hostKey: sshKeyPair('2'), password: 'root:s3cret' });
    expect((await waiting).error).toBeUndefined();
    server!.behave({ refuseLogin: true });
    runs = false;
    expect((await connect({ attempts: 2, pace: 20, patient: () => runs })).error).toMatchObject({ code: 'SSH_REFUSED' });
  });

  test('refused because the guest is still booting: that does not count', async () => {
    const booting = { refuseLogin: true, say: 'System is booting up. Unprivileged users are not permitted to log in yet.' } as const;
    await start(booting, booting, booting, {});
    expect((await connect({ attempts: 2 })).error).toBeUndefined();
  });

  test('another host key than the one we gave the guest is refused, and nothing is sent to it', async () => {
    const { logins, hostKey } = await start({});
    const ours = sshKeyPair('ours');
    expect((await connect({ login: { ...login, hostKey: ours.publicKey } })).error).toMatchObject({
      code: 'SSH_HOST_KEY', message: expect.stringContaining(`shows the host key ${hostKey.fingerprint}, and not ${ours.fingerprint}`) as string,
    });
    expect(logins).toEqual([]);
  });

  test('where an installer has its own server first, another host key is waited out; it is never logged in to', async () => {
    const ours = sshKeyPair('ours');
    const { logins } = await start({}, {}, { hostKey: ours });
    expect((await connect({ login: { ...login, hostKey: ours.publicKey }, otherHostKey: 'wait' })).error).toBeUndefined();
    // ssh2 asks whether the key would do before it signs.
    expect(new Set(logins)).toEqual(new Set(['publickey root']));
    server!.behave({});
    expect((await connect({ login: { ...login, hostKey: ours.publicKey }, otherHostKey: 'wait', budget: 500 })).error).toMatchObject({ code: 'SSH_TIMEOUT', message: expect.stringContaining('shows the host key') as string, remedy: expect.stringContaining('cloud-init, or systemd 252') as string });
  });

  test('by password, also where the server asks for it interactively', async () => {
    await start({ password: 'root:s3cret' });
    expect((await connect({ login: { user: 'root', keys: [], password: 's3cret' } })).error).toBeUndefined();
    server!.behave({ password: 'root:s3cret', interactive: true });
    expect((await connect({ login: { user: 'root', keys: [], password: 's3cret' } })).error).toBeUndefined();
  });

  test('a key that cannot be read is an error before anything is sent', async () => {
    await start({});
    expect((await connect({ login: { user: 'root', keys: [{ privateKey: 'no key', from: '/keys/mine' }] } })).error).toMatchObject({ code: 'SSH_PRIVATE_KEY', message: expect.stringContaining('/keys/mine') as string });
  });

  test('a server without a common algorithm is named as such', async () => {
    await start({});
    expect((await connect({ attempts: 1, login: { ...login, ciphers: ['aes128-cbc'] } })).error).toMatchObject({ code: 'SSH_REFUSED', message: expect.stringMatching(/no matching .*cipher/i) as string });
  });

  test('a login that leads to no command is not ready', async () => {
    await start({ maxChannels: 0 });
    expect((await connect({ budget: 800, ready: async () => { throw new Error('no shell'); } })).error).toMatchObject({ code: 'SSH_TIMEOUT', facts: { phase: 'ready' }, message: expect.stringContaining('no shell') as string });
  });
});

describe('a command', () => {
  test('without an exit status has not succeeded, though the connection lives', async () => {
    await start({ run: (_command, channel) => { channel.write('half done\n'); channel.close(); } });
    await open();
    expect(await run(guest!, 'x')).toMatchObject({ exit: { how: 'disconnected', reason: 'the channel was closed without an exit status' }, out: 'half done\n' });
  });

  test('whose connection drops has not succeeded, and the reason is told', async () => {
    await start({ run: (_command, channel) => { channel.write('line 1\nline 2\nline 3\n'); setTimeout(() => server!.drop(), 100); } });
    await open();
    expect(await run(guest!, 'x')).toMatchObject({ exit: { how: 'disconnected' }, out: 'line 1\nline 2\nline 3\n' });
  });

  test('on a dead connection ends when the guest has been silent for too long', async () => {
    await start({ run: () => { /* a black hole */ } });
    guest = await SshCommunicator.open({ address: server!, login, budget: 60_000, endpoint: { type: 'none' }, silence: 400 });
    expect((await guest.exec('x'))).toMatchObject({ how: 'disconnected', reason: expect.stringContaining('0.4 s') as string });
  });

  test('that had not begun when the connection was found dead is told apart from one that had', async () => {
    await start({});
    await open();
    await server![Symbol.asyncDispose]();
    while ((await guest!.exec('x', { signal: AbortSignal.timeout(20_000) }).catch(() => ({ how: 'retry' as const }))).how === 'exited');
    const stop = AbortSignal.timeout(1500);
    const exit = await guest!.exec('x', { signal: stop }).catch(() => 'cancelled');
    expect(['cancelled', { how: 'disconnected', started: false }]).toContainEqual(exit);
  });

  test('finds another machine at the address after the connection was lost: refused', async () => {
    await start({});
    await open();
    server!.behave({ hostKey: sshKeyPair('someone else') });
    server!.drop();
    await sleep(50);
    expect(await guest!.exec('x')).toMatchObject({ how: 'disconnected', started: false, reason: expect.stringContaining('not the machine') as string });
  });

  test('waits for its turn where the server allows one channel only', async () => {
    await start({ maxChannels: 1, run: (_command, channel) => { setTimeout(() => { channel.exit(0); channel.end(); }, 20); } });
    await open();
    expect(await Promise.all(Array.from({ length: 5 }, () => guest!.exec('x')))).toEqual(Array.from({ length: 5 }, () => ({ how: 'exited', code: 0 })));
  });

  test('that prints faster than it is read is slowed down', async () => {
    let written = 0;
    await start({
      run: (_command, channel) => {
        const more = (): void => {
          for (;;) {
            if (written >= 50_000_000) { channel.exit(0); channel.end(); return; }
            written += 65_536;
            if (!channel.write(Buffer.alloc(65_536))) { channel.once('drain', more); return; }
          }
        };
        more();
      },
    });
    await open();
    let first = true, ahead = 0;
    await guest!.exec('x', { stdout: async () => { if (first) { first = false; await sleep(500); ahead = written; } } });
    expect(ahead).toBeLessThan(20_000_000);
  });
});
