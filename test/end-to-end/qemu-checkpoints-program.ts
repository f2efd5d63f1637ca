/** The programs of the checkpoint tests with real guests; as a script, a build that kills itself while a machine is saved: `… <folder> <disk> <milliseconds>`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, ImageBuild, QemuSource, ShellProvisioner } from '../../lib/index.js';
import type { Event } from '../../lib/events.js';
import type { Plan } from '../../lib/plan.js';
import { CheckpointStore } from '../../lib/runtime/checkpoints/store.js';
import type { RunResult } from '../../lib/runtime/results.js';
import { run } from '../../lib/runtime/run.js';
import { synth } from '../../lib/synth/synth.js';

export const storeIn = (folder: string): CheckpointStore => new CheckpointStore(join(folder, 'store'));

/** What every build here begins with: something that runs, and some data. */
const begin = () => [
  new ShellProvisioner({ inline: ['(while :; do echo tick >> /run/ticks; sleep 0.2; done) >/dev/null 2>&1 </dev/null &', 'echo $! > /run/ticker', 'cat /proc/sys/kernel/random/boot_id'], checkpoint: 'always' }),
  new ShellProvisioner({ inline: [
    'yes imagebake | head -c 8000000 > /srv/data', 'sha256sum /srv/data > /srv/sum',
    // Of each kind that a file can be.
    'cd /srv && mkdir -m 2750 kinds && cd kinds && install -m 4711 -o daemon -g games /bin/true tool && ln tool same && ln -s ../data link && mkfifo -m 600 pipe && mknod zero c 1 5',
    // setxattr, for which a small system has no program.
    `perl -e '($file, $name, $value) = ("same", "user.bake", "kept"); syscall(188, $file, $name, $value, 4, 0) == 0 or die $!'`, 'sync',
  ], checkpoint: 'always' }),
];
/** The last step: what a guest that goes on must be able to say. */
const look = [
  'echo BOOT=$(cat /proc/sys/kernel/random/boot_id)', 'echo TIME=$(date +%s%N)', 'echo RANDOM=$(od -An -N16 -tx1 /dev/urandom | tr -d " ")', 'kill -0 $(cat /run/ticker)',
  // Cold from the disk, not from what memory still holds of it.
  'echo 3 > /proc/sys/vm/drop_caches', 'sha256sum -c --quiet /srv/sum', 'old=$(wc -l < /run/ticks)', 'i=0; while [ $(wc -l < /run/ticks) -le $old ]; do i=$((i + 1)); [ $i -lt 100 ]; sleep 0.3; done', 'systemctl is-active ssh qemu-guest-agent', 'echo SYSTEM=$(systemctl is-system-running)',
];

/** One build for each name, all with the same first two steps; each writes its `last` into /srv/last. */
export function copies(folder: string, disk: string, builds: { readonly [name: string]: { readonly last: string; readonly checkpoint?: 'always' | 'never' } }): Plan {
  const app = new App();
  for (const [name, { last, checkpoint = 'never' }] of Object.entries(builds)) {
    new ImageBuild(app, name, { sources: [new QemuSource({ diskImage: disk })], provisioners: [...begin(), new ShellProvisioner({ inline: [`echo ${last} > /srv/last`, ...look], checkpoint })] });
  }
  return synth(app, { folder }).plan;
}

/** A, and more builds on it. */
export function onOne(folder: string, disk: string, names: readonly string[]): Plan {
  const app = new App();
  const A = new ImageBuild(app, 'A', { sources: [new QemuSource({ diskImage: disk })], provisioners: [...begin(), new ShellProvisioner({ inline: ['echo one > /srv/last', ...look], checkpoint: 'always' })] });
  for (const name of names) new ImageBuild(app, name, { sources: [new QemuSource({ from: A })], provisioners: [new ShellProvisioner({ inline: ['sha256sum -c --quiet /srv/sum', `echo ${name} > /srv/name`, 'echo FOUND=$(cat /srv/last)'], checkpoint: 'never' })] });
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

export interface Seen extends RunResult {
  readonly events: readonly Event[];
  readonly outcomes: readonly string[];
  readonly notes: string;
  /** What guests said, by name of the thing, in order. */
  said(name: string): string[];
  /** Labels of steps that really ran. */
  ran(target: string): string[];
}

/** Builds a plan in this process; what stands there is replaced. `from`: a step that is done again, and all after it. */
export async function build(folder: string, plan: Plan, listen: (event: Event) => void = () => {}, from?: string): Promise<Seen> {
  const events: Event[] = [];
  const result = await run(plan, { programFolder: folder, force: true, checkpoints: { store: storeIn(folder), ...(from === undefined ? {} : { from }) }, listen: [event => { events.push(event); }, listen] });
  return {
    ...result, events, outcomes: result.targets.map(t => `${t.target} ${t.outcome}`),
    notes: events.flatMap(e => (e.type === 'note' || e.type === 'warning' ? [e.message] : e.type === 'step-end' && e.error ? [e.error.message] : [])).join('\n'),
    said: name => events.flatMap(e => (e.type === 'output' ? [...e.text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(m => m[1]!) : [])),
    ran: target => events.flatMap(e => (e.type === 'step-end' && e.step[0] === target && e.step.length === 2 && e.outcome !== 'cached' && /^(start|resume|capture)$|\/shell/.test(e.label) ? [e.label] : [])),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder, disk, milliseconds] = process.argv.slice(2) as [string, string, string];
  await run(copies(folder, disk, { A: { last: `killed after ${milliseconds}`, checkpoint: 'always' } }), {
    programFolder: folder, force: true, checkpoints: { store: storeIn(folder) },
    listen: event => { if (event.type === 'step-start' && event.label === 'save') setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(milliseconds)); },
  });
}
