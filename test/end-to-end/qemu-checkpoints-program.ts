/** The programs of the checkpoint tests with real guests; as a script, a build that kills itself while a machine is saved: `… <folder> <disk> <milliseconds>`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, ImageBuild, QemuSource, ShellProvisioner } from '../../lib/index.js';
import type { Plan } from '../../lib/plan.js';
import { CheckpointStore } from '../../lib/runtime/checkpoints/store.js';
import { run } from '../../lib/runtime/run.js';
import { synth } from '../../lib/synth/synth.js';

export const storeIn = (folder: string): CheckpointStore => new CheckpointStore(join(folder, 'store'));

/** What every build here begins with: something that runs, and some data. */
const begin = () => [
  new ShellProvisioner({ inline: ['(while :; do echo tick >> /run/ticks; sleep 0.2; done) >/dev/null 2>&1 </dev/null &', 'echo $! > /run/ticker', 'cat /proc/sys/kernel/random/boot_id'], checkpoint: 'always' }),
  new ShellProvisioner({ inline: ['head -c 8000000 /dev/urandom > /srv/data', 'sha256sum /srv/data > /srv/sum', 'sync'], checkpoint: 'always' }),
];
/** The last step: what a guest that goes on must be able to say. */
const look = [
  'echo BOOT=$(cat /proc/sys/kernel/random/boot_id)', 'echo TIME=$(date +%s%N)', 'echo RANDOM=$(od -An -N16 -tx1 /dev/urandom | tr -d " ")', 'kill -0 $(cat /run/ticker)',
  // Cold from the disk, not from what memory still holds of it.
  'echo 3 > /proc/sys/vm/drop_caches', 'sha256sum -c --quiet /srv/sum', 'old=$(wc -l < /run/ticks)', 'i=0; while [ $(wc -l < /run/ticks) -le $old ]; do i=$((i + 1)); [ $i -lt 100 ]; sleep 0.3; done', 'echo SYSTEM=$(systemctl is-system-running)',
];

/** One build for each name, all with the same first two steps; each writes its `last` into /srv/last. */
export function copies(folder: string, disk: string, builds: { readonly [name: string]: { readonly last: string; readonly checkpoint?: 'always' | 'never' } }): Plan {
  const app = new App();
  for (const [name, { last, checkpoint = 'never' }] of Object.entries(builds)) {
    new ImageBuild(app, name, { sources: [new QemuSource({ diskImage: disk })], provisioners: [...begin(), new ShellProvisioner({ inline: [`echo ${last} > /srv/last`, ...look], checkpoint })] });
  }
  return synth(app, { folder }).plan;
}

/** A, with B and C on it, and D on B. `b`: B's second step. */
export function graph(folder: string, disk: string, b: string): Plan {
  const app = new App(), step = (inline: string, checkpoint: 'always' | 'never' = 'never') => new ShellProvisioner({ inline: [inline], checkpoint });
  const A = new ImageBuild(app, 'A', { sources: [new QemuSource({ diskImage: disk })], provisioners: [...begin(), new ShellProvisioner({ inline: ['echo one > /srv/last', ...look], checkpoint: 'always' })] });
  const B = new ImageBuild(app, 'B', { sources: [new QemuSource({ from: A })], provisioners: [step('sha256sum -c --quiet /srv/sum && echo B > /srv/b', 'always'), step(b)] });
  new ImageBuild(app, 'C', { sources: [new QemuSource({ from: A, useBackingFile: true })], provisioners: [step('cat /srv/last && echo C > /srv/c')] });
  new ImageBuild(app, 'D', { sources: [new QemuSource({ from: B })], provisioners: [step('echo FOUND=$(cat /srv/last /srv/b)')] });
  return synth(app, { folder }).plan;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, disk, milliseconds] = process.argv.slice(2) as [string, string, string];
  await run(copies(folder, disk, { A: { last: `killed after ${milliseconds}`, checkpoint: 'always' } }), {
    programFolder: folder, force: true, checkpoints: { store: storeIn(folder) },
    listen: event => { if (event.type === 'step-start' && event.label === 'save') setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(milliseconds)); },
  });
}
