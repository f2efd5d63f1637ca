import { rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { base } from '../scripts/base/base.js';
import type { Benchmark } from './benchmark.js';
import { packerGuest, runPacker, sameMachine } from './packer-guest.js';
import { measureRebuilds, storedBytes } from './rebuild.js';
import { compiled } from './workplace.js';

/** What remains of a rebuild whose last step changed, besides that step. */
const rest = ['resume', 'connect', 'capture'];

export default {
  about: 'Five steps of 3 s in a guest: cold, unchanged, last step changed, first step changed; against Packer on the same disk.',
  needs: ['qemu', 'base', 'packer'],
  async run(place) {
    await compiled(place);
    const { disk, rootPassword } = await base(place.note), store = join(place.folder, 'store');
    const env = { BAKE_CHECKPOINT_DIR: store, BAKE_CACHE_DIR: join(place.folder, 'cache') };
    let spans = new Map<string, number>(), ofLast = spans;
    const figures = await measureRebuilds(place, 'five steps in a guest', {
      write: steps => {
        place.write('images.ts', `import { App, ImageBuild, QemuSource, ShellProvisioner } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'five', {
  sources: [new QemuSource({ diskImage: ${JSON.stringify(disk)}, ${sameMachine}, outputDirectory: 'ours' })],
  provisioners: ${JSON.stringify(steps)}.map(inline => new ShellProvisioner({ inline: [inline] })),
});
`);
        place.write('five.json', packerGuest(disk, rootPassword, steps.map(inline => [inline])));
      },
      ours: async (_steps, change) => {
        spans = new Map();
        const { milliseconds, out } = await place.bake(['build', '--force', '--json'], { env });
        for (const line of out.split('\n')) {
          const event = line.startsWith('{') ? JSON.parse(line) as { readonly type: string; readonly label?: string; readonly outcome?: string; readonly milliseconds?: number } : undefined;
          if (event?.type === 'step-end' && event.outcome !== 'cached') spans.set(event.label!, (spans.get(event.label!) ?? 0) + event.milliseconds! / 1000);
        }
        if (change === 'last step changed') ofLast = spans;
        place.note(`${change}, at a load of ${loadavg()[0]!.toFixed(1)}: ${[...spans].map(([label, seconds]) => `${label} ${seconds.toFixed(2)}`).join(', ')}`);
        return milliseconds / 1000;
      },
      peer: async () => {
        rmSync(join(place.folder, 'packer'), { recursive: true, force: true });
        return runPacker(place);
      },
    }, { cold: '1x', unchanged: 1, 'last step changed': '0.2x' });
    const bare = await place.run(process.execPath, ['-e', '0']), limit = bare.milliseconds / 1000 + 3 + rest.reduce((sum, name) => sum + (ofLast.get(name) ?? 0), 0);
    const resumed = (ofLast.get('resume') ?? 0) + (ofLast.get('connect') ?? 0);
    return [...figures, { figure: 'a saved machine: from the start to a new login', ours: resumed, unit: 's', goal: 5 }, { figure: 'the limit of "last step changed": start, restore, step, shutdown and flatten', ours: limit, unit: 's' }, await storedBytes(store)];
  },
} satisfies Benchmark;
