/** A guest behind OpenSSH for benchmarks: reached directly or through a delay, by us, by Packer and by the plain tools. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { startSshd } from '../test/support/sshd.js';
import { packerProgram } from './packer-program.js';
import { type Workplace, compiled } from './workplace.js';

export interface Guest extends AsyncDisposable {
  /** Seconds from connected to done of a build of ours with these steps. `program`: what `provisioners` is, as source. */
  ours(program: string): Promise<number>;
  /** The same of Packer with these provisioners. PACKER_BIN, or the packer on the PATH. */
  packer(provisioners: readonly object[]): Promise<number>;
  /** Seconds of a shell command with `$SSH` (a connection that is there already), `$PORT` and `$HOST` in its environment. */
  tool(command: string): Promise<number>;
}

/** `roundTrip`: milliseconds that the way there and back takes. */
export async function startGuest(place: Workplace, roundTrip = 0): Promise<Guest> {
  await compiled(place);
  // A new guest's user has no start-up files: those of whoever measures here may take longer than what is measured, for us as for the peers.
  const home = join(place.folder, 'home');
  mkdirSync(home, { recursive: true });
  const sshd = await startSshd({ config: [`SetEnv HOME=${home}`] }), delay = roundTrip > 0 ? await delayProxy(sshd.port, roundTrip / 2) : undefined;
  const port = delay?.port ?? sshd.port, key = place.write('key', sshd.key.privateKey);
  execFileSync('chmod', ['600', key]);
  // Short: the path of a socket is.
  const control = join(place.folder, `m${roundTrip}`), options = ['-F', '/dev/null', '-i', key, '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-o', `ControlPath=${control}`];
  let run = 0;
  return {
    async ours(program) {
      place.write('images.ts', `import { App, FileProvisioner, ImageBuild, NullSource, ShellProvisioner } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'guest', { sources: [new NullSource({ ssh: { host: '127.0.0.1', port: ${port}, username: ${JSON.stringify(sshd.user)}, privateKeyFile: 'key' } })], provisioners: ${program} });
`);
      let connected = 0, done = 0;
      await place.bake(['build', '--json'], {
        env: { BAKE_CACHE_DIR: `${place.folder}/cache-${run++}` },
        line: (text, milliseconds) => {
          if (text.includes('"Logged in."')) connected = milliseconds;
          if (text.includes('"run-end"')) done = milliseconds;
        },
      });
      return between(connected, done);
    },
    async packer(provisioners) {
      place.write('guest.json', JSON.stringify({ builders: [{ type: 'null', ssh_host: '127.0.0.1', ssh_port: port, ssh_username: sshd.user, ssh_private_key_file: key }], provisioners }));
      let connected = 0, done = 0;
      await place.run(packerProgram, ['build', '-color=false', 'guest.json'], {
        line: (text, milliseconds) => {
          if (text.includes('Connected to SSH')) connected = milliseconds;
          if (/Build 'null' finished/.test(text)) done = milliseconds;
        },
      });
      return between(connected, done);
    },
    async tool(command) {
      await ssh([...options, '-M', '-N', '-f', '-p', String(port), `${sshd.user}@127.0.0.1`]);
      try {
        return (await place.run('/bin/sh', ['-ec', command], { env: { SSH: `ssh ${options.join(' ')}`, SCP: `scp ${options.join(' ')} -P ${port}`, PORT: String(port), HOST: `${sshd.user}@127.0.0.1` } })).milliseconds / 1000;
      } finally { await ssh([...options, '-O', 'exit', '-p', String(port), 'x']); }
    },
    async [Symbol.asyncDispose]() {
      await delay?.close();
      await sshd[Symbol.asyncDispose]();
    },
  };
}

/** Not synchronously: the servers are started by this process. */
const ssh = (args: readonly string[]): Promise<void> => new Promise((resolve, reject) => {
  spawn('ssh', args, { stdio: 'ignore' }).on('error', reject).on('exit', code => { if (code === 0) resolve(); else reject(new Error(`ssh ended with ${code}`)); });
});

function between(connected: number, done: number): number {
  if (connected === 0 || done === 0) throw new Error('the moment of being connected or done was not seen in the output');
  return (done - connected) / 1000;
}

/** Holds everything that passes for so many milliseconds, each way. */
async function delayProxy(to: number, milliseconds: number): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const later = (from: Socket, into: Socket): void => {
    from.on('data', chunk => { setTimeout(() => { if (!into.destroyed) into.write(chunk); }, milliseconds); });
    from.on('end', () => { setTimeout(() => into.end(), milliseconds); });
    from.on('error', () => into.destroy()).on('close', () => { sockets.delete(from); setTimeout(() => into.end(), milliseconds); });
  };
  const server = createServer({ noDelay: true }, socket => {
    const other = connect({ port: to, host: '127.0.0.1', noDelay: true });
    sockets.add(socket).add(other);
    later(socket, other);
    later(other, socket);
  });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise(resolve => { server.close(() => resolve()); for (const socket of sockets) socket.destroy(); }),
  };
}
