/**
 * A run of a first boot that kills itself: `killed-qemu.ts <folder> <port> <phase>`. The disk is empty, so nothing boots; whoever answers on the
 * port is taken for the guest. That brings a machine of QEMU through its whole life in a second.
 */
import { fileURLToPath } from 'node:url';
import { App, Duration, ImageBuild, QemuSource, Secret, ShellLocalPostProcessor, ShellLocalProvisioner, Size } from '../../../lib/index.js';
import type { Event } from '../../../lib/events.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';

/** Moments in the life of a machine from its first boot on. */
export const coldPhases: { readonly [name: string]: (event: Event) => boolean } = {
  'it is started': e => e.type === 'note' && e.message.startsWith('accelerator:'),
  'it is waited for': e => e.type === 'step-start' && e.label === 'connect',
  'a step runs': e => e.type === 'output' && e.text.includes('in a step'),
  'its image is written': e => e.type === 'progress' && e.what.startsWith('writing'),
  'a post-processor runs': e => e.type === 'output' && e.text.includes('in a post-processor'),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, port, phase] = process.argv.slice(2) as [string, string, string];
  const app = new App();
  new ImageBuild(app, 'web', {
    sources: [new QemuSource({
      diskImage: 'empty.qcow2', outputDirectory: 'out', memory: Size.mib(64), cloudInit: { enabled: false },
      ssh: { host: '127.0.0.1', port: Number(port), username: 'root', password: Secret.env('GUEST_PASSWORD'), timeout: Duration.minutes(2) }, shutdown: { command: 'switch off' },
    })],
    provisioners: [new ShellLocalProvisioner({ inline: ['echo in a step'] })],
    postProcessors: [new ShellLocalPostProcessor({ inline: ['echo in a post-processor', 'sleep 1000'] })],
  });
  await run(synth(app, { folder }).plan, {
    programFolder: folder,
    listen: event => { if (coldPhases[phase]!(event)) process.kill(process.pid, 'SIGKILL'); },
  });
}
