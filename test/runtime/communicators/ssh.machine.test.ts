import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { SshCommunicator } from '../../../lib/runtime/communicators/ssh.js';
import { type CommunicatorFixture, communicatorContract } from '../../contracts/communicator.js';
import { requires } from '../../support/machine.js';
import { startSshd } from '../../support/sshd.js';

async function open(fileTransfer: 'auto' | 'sftp'): Promise<CommunicatorFixture> {
  const sshd = await startSshd(), folder = mkdtempSync(join(tmpdir(), 'bake-guest-')), tiny = join(folder, 'tiny');
  const mounted = process.getuid?.() === 0 && mount(tiny);
  const guest = await SshCommunicator.open({
    address: sshd, budget: 60_000, fileTransfer, endpoint: { type: 'none' },
    login: { user: sshd.user, keys: [{ privateKey: sshd.key.privateKey, from: 'of the test' }], hostKey: sshd.hostKey.publicKey, keepAlive: 500 },
  });
  return {
    guest, folder, drop: sshd.drop, ...(mounted ? { tiny } : {}),
    async close() {
      await guest[Symbol.asyncDispose]();
      await sshd[Symbol.asyncDispose]();
      if (mounted) execFileSync('umount', ['-l', tiny]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Containers may not be allowed to mount. */
function mount(at: string): boolean {
  mkdirSync(at);
  try { execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', at], { stdio: 'ignore' }); return true; } catch { return false; }
}

requires('sshd')('the ssh communicator, against OpenSSH', () => {
  describe('files in the fastest way', () => communicatorContract(() => open('auto')));
  describe('files by SFTP only', () => communicatorContract(async () => ({ ...await open('sftp'), full: /Failure/ }), { bigFile: 20_000_000, groups: ['files', 'folders'] }));
});
