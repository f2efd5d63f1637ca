import { chmodSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { base } from '../scripts/base/base.js';
import { bootBareGuest } from './bare-guest.js';
import { type Benchmark, interleaved, median } from './benchmark.js';
import { packerGuest, sameMachine } from './packer-guest.js';
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
  sources: [new QemuSource({ diskImage: '${disk}', ${sameMachine}, outputDirectory: 'ours' })],
  provisioners: Array.from({ length: ${steps} }, (_, i) => new ShellProvisioner({ inline: ['sleep ${seconds}', 'echo ' + i + ' >> /steps'] })),
});
`);
    place.write('five.json', packerGuest(disk, rootPassword, Array.from({ length: steps }, (_, i) => [`sleep ${seconds}`, `echo ${i} >> /steps`])));
    const ours: number[] = [], packer: number[] = [], boots: number[] = [], first: number[] = [], memory = { ours: 0, peer: 0 };
    let logins = { ours: 0, peer: 0 };
    for (let i = 0; i < pairs; i++) {
      place.note(`pair ${i + 1} of ${pairs}, at a load of ${loadavg()[0]!.toFixed(1)}`);
      const guest = await bootBareGuest(place, disk);
      boots.push(guest.boot);
      if (i === 0) logins = await loginTimes(place, guest.port, rootPassword);
      await guest[Symbol.asyncDispose]();
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
      { figure: 'from the banner of its SSH server to authenticated (peer: ssh guest true)', ...logins, unit: 's', goal: '1.2x' },
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

/** Of a guest that has booted: seconds from its banner to being let in, and of `ssh guest true`, the same password on both sides. */
async function loginTimes(place: Workplace, port: number, password: string): Promise<{ readonly ours: number; readonly peer: number }> {
  const login = { host: '127.0.0.1', port, username: 'root' };
  place.write('login.ts', `import { App, ImageBuild, NullSource, Secret } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'login', { sources: [new NullSource({ ssh: { ...${JSON.stringify(login)}, password: Secret.env('GUEST_PASSWORD') } })] });
`);
  const ask = place.write('ask', '#!/bin/sh\necho "$GUEST_PASSWORD"\n'), env = { GUEST_PASSWORD: password, SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: 'force' };
  chmodSync(ask, 0o755);
  return interleaved(5, async () => {
    const { out } = await place.bake(['build', '--program', 'login.ts', '--json'], { env });
    const notes = out.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));
    const at = (text: string): number => { const time = notes.find(e => e.message?.includes(text))?.time; if (time === undefined) throw new Error(`no event says '${text}'`); return time; };
    return (at('Logged in.') - at('an SSH server greets')) / 1000;
  }, async () => (await place.run('ssh', ['-F', '/dev/null', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR', '-p', String(port), 'root@127.0.0.1', 'true'], { env })).milliseconds / 1000);
}
