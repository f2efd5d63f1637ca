/** A guest with nothing of ours or Packer's around it: QEMU, started by hand. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workplace } from './workplace.js';

export interface BareGuest extends AsyncDisposable {
  /** Seconds from the start of QEMU to the banner of the SSH server. */
  readonly boot: number;
  /** Port of this computer that leads to the SSH server. */
  readonly port: number;
}

/** Boots a disk, which stays as it is, with the processor and memory that builds have here. */
export async function bootBareGuest(place: Workplace, disk: string): Promise<BareGuest> {
  const overlay = join(place.folder, 'boot.qcow2');
  await place.run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', disk, overlay]);
  const qmp = join(place.folder, 'qmp.sock'), begun = performance.now();
  const machine: ChildProcess = spawn('qemu-system-x86_64', ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024', '-vga', 'std', '-serial', 'null', '-display', 'none', '-drive', `file=${overlay},if=virtio,cache=unsafe`,
    '-netdev', 'user,id=n0,hostfwd=tcp:127.0.0.1:0-:22', '-device', 'virtio-net-pci,netdev=n0', '-device', 'virtio-rng-pci', '-qmp', `unix:${qmp},server=on,wait=off`], { stdio: 'ignore' });
  const end = async (): Promise<void> => {
    const ended = new Promise(resolve => machine.once('exit', resolve));
    if (machine.exitCode === null && machine.kill('SIGKILL')) await ended;
  };
  try {
    const port = await forwardedPort(qmp);
    await banner(port, () => machine.exitCode === null);
    return { boot: (performance.now() - begun) / 1000, port, [Symbol.asyncDispose]: end };
  } catch (error) { await end(); throw error; }
}

function forwardedPort(qmp: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const attempt = (left: number): void => {
      const socket = createConnection(qmp);
      let said = '';
      socket.on('connect', () => socket.write('{"execute":"qmp_capabilities"}\n{"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}}\n'));
      socket.on('data', chunk => {
        const port = /HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(said += String(chunk))?.[1];
        if (port !== undefined) { socket.destroy(); resolve(Number(port)); }
      });
      socket.on('error', error => { if (left > 0) setTimeout(attempt, 50, left - 1); else reject(error); });
    };
    attempt(200);
  });
}

/**
 * When an SSH server greets. A forwarded port takes connections long before anybody is behind it, and a busy guest greets late: so there is a
 * new try every 300 ms, and the older ones go on.
 */
async function banner(port: number, alive: () => boolean): Promise<void> {
  const sockets = new Set<Socket>();
  let greeted = false;
  try {
    while (!greeted) {
      if (!alive()) throw new Error('qemu ended');
      const socket = createConnection(port, '127.0.0.1');
      sockets.add(socket);
      socket.on('data', chunk => { greeted ||= String(chunk).startsWith('SSH-'); }).on('error', () => {}).on('close', () => sockets.delete(socket));
      for (let i = 0; i < 30 && !greeted; i++) await sleep(10);
    }
  } finally { for (const socket of sockets) socket.destroy(); }
}
