/** The program that the tests of the qemu source build; as a script, a run of it that kills itself: `qemu-program.ts <folder> <disk> <phase>`. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, FileProvisioner, ImageBuild, QemuSource, ShellProvisioner, Size } from '../../../lib/index.js';
import type { Event } from '../../../lib/events.js';
import type { Plan } from '../../../lib/plan.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';

export const storeIn = (folder: string): CheckpointStore => new CheckpointStore(join(folder, 'store'));

/** `last`: what the last step writes; the steps before it are the same each time. The folder has a file `motd`. */
export function webPlan(folder: string, disk: string, last: string): Plan {
  const app = new App();
  new ImageBuild(app, 'web', {
    sources: [new QemuSource({ diskImage: disk, diskSize: Size.gib(5), outputDirectory: 'out' })],
    provisioners: [
      new ShellProvisioner({
        inline: [
          'echo first > /etc/first', 'echo first > /var/log/mine', 'echo a key of an earlier imagebake > /etc/ssh/ssh_host_imagebake_key', 'cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub > /etc/of-the-build', 'date +%s%N > /run/only-in-memory',
          // Our key in somebody's hands, before a key of their own.
          'useradd -m somebody', 'mkdir -p ~somebody/.ssh', 'cp ~/.ssh/authorized_keys ~somebody/.ssh/', 'echo "ssh-ed25519 AAAAother theirs" >> ~somebody/.ssh/authorized_keys',
        ],
        checkpoint: 'always',
      }),
      new FileProvisioner({ source: 'motd', destination: '/etc/motd' }),
      new ShellProvisioner({ inline: [`echo ${last} > /etc/last`, 'cat /etc/first /run/only-in-memory', 'echo working'], checkpoint: 'never' }),
    ],
  });
  return synth(app, { folder }).plan;
}

/** Moments in the life of a machine that goes on from a checkpoint. */
export const phases: { readonly [name: string]: (event: Event) => boolean } = {
  'its folders are made': e => e.type === 'step-start' && e.label === 'resume',
  'it was resumed': e => e.type === 'note' && e.message.startsWith('resumed from memory'),
  'a step runs': e => e.type === 'output' && e.text.includes('working'),
  'it is switched off': e => e.type === 'note' && e.message.startsWith('switching'),
  'its image is written': e => e.type === 'progress' && e.what.startsWith('writing'),
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, disk, phase] = process.argv.slice(2) as [string, string, string];
  await run(webPlan(folder, disk, `killed while ${phase}`), {
    programFolder: folder, force: true, checkpoints: { store: storeIn(folder) },
    listen: event => {
      if (!phases[phase]!(event)) return;
      if (event.type !== 'step-start') process.kill(process.pid, 'SIGKILL');
      // No event tells of the folders: they are looked for.
      setInterval(() => { if (readdirSync(folder).some(name => name.startsWith('.out.'))) process.kill(process.pid, 'SIGKILL'); }, 1);
    },
  });
}
