/** A real OpenSSH server for tests: as the current user, on a port of the kernel's choice, one `sshd -i` for each connection. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { type SshKeyPair, sshKeyPair } from '../../lib/runtime/communicators/ssh/key-pair.js';

export interface TestSshd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Lets the user in. */
  readonly key: SshKeyPair;
  /** The server's own key. */
  readonly hostKey: SshKeyPair;
  /** What the servers have said. */
  log(): string;
  /** Cuts every open connection; what runs on them runs on. */
  drop(): void;
  /** Connections made so far. */
  connections(): number;
}

/** Starts a server. `config`: further lines of sshd_config, which come first and so win. */
export async function startSshd(options: { readonly config?: readonly string[]; readonly authorized?: readonly string[] } = {}): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'bake-sshd-'));
  const key = sshKeyPair('client'), hostKey = sshKeyPair('server'), sshd = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find(existsSync) ?? 'sshd';
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
  writeFileSync(join(folder, 'host'), hostKey.privateKey, { mode: 0o600 });
  writeFileSync(join(folder, 'authorized'), [key.publicKey, ...options.authorized ?? []].join('\n') + '\n', { mode: 0o600 });
  writeFileSync(join(folder, 'config'), [
    ...options.config ?? [], `HostKey ${join(folder, 'host')}`, `AuthorizedKeysFile ${join(folder, 'authorized')}`, 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no',
    'PermitRootLogin yes', 'Subsystem sftp internal-sftp', 'PidFile none', 'LogLevel VERBOSE', 'PrintMotd no',
  ].join('\n') + '\n');
  let said = '', count = 0;
  const children = new Set<ChildProcess>();
  const server = createServer({ pauseOnConnect: true }, socket => {
    count += 1;
    const child = spawn(sshd, ['-i', '-e', '-f', join(folder, 'config')], { stdio: [socket, socket, 'pipe'], detached: true });
    socket.on('error', () => {});
    // The child has its own copy of the socket.
    socket.destroy();
    child.stderr?.on('data', chunk => { said += chunk; });
    child.on('error', error => { said += error.message; });
    children.add(child);
    child.on('close', () => children.delete(child));
  });
  await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '127.0.0.1', resolve); });
  const drop = (): void => { for (const { pid } of children) if (pid) try { process.kill(-pid, 'SIGKILL'); } catch { /* it has ended */ } };
  return {
    host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: userInfo().username, key, hostKey, drop,
    log: () => said, connections: () => count,
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => { server.close(resolve); drop(); });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
