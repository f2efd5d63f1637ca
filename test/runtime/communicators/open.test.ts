import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sshFields } from '../../../lib/constructs/shared/ssh.js';
import { fieldsOf } from '../../../lib/fields.js';
import { openSsh, sshDefaults } from '../../../lib/runtime/communicators/open.js';
import { fingerprintOf, generateSshKey, typeOfBlob, publicBlob } from '../../../lib/runtime/communicators/ssh/keys.js';
import { sshKeyPair } from '../../../lib/runtime/communicators/ssh/key-pair.js';
import { requires } from '../../support/machine.js';
import { faultServer } from '../../support/ssh-fault-server.js';

let folder: string, notes: string[];
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'bake-open-')); notes = []; });
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const ctx = () => ({ temporaryFolder: folder, signal: new AbortController().signal, note: (message: string) => { notes.push(message); } });

test('the defaults here are those of the field table', () => {
  const table = (sshFields.ssh.type as unknown as { readonly fields: object }).fields;
  expect(sshDefaults).toEqual(Object.fromEntries(fieldsOf(table).filter(([, f]) => f.default !== undefined).map(([name, f]) => [name, f.default])));
});

describe('a communicator from the settings of a source', () => {
  test('logs in with the key of the run, and leaves files with which ssh can do the same', async () => {
    await using server = await faultServer();
    const key = sshKeyPair('run');
    await using guest = await openSsh(undefined, { address: server, privateKey: key.privateKey, hostKey: server.hostKey.publicKey }, ctx());
    expect(guest.endpoint).toEqual({ type: 'ssh', host: '127.0.0.1', port: server.port, user: 'root', identityFile: join(folder, 'id_bake'), knownHostsFile: join(folder, 'known_hosts') });
    expect(readFileSync(join(folder, 'id_bake'), 'utf8')).toBe(key.privateKey);
    expect(statSync(join(folder, 'id_bake')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, 'known_hosts'), 'utf8')).toContain(`[127.0.0.1]:${server.port} ssh-ed25519 ${server.hostKey.blob}`);
    expect(notes).toEqual([`Waiting for SSH: 127.0.0.1:${server.port}: nothing accepts a connection there.`, `Waiting for SSH: 127.0.0.1:${server.port}: an SSH server greets, but no login succeeded.`, 'Logged in.']);
  });

  test('takes the user\'s address, key file and password before those of the run', async () => {
    await using server = await faultServer({ password: 'me:pw' });
    writeFileSync(join(folder, 'mine'), sshKeyPair('mine').privateKey);
    await using guest = await openSsh({ ...sshDefaults, username: 'me', password: 'pw', host: '127.0.0.1', port: server.port, privateKeyFile: join(folder, 'mine') }, { address: { host: '192.0.2.1' }, privateKey: 'not used' }, ctx());
    expect(guest.endpoint).toMatchObject({ host: '127.0.0.1', user: 'me', password: 'pw', identityFile: join(folder, 'mine') });
  });

  test('says what is missing', async () => {
    await expect(openSsh(undefined, {}, ctx())).rejects.toMatchObject({ code: 'SSH_NO_HOST' });
    await expect(openSsh({ ...sshDefaults, privateKeyFile: join(folder, 'none') }, { address: { host: '127.0.0.1' } }, ctx())).rejects.toMatchObject({ code: 'SSH_KEY_FILE', message: expect.stringContaining('ENOENT') as string });
  });
});

requires('ssh')('a key pair of any type', () => {
  test.each([['ed25519', undefined], ['rsa', 2048], ['ecdsa', 256], ['ecdsa', 384], ['ecdsa', 521]] as const)('%s %s is what OpenSSH makes of it', async (type, bits) => {
    const pair = await generateSshKey({ type, ...(bits === undefined ? {} : { bits }), comment: 'a comment' }), file = join(folder, 'key');
    writeFileSync(file, pair.privateKey, { mode: 0o600 });
    expect(execFileSync('ssh-keygen', ['-y', '-P', '', '-f', file], { encoding: 'utf8' }).trim().split(' ').slice(0, 2)).toEqual(pair.publicKey.split(' ').slice(0, 2));
    writeFileSync(`${file}.pub`, pair.publicKey);
    expect(execFileSync('ssh-keygen', ['-l', '-f', `${file}.pub`], { encoding: 'utf8' })).toContain(pair.fingerprint);
    expect([fingerprintOf(pair.publicKey), typeOfBlob(publicBlob(pair.publicKey))]).toEqual([pair.fingerprint, pair.publicKey.split(' ')[0]]);
  });
});

test('a key pair is good for every value of its first byte: 300 of them are read by the library that uses them', async () => {
  const { default: ssh2 } = await import('ssh2');
  for (let i = 0; i < 300; i++) {
    const pair = sshKeyPair('x'), parsed = ssh2.utils.parseKey(pair.privateKey);
    if (parsed instanceof Error) throw parsed;
    const signature = parsed.sign('text');
    if (!(signature instanceof Buffer) || parsed.getPublicSSH().toString('base64') !== pair.blob || parsed.verify('text', signature) !== true) throw new Error(`${pair.publicKey} does not verify what its private half signs`);
  }
});
