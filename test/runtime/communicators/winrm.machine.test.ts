import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dialTcp } from '../../../lib/runtime/communicators/ssh/banner.js';
import { openWinrm, WinrmCommunicator, type WinrmProps, type WinrmReach } from '../../../lib/runtime/communicators/winrm.js';
import { kindScript } from '../../../lib/runtime/communicators/windows-scripts.js';
import type { Communicator } from '../../../lib/runtime/driver.js';
import { powershellCommand } from '../../../lib/runtime/guest/powershell.js';
import { Duration } from '../../../lib/values.js';
import { communicatorContract, run } from '../../contracts/communicator.js';
import { requires } from '../../support/machine.js';
import { startWinrmServer, type WinrmServer, type WinrmServerSettings } from '../../support/winrm/server.js';

const user = 'Administrator', password = 'pass word;"ü';
const settings: WinrmServerSettings = { user, password, auth: ['ntlm'] };
const open = (server: WinrmServer, more: Partial<WinrmProps> = {}, reach: WinrmReach = {}): Promise<Communicator> => openWinrm({
  username: user, password, host: '127.0.0.1', port: server.port, timeout: Duration.seconds(60), useSsl: false, insecure: false, useNtlm: true, noProxy: true, ...more,
}, reach, { signal: new AbortController().signal, note: () => {}, secret: () => {} });

