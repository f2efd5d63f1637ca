import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSsh, sshDefaults, type SshProps } from '../../../lib/runtime/communicators/open.js';
import type { SshCommunicator } from '../../../lib/runtime/communicators/ssh.js';
import { run } from '../../contracts/communicator.js';
import { requires } from '../../support/machine.js';
import { httpProxy, socksProxy } from '../../support/proxies.js';
import { closedPort } from '../../support/ssh-fault-server.js';
import { startSshd, type TestSshd } from '../../support/sshd.js';

requires('sshd', 'ssh')('the ways to a guest', () => {
  let sshd: TestSshd, folder: string, key: string;
  const guests: SshCommunicator[] = [];
  beforeAll(async () => { sshd = await startSshd(); });
  afterAll(() => sshd[Symbol.asyncDispose]());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bake-routes-'));
    key = join(folder, 'key');
    writeFileSync(key, sshd.key.privateKey, { mode: 0o600 });
  });
  afterEach(async () => {
    for (const guest of guests.splice(0)) await guest[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const open = async (props: Partial<SshProps>, to = sshd): Promise<SshCommunicator> => {
    const guest = await openSsh({ ...sshDefaults, username: sshd.user, privateKeyFile: key, host: to.host, port: to.port, hostKey: to.hostKey.publicKey, timeout: { $duration: 30_000 }, handshakeAttempts: 2, ...props } as SshProps, {}, {
      temporaryFolder: folder, signal: new AbortController().signal, note: () => {},
    });
    guests.push(guest);
    return guest;
  };
  const works = async (guest: SshCommunicator): Promise<void> => { expect((await run(guest, 'echo works')).out).toBe('works\n'); };
  const without = { privateKeyFile: undefined } as unknown as Partial<SshProps>;

  describe('by the keys of an agent', () => {
    test('which can be forwarded to the guest, or not', async () => {
      const agent = spawn('ssh-agent', ['-D', '-a', join(folder, 'agent')], { stdio: 'ignore' });
      const before = process.env['SSH_AUTH_SOCK'];
      try {
        await expect.poll(() => { try { execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: join(folder, 'agent') }, stdio: 'ignore' }); return true; } catch { return false; } }, { timeout: 20_000 }).toBe(true);
        process.env['SSH_AUTH_SOCK'] = join(folder, 'agent');
        const forwarded = await open({ ...without, agentAuth: true });
        expect((await run(forwarded, 'ssh-add -l')).out).toContain(sshd.key.fingerprint);
        const kept = await open({ ...without, agentAuth: true, disableAgentForwarding: true });
        expect((await run(kept, 'echo "${SSH_AUTH_SOCK:-none}"')).out).toBe('none\n');
      } finally {
        if (before === undefined) delete process.env['SSH_AUTH_SOCK']; else process.env['SSH_AUTH_SOCK'] = before;
        agent.kill();
      }
    });
    test('of which there is none: an error that says what to do', async () => {
      const before = process.env['SSH_AUTH_SOCK'];
      delete process.env['SSH_AUTH_SOCK'];
      try { await expect(open({ agentAuth: true })).rejects.toMatchObject({ code: 'SSH_NO_AGENT' }); } finally { if (before !== undefined) process.env['SSH_AUTH_SOCK'] = before; }
    });
  });

  describe('with a certificate', () => {
    test.each([['ed25519', []], ['ecdsa', ['-b', '256']], ['ecdsa', ['-b', '521']], ['rsa', ['-b', '2048']]] as const)('for a key of type %s %j', async (type, bits) => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ca')]);
      execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-m', 'PEM', '-N', '', '-f', join(folder, 'user')]);
      execFileSync('ssh-keygen', ['-q', '-s', join(folder, 'ca'), '-I', 'test', '-n', sshd.user, join(folder, 'user.pub')]);
      await using trusting = await startSshd({ config: [`TrustedUserCAKeys ${join(folder, 'ca.pub')}`] });
      const guest = await open({ privateKeyFile: join(folder, 'user'), certificateFile: join(folder, 'user-cert.pub') }, trusting);
      await works(guest);
      expect(trusting.log()).toContain('Accepted publickey');
      await expect(open({ privateKeyFile: join(folder, 'user') }, trusting)).rejects.toMatchObject({ code: 'SSH_REFUSED' });
      await guest[Symbol.asyncDispose]();
    });
    test('that is none, or for another key: an error before anything is sent', async () => {
      await expect(open({ certificateFile: key })).rejects.toMatchObject({ code: 'SSH_CERTIFICATE' });
    });
  });

  describe('through a bastion', () => {
    test('and a second behind it, each with its own login; other programs find a door', async () => {
      await using first = await startSshd(); await using second = await startSshd({ authorized: [first.key.publicKey] });
      writeFileSync(join(folder, 'bastion'), first.key.privateKey, { mode: 0o600 });
      const guest = await open({ bastionHost: first.host, bastionPort: first.port, bastionPrivateKeyFile: join(folder, 'bastion'), bastionHostKey: first.hostKey.publicKey, bastionChain: [`${sshd.user}@127.0.0.1:${second.port}`] });
      await works(guest);
      expect([first.connections(), second.connections()]).toEqual([1, 1]);
      await guest.reconnect({ budget: 30_000 });
      await works(guest);
      const { endpoint } = guest;
      if (endpoint.type !== 'ssh') throw new Error(endpoint.type);
      // Not synchronously: the door is in this process.
      expect((await promisify(execFile)('ssh', ['-F', '/dev/null', '-p', String(endpoint.port), '-i', endpoint.identityFile!, '-o', `UserKnownHostsFile=${endpoint.knownHostsFile}`, '-o', 'BatchMode=yes', `${endpoint.user}@${endpoint.host}`, 'echo by hand'])).stdout).toBe('by hand\n');
      await guest[Symbol.asyncDispose]();
    });
    test('that refuses us, or is not who it should be: found at once, and named', async () => {
      await using bastion = await startSshd();
      await expect(open({ bastionHost: bastion.host, bastionPort: bastion.port, bastionPassword: 'wrong' })).rejects.toMatchObject({ code: 'SSH_BASTION', message: expect.stringContaining(`The bastion 127.0.0.1:${bastion.port} lets us not in`) as string });
      await expect(open({ bastionHost: bastion.host, bastionPort: bastion.port, bastionPrivateKeyFile: key, bastionHostKey: sshd.hostKey.publicKey })).rejects.toMatchObject({ code: 'SSH_BASTION', message: expect.stringContaining('host key') as string });
      await expect(open({ bastionHost: 'x', bastionChain: ['no host at all'] })).rejects.toMatchObject({ code: 'SSH_HOP' });
    });
    test('is used again when the guest is connected to anew after it was lost', async () => {
      await using bastion = await startSshd({ authorized: [sshd.key.publicKey] });
      const guest = await open({ bastionHost: bastion.host, bastionPort: bastion.port });
      bastion.drop();
      await expect.poll(async () => (await run(guest, 'echo works')).out, { timeout: 30_000 }).toBe('works\n');
      await guest[Symbol.asyncDispose]();
    });
  });

  describe('through a proxy', () => {
    test('of HTTP, with a name and a password', async () => {
      await using proxy = await httpProxy('me:p w');
      await works(await open({ proxyType: 'http', proxyHost: proxy.host, proxyPort: proxy.port, proxyUsername: 'me', proxyPassword: 'p w' }));
      expect(proxy.asked).toEqual([`127.0.0.1:${sshd.port}`]);
      await expect(open({ proxyType: 'http', proxyHost: proxy.host, proxyPort: proxy.port })).rejects.toMatchObject({ code: 'PROXY_LOGIN', message: expect.stringContaining('asks for a name') as string });
    });
    test('of SOCKS, with a name and a password', async () => {
      await using proxy = await socksProxy('me:pw');
      await works(await open({ proxyHost: proxy.host, proxyPort: proxy.port, proxyUsername: 'me', proxyPassword: 'pw' }));
      await expect(open({ proxyHost: proxy.host, proxyPort: proxy.port, proxyUsername: 'me', proxyPassword: 'wrong' })).rejects.toMatchObject({ code: 'PROXY_LOGIN' });
      await expect(open({ proxyHost: proxy.host, proxyPort: proxy.port })).rejects.toMatchObject({ code: 'PROXY_LOGIN' });
    });
    test('of SOCKS that is OpenSSH\'s own (ssh -D), and a bastion behind it', async () => {
      const port = await closedPort();
      const socks = spawn('ssh', ['-F', '/dev/null', '-N', '-D', `127.0.0.1:${port}`, '-p', String(sshd.port), '-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', `${sshd.user}@${sshd.host}`], { stdio: 'ignore' });
      try {
        await expect.poll(() => new Promise(resolve => { const probe = connect(port, '127.0.0.1', () => { probe.destroy(); resolve(true); }).on('error', () => resolve(false)); }), { timeout: 20_000 }).toBe(true);
        await works(await open({ proxyHost: '127.0.0.1', proxyPort: port }));
        await works(await open({ proxyHost: '127.0.0.1', proxyPort: port, bastionHost: sshd.host, bastionPort: sshd.port }));
      } finally { socks.kill(); }
    });
    test('that is none: an error that says so', async () => {
      await expect(open({ proxyHost: sshd.host, proxyPort: sshd.port, proxyType: 'http' })).rejects.toMatchObject({ code: 'PROXY_PROTOCOL' });
    });
  });

  describe('with tunnels', () => {
    const serve = async (text: string): Promise<{ port: number; close(): void }> => {
      const server = createServer((_request, response) => { response.end(text); });
      await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
      return { port: (server.address() as AddressInfo).port, close: () => { server.closeAllConnections(); server.close(); } };
    };
    test('from a port here to the guest\'s net, and from a port there to ours', async () => {
      const server = await serve('through'), here = await closedPort(), there = await closedPort();
      try {
        const guest = await open({ localTunnels: [`${here}:localhost:${server.port}`], remoteTunnels: [`${there}:127.0.0.1:${server.port}`] });
        expect(await (await fetch(`http://127.0.0.1:${here}/`)).text()).toBe('through');
        const there1 = `bash -c 'exec 3<>/dev/tcp/127.0.0.1/${there}; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3'`;
        expect((await run(guest, there1)).out).toContain('through');
        await guest.reconnect({ budget: 30_000 });
        expect(await (await fetch(`http://127.0.0.1:${here}/`)).text()).toBe('through');
        expect((await run(guest, there1)).out).toContain('through');
      } finally { server.close(); }
    });
    test('that cannot be: an error at once', async () => {
      await expect(open({ localTunnels: ['80'] })).rejects.toMatchObject({ code: 'SSH_TUNNEL' });
      await expect(open({ localTunnels: [`${sshd.port}:localhost:80`] })).rejects.toMatchObject({ code: 'SSH_TUNNEL_OPEN', message: expect.stringContaining('EADDRINUSE') as string });
      await using closed = await startSshd({ config: ['AllowTcpForwarding no'], authorized: [sshd.key.publicKey] });
      await expect(open({ remoteTunnels: [`${await closedPort()}:localhost:80`] }, closed)).rejects.toMatchObject({ code: 'SSH_TUNNEL_OPEN' });
    });
  });

  test('with the ciphers and key exchange methods that the user names', async () => {
    await using strict = await startSshd({ config: ['Ciphers aes256-ctr', 'KexAlgorithms ecdh-sha2-nistp384', 'MACs hmac-sha2-512'], authorized: [sshd.key.publicKey] });
    await works(await open({ ciphers: ['aes256-ctr'], keyExchangeAlgorithms: ['ecdh-sha2-nistp384'] }, strict));
    await expect(open({ ciphers: ['aes128-gcm@openssh.com'] }, strict)).rejects.toMatchObject({ code: 'SSH_REFUSED', message: expect.stringMatching(/no matching/i) as string });
  });
  test('and waiting a while before the connection that is used', async () => {
    const before = sshd.connections();
    await works(await open({ pauseBeforeConnecting: { $duration: 50 } }));
    expect(sshd.connections() - before).toBe(2);
  });
  test('leaving known_hosts with which ssh trusts the guest', async () => {
    const guest = await open({});
    expect(readFileSync((guest.endpoint as { readonly knownHostsFile: string }).knownHostsFile, 'utf8')).toContain(sshd.hostKey.blob);
  });
});
