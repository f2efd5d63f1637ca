/** Containers behind the instances of a test's EC2: a Debian of its own for each, whose sshd runs inside, once for each connection. Nothing of this computer is touched. */
import { execFile, spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { baseImage } from '../base.js';
import { freePort } from './guests.js';
import type { Guests } from './server.js';

const docker = (...args: readonly string[]): Promise<string> => promisify(execFile)('docker', args as string[]).then(({ stdout }) => stdout.trim());

export interface ContainerGuests extends Guests, AsyncDisposable {
  /** What a shell command printed in the guest at the moment it was switched off: for files that should, or should not, be in the image. */
  readonly atTheEnd: string[];
}

/** `look`: a shell command run in each guest when its instance is switched off. */
export async function containerGuests(look = 'true'): Promise<ContainerGuests> {
  const image = await baseImage(), atTheEnd: string[] = [], disks: string[] = [];
  return {
    atTheEnd, port: await freePort(),
    async [Symbol.asyncDispose]() { if (disks.length > 0) await docker('rmi', '-f', ...disks); },
    async start(publicKey, disk = image) {
      const id = await docker('run', '-d', '--rm', '--network', 'none', '--label', 'imagebake-test=ec2', disk, 'sleep', 'infinity');
      await docker('exec', id, 'sh', '-c', `mkdir -p /run/sshd /root/.ssh && chmod 700 /root/.ssh && { [ -e /root/.ssh/authorized_keys ] || echo '# from the image' > /root/.ssh/authorized_keys; } && echo '${publicKey ?? ''}' >> /root/.ssh/authorized_keys && chmod 600 /root/.ssh/authorized_keys && ls /etc/ssh/ssh_host_ed25519_key >/dev/null 2>&1 || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key`);
      const server = createServer(socket => {
        const sshd = spawn('docker', ['exec', '-i', id, '/usr/sbin/sshd', '-i', '-e', '-o', 'UsePAM=no', '-o', 'PrintMotd=no'], { stdio: ['pipe', 'pipe', 'ignore'] });
        socket.on('error', () => sshd.kill());
        sshd.stdin.on('error', () => {});
        socket.pipe(sshd.stdin);
        sshd.stdout.pipe(socket);
        sshd.once('close', () => socket.destroy());
        socket.once('close', () => sshd.kill());
      });
      await new Promise<void>((resolve, reject) => { server.once('error', reject); server.listen(0, '127.0.0.1', resolve); });
      return {
        host: '127.0.0.1', port: (server.address() as AddressInfo).port,
        async save() {
          const saved = await docker('commit', id);
          disks.push(saved);
          return saved;
        },
        async stop() {
          server.close();
          atTheEnd.push(await docker('exec', id, 'sh', '-c', look).catch(error => String(error)));
          await docker('rm', '-f', id);
        },
      };
    },
  };
}