requires('pyspnego')('winrm, with NTLM over http', () => {
  describe('the contract', () => {
    communicatorContract(async () => {
      const server = await startWinrmServer(settings), guest = await open(server), folder = mkdtempSync(join(tmpdir(), 'bake-winrm-'));
      return { guest, folder, drop: () => server.order('drop-reading'), close: async () => { await guest[Symbol.asyncDispose](); await server[Symbol.asyncDispose](); rmSync(folder, { recursive: true, force: true }); } };
    }, { groups: ['commands', 'connection'] });
  });

  describe('files', () => {
    let server: WinrmServer, guest: Communicator, local: string, remote: string;
    beforeAll(async () => {
      server = await startWinrmServer(settings);
      guest = await open(server);
      local = mkdtempSync(join(tmpdir(), 'bake-winrm-'));
      remote = join(local, 'guest');
    });
    afterAll(async () => { await guest?.[Symbol.asyncDispose](); await server?.[Symbol.asyncDispose](); rmSync(local, { recursive: true, force: true }); });
    const at = (path: string): string => join(remote, path);

    test('go there and back unchanged: empty, binary, from memory and from a file; parents are made', async () => {
      const bytes = randomBytes(300_001);
      writeFileSync(join(local, 'bytes'), bytes);
      await guest.upload(join(local, 'bytes'), at('a/b/bytes'));
      await guest.upload(bytes, at('a/memory'));
      await guest.upload(Buffer.alloc(0), at('empty'));
      expect([readFileSync(at('a/b/bytes')).equals(bytes), readFileSync(at('a/memory')).equals(bytes), statSync(at('empty')).size]).toEqual([true, true, 0]);
      await guest.download(at('a/b/bytes'), join(local, 'x/back'));
      await guest.download(at('empty'), join(local, 'x/empty'));
      expect([readFileSync(join(local, 'x/back')).equals(bytes), statSync(join(local, 'x/empty')).size]).toEqual([true, 0]);
    });
    test('of names with spaces, quotes, unicode and what shells take for special', async () => {
      for (const [i, name] of [`with space`, `it's`, `l\u2018uni\u2019s`, 'ünï 雪 🙂', `$HOME;&^%PATH%[a]`, '-dash'].entries()) {
        await guest.upload(Buffer.from(`content ${i}`), at(`awkward/${name}`));
        await guest.download(at(`awkward/${name}`), join(local, `awkward-${i}`));
        expect([readFileSync(at(`awkward/${name}`), 'utf8'), readFileSync(join(local, `awkward-${i}`), 'utf8')]).toEqual([`content ${i}`, `content ${i}`]);
      }
    });
    test('that Windows cannot have are refused by name, before anything is sent', async () => {
      await expect(guest.upload(Buffer.from('x'), 'C:/a/what?.txt')).rejects.toMatchObject({ code: 'TRANSFER_NAMES', message: expect.stringContaining('what?.txt') as string });
      mkdirSync(join(local, 'bad'));
      for (const name of ['a:b', 'nul.txt', 'dot.', 'fine']) writeFileSync(join(local, 'bad', name), '');
      await expect(guest.uploadFolder(join(local, 'bad'), at('bad'))).rejects.toMatchObject({ message: expect.stringMatching(/a:b.*dot\..*nul\.txt/) as string });
      expect(existsSync(at('bad'))).toBe(false);
    });
    test('large ones are fetched by the guest, in less time than they would take to be sent', async () => {
      const bytes = randomBytes(5_000_000);
      let sent = 0;
      await guest.upload(bytes, at('large'), { progress: n => { sent += n; } });
      expect([readFileSync(at('large')).equals(bytes), sent]).toEqual([true, bytes.length]);
      await guest.download(at('large'), join(local, 'large-back'));
      expect(readFileSync(join(local, 'large-back')).equals(bytes)).toBe(true);
    });
    test('where the guest does not reach us, or something else answers there, large ones are sent', async () => {
      const bytes = randomBytes(2_000_000);
      for (const pull of [{ listen: '127.0.0.1', seenAs: '127.0.0.66' }, { listen: '192.0.2.1', seenAs: '192.0.2.1' }, false] as const) {
        const other = await open(server, {}, { pull });
        let sent = 0;
        await other.upload(bytes, at('sent'), { progress: n => { sent += n; } });
        await other[Symbol.asyncDispose]();
        expect([readFileSync(at('sent')).equals(bytes), sent]).toEqual([true, bytes.length]);
        rmSync(at('sent'));
      }
    });
    test('go on where they were when the connection was lost', async () => {
      const bytes = randomBytes(3_000_000), other = await open(server, {}, { pull: false });
      let sent = 0, cut = 0;
      await other.upload(bytes, at('resumed'), { progress: n => { sent += n; if (sent > 1_000_000 * (cut + 1) && cut < 2) { cut += 1; void server.order('drop'); } } });
      await other[Symbol.asyncDispose]();
      expect([readFileSync(at('resumed')).equals(bytes), sent, cut, existsSync(at('resumed.bake-part'))]).toEqual([true, bytes.length, 2, false]);
    });
    test('and folders, with what is in them; links are followed; a folder that is there is merged into', async () => {
      const tree = join(local, 'tree');
      mkdirSync(join(tree, 'deep/er'), { recursive: true });
      mkdirSync(join(tree, 'empty'));
      writeFileSync(join(tree, 'deep/er/file'), 'deep');
      writeFileSync(join(tree, 'ü x.txt'), 'text');
      symlinkSync('deep', join(tree, 'link'));
      mkdirSync(at('merged'), { recursive: true });
      writeFileSync(at('merged/mine'), 'mine');
      await guest.uploadFolder(tree, at('merged'));
      expect(['mine', 'deep/er/file', 'link/er/file', 'ü x.txt'].map(path => readFileSync(at(`merged/${path}`), 'utf8'))).toEqual(['mine', 'deep', 'deep', 'text']);
      await guest.downloadFolder(at('merged'), join(local, 'merged-back'));
      expect([readFileSync(join(local, 'merged-back/link/er/file'), 'utf8'), existsSync(join(local, 'merged-back/empty'))]).toEqual(['deep', true]);
      symlinkSync('nowhere', join(tree, 'dead'));
      await expect(guest.uploadFolder(tree, at('merged'))).rejects.toMatchObject({ code: 'TRANSFER_DEAD_LINK' });
      rmSync(join(tree, 'dead'));
      symlinkSync('..', join(tree, 'deep/up'));
      await expect(guest.uploadFolder(tree, at('merged'))).rejects.toMatchObject({ code: 'TRANSFER_LOOP' });
    });
    test('2,000 files in 40 folders', { timeout: 120_000 }, async () => {
      const many = join(local, 'many');
      for (let d = 0; d < 40; d++) {
        mkdirSync(join(many, `d${d}`), { recursive: true });
        for (let f = 0; f < 50; f++) writeFileSync(join(many, `d${d}/f${f}`), Buffer.alloc(900, `${d} ${f} `));
      }
      await guest.uploadFolder(many, at('many'));
      await guest.downloadFolder(at('many'), join(local, 'many-back'));
      expect(execFileSync('diff', ['-r', many, join(local, 'many-back')]).toString()).toBe('');
    });
    test('what cannot be written or read is an error that names the path and the reason', async () => {
      mkdirSync(at('folder'), { recursive: true });
      await expect(guest.upload(Buffer.from('x'), at('folder'))).rejects.toMatchObject({ code: 'TRANSFER_UPLOAD', message: expect.stringMatching(/guest\/folder.*it is a folder/) as string });
      await expect(guest.upload(Buffer.from('x'), '/proc/sys/nothing/x')).rejects.toThrow(/\/proc\/sys\/nothing\/x/);
      await expect(guest.download(at('none'), join(local, 'none'))).rejects.toMatchObject({ code: 'TRANSFER_DOWNLOAD', message: expect.stringMatching(/none.*No such file/) as string });
      await expect(guest.downloadFolder(at('none'), join(local, 'none'))).rejects.toMatchObject({ code: 'TRANSFER_DOWNLOAD' });
      expect(existsSync(join(local, 'none/file'))).toBe(false);
    });
    test('a cancelled transfer rejects, and the guest is usable', async () => {
      const stop = new AbortController(), other = await open(server, {}, { pull: false });
      await expect(other.upload(randomBytes(3_000_000), at('cancelled'), { signal: stop.signal, progress: () => stop.abort(new Error('enough')) })).rejects.toThrow('enough');
      expect((await run(other, 'echo usable')).out).toBe('usable\n');
      await other[Symbol.asyncDispose]();
    });
    test('files and folders are told apart', async () => {
      const kinds = await Promise.all([remote, at('empty'), at('not there')].map(async path => (await guest.exec(powershellCommand(kindScript(path))))));
      expect(kinds).toEqual([10, 11, 0].map(code => ({ how: 'exited', code })));
    });
  });

  test('a service that was started anew has lost its shells: the next command opens one', async () => {
    const server = await startWinrmServer(settings), guest = await open(server);
    expect((await run(guest, 'echo one')).out).toBe('one\n');
    await server.order('forget');
    expect(await run(guest, 'echo two')).toEqual({ exit: { how: 'exited', code: 0 }, out: 'two\n', err: '' });
    await guest[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  test('a service that allows few shells is asked for fewer, and keeps none', async () => {
    const server = await startWinrmServer({ ...settings, shells: 2 }), guest = await open(server);
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => run(guest, `sleep 0.1; echo ${i}`)));
    expect(all.map(({ out }) => out)).toEqual(Array.from({ length: 8 }, (_, i) => `${i}\n`));
    await guest[Symbol.asyncDispose]();
    await expect.poll(() => server.events.filter(e => 'shell' in e).reduce((open, e) => open + (e['shell'] === 'open' ? 1 : -1), 0)).toBe(0);
    await server[Symbol.asyncDispose]();
  });
  test('a wrong password is refused, in words', async () => {
    const server = await startWinrmServer(settings);
    const address = { host: '127.0.0.1', port: server.port };
    await expect(WinrmCommunicator.open({
      address, dial: to => dialTcp(to.host, to.port), tls: false, insecure: false, auth: 'ntlm', username: user, account: { domain: '', user, password: 'wrong' }, budget: 60_000, attempts: 3, pace: 20, endpoint: () => ({ type: 'none' }),
    })).rejects.toMatchObject({ code: 'WINRM_REFUSED', message: expect.stringContaining("refused to log in 'Administrator' 3 times") as string });
    await expect.poll(() => server.events.filter(e => e['login'] === 'refused')).toHaveLength(3);
    await server[Symbol.asyncDispose]();
  });
  test('a domain may stand before the user', async () => {
    const server = await startWinrmServer({ ...settings, domain: 'CORP' }), guest = await open(server, { username: `CORP\\${user}` });
    expect((await run(guest, 'echo in')).out).toBe('in\n');
    await guest[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
});

requires('pyspnego')('winrm, over https', () => {
  let folder: string, tls: { readonly certificate: string; readonly key: string };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'bake-winrm-tls-'));
    tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-sha384', '-nodes', '-keyout', tls.key, '-out', tls.certificate, '-days', '2', '-subj', '/CN=guest'], { stdio: 'ignore' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('NTLM is bound to the certificate that the connection showed', async () => {
    const server = await startWinrmServer({ ...settings, ...tls }), guest = await open(server, { useSsl: true, insecure: true });
    expect(await run(guest, 'echo in; exit 3')).toEqual({ exit: { how: 'exited', code: 3 }, out: 'in\n', err: '' });
    await expect.poll(() => server.events).toContainEqual({ login: 'ok' });
    await guest[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  test('Basic', async () => {
    const server = await startWinrmServer({ ...settings, ...tls, auth: ['basic'] }), guest = await open(server, { useSsl: true, insecure: true, useNtlm: false });
    expect(await run(guest, 'cat', { stdin: randomBytes(300_000).toString('hex') })).toMatchObject({ exit: { how: 'exited', code: 0 } });
    await guest[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  test('a certificate that nobody vouches for is refused at once, with the way out', async () => {
    const server = await startWinrmServer({ ...settings, ...tls });
    await expect(open(server, { useSsl: true })).rejects.toMatchObject({ code: 'WINRM_CERTIFICATE', message: expect.stringContaining('self-signed') as string, remedy: expect.stringContaining('winrm.insecure: true') as string });
    await server[Symbol.asyncDispose]();
  });
  test.each([[{ useNtlm: true }, ['basic'] as const, /offers basic, and not NTLM/], [{ useNtlm: false }, ['ntlm'] as const, /offers negotiate, and not Basic/]])('a way to log in that is not offered is said: %j', async (more, auth, said) => {
    const server = await startWinrmServer({ ...settings, ...tls, auth });
    await expect(open(server, { useSsl: true, insecure: true, ...more })).rejects.toMatchObject({ code: 'WINRM_METHOD', message: expect.stringMatching(said) as string });
    await server[Symbol.asyncDispose]();
  });
});
