import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { base } from '../scripts/base/base.js';
import { type Benchmark, median } from './benchmark.js';
import { packerProgram } from './packer-program.js';
import { compiled, type Workplace } from './workplace.js';

const steps = 5, seconds = 3, pairs = Number(process.env['BENCH_PAIRS'] ?? 5);

export default {
  about: 'A disk image with five steps of three seconds, from nothing; against Packer, on the same disk. What counts is what is neither boot nor step.',
  needs: ['qemu', 'base', 'packer'],
  async run(place) {
    await compiled(place);
    const { disk, rootPassword } = await base(place.note);
    place.write('images.ts', `import { App, ImageBuild, QemuSource, ShellProvisioner } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'five', {
  sources: [new QemuSource({ diskImage: '${disk}', accelerator: 'tcg', memory: { $size: ${1024 ** 3} }, outputDirectory: 'ours' })],
  provisioners: Array.from({ length: ${steps} }, (_, i) => new ShellProvisioner({ inline: ['sleep ${seconds}', 'echo ' + i + ' >> /steps'] })),
});
`);
    place.write('five.json', JSON.stringify({
      builders: [{
        type: 'qemu', iso_url: disk, iso_checksum: 'none', disk_image: true, format: 'qcow2', accelerator: 'tcg', headless: true, memory: 1024, cpus: 2, disk_interface: 'virtio', net_device: 'virtio-net', output_directory: 'packer',
        qemuargs: [['-cpu', 'max']], ssh_username: 'root', ssh_password: rootPassword, ssh_timeout: '15m', shutdown_command: 'systemctl poweroff', boot_command: [],
      }],
      provisioners: Array.from({ length: steps }, (_, i) => ({ type: 'shell', inline: [`sleep ${seconds}`, `echo ${i} >> /steps`] })),
    }));
    const ours: number[] = [], packer: number[] = [], boots: number[] = [], first: number[] = [], memory = { ours: 0, peer: 0 };
    for (let i = 0; i < pairs; i++) {
      place.note(`pair ${i + 1} of ${pairs}`);
      boots.push(await bootTime(place, disk));
      rmSync(join(place.folder, 'ours'), { recursive: true, force: true });
      const lines: { readonly text: string; readonly at: number }[] = [];
      const our = await place.bake(['build', '--json'], { memory: 'without guests', env: { BAKE_CACHE_DIR: `${place.folder}/cache-${i}`, BAKE_CHECKPOINT_DIR: `${place.folder}/store-${i}` }, line: (text, at) => lines.push({ text, at }) });
      ours.push(our.milliseconds / 1000);
      first.push(betweenConnectAndStep(lines.map(line => line.text)));
      rmSync(join(place.folder, 'packer'), { recursive: true, force: true });
      const peer = await place.run(packerProgram, ['build', 'five.json'], { memory: 'without guests', env: { PACKER_CACHE_DIR: join(place.folder, 'packer-cache') } });
      packer.push(peer.milliseconds / 1000);
      memory.ours = Math.max(memory.ours, our.megabytes);
      memory.peer = Math.max(memory.peer, peer.megabytes);
    }
    const known = median(boots) + steps * seconds;
    return [
      { figure: 'overhead: wall without the guest\'s own boot and its steps (peer: packer build)', ours: median(ours) - known, peer: median(packer) - known, unit: 's', goal: '0.4x' },
      { figure: 'wall (peer: packer build)', ours: median(ours), peer: median(packer), unit: 's' },
      { figure: 'the guest\'s own boot, to the banner of its SSH server', ours: median(boots), unit: 's' },
      { figure: 'from authenticated to the first command', ours: median(first), unit: 's', goal: 0.3 },
      { figure: 'memory of all processes but QEMU (peer: packer)', ...memory, unit: 'MB', goal: '1x' },
    ];
  },
} satisfies Benchmark;

interface Line { readonly type?: string; readonly time?: number; readonly step?: readonly string[]; readonly label?: string; readonly message?: string }

/** Seconds from the end of connecting to the start of the first step. */
function betweenConnectAndStep(lines: readonly string[]): number {
  const events = lines.flatMap(line => { try { return [JSON.parse(line) as Line]; } catch { return []; } });
  const connected = events.find(e => e.type === 'step-end' && e.label === 'connect'), step = events.find(e => e.type === 'step-start' && /\/shell$/.test(e.label ?? ''));
  if (connected?.time === undefined || step?.time === undefined) throw new Error('the events say neither when it was connected nor when the first step began');
  return (step.time - connected.time) / 1000;
}

/** Seconds from the start of QEMU to the banner of the SSH server, with nothing of ours or Packer's around it. */
async function bootTime(place: Workplace, disk: string): Promise<number> {
  const overlay = join(place.folder, 'boot.qcow2');
  await place.run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', disk, overlay]);
  const qmp = join(place.folder, 'qmp.sock'), begun = performance.now();
  const machine: ChildProcess = spawn('qemu-system-x86_64', ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024', '-nodefaults', '-vga', 'none', '-display', 'none', '-drive', `file=${overlay},if=virtio,cache=unsafe`,
    '-netdev', 'user,id=n0,hostfwd=tcp:127.0.0.1:0-:22', '-device', 'virtio-net-pci,netdev=n0', '-device', 'virtio-rng-pci', '-qmp', `unix:${qmp},server=on,wait=off`], { stdio: 'ignore' });
  try {
    const port = await forwardedPort(qmp);
    while (!await banner(port)) { if (machine.exitCode !== null) throw new Error('qemu ended'); }
    return (performance.now() - begun) / 1000;
  } finally {
    const ended = new Promise(resolve => machine.once('exit', resolve));
    machine.kill('SIGKILL');
    await ended;
  }
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

/** One short try: a forwarded port takes connections long before anybody is behind it. */
function banner(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createConnection(port, '127.0.0.1');
    const end = (answer: boolean): void => { clearTimeout(timer); socket.destroy(); resolve(answer); };
    const timer = setTimeout(end, 300, false);
    socket.on('data', chunk => end(String(chunk).startsWith('SSH-')));
    socket.on('error', () => { clearTimeout(timer); setTimeout(resolve, 100, false); });
  });
}
