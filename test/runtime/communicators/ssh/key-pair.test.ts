import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { test } from 'vitest';
import { sshKeyPair } from '../../../../lib/runtime/communicators/ssh/key-pair.js';
import { requires } from '../../../support/machine.js';

test('two key pairs are never the same', () => expect(sshKeyPair('a').blob).not.toBe(sshKeyPair('a').blob));

requires('ssh')('a key pair of ours, read by ssh-keygen', () => {
  test('is whole: the public key, the comment and the fingerprint are what OpenSSH makes of the private key', () => {
    const at = mkdtempSync(join(tmpdir(), 'bake-key-'));
    try {
      for (let i = 0; i < 8; i++) {
        const comment = 'x'.repeat(i), pair = sshKeyPair(`bake-${comment}`), file = join(at, `key${i}`);
        writeFileSync(file, pair.privateKey, { mode: 0o600 });
        expect(execFileSync('ssh-keygen', ['-y', '-P', '', '-f', file], { encoding: 'utf8' }).trim()).toBe(pair.publicKey);
        expect(execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' })).toContain(pair.fingerprint);
      }
    } finally { rmSync(at, { recursive: true, force: true }); }
  });
});
