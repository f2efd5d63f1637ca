import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { base } from '../scripts/base/base.js';
import { hostRecipe } from '../scripts/base/recipe.js';
import type { Benchmark } from './benchmark.js';
import { measureRebuilds, storedBytes } from './rebuild.js';
import { packerProgram } from './packer-program.js';
import { compiled } from './workplace.js';

export default {
  about: 'Five steps of 3 s in a guest: cold, unchanged, last step changed, first step changed; against Packer on the same disk.',
  needs: ['qemu', 'base', 'packer'],
  async run(place) {
    await compiled(place);
    const { disk, rootPassword } = await base(place.note, hostRecipe()), store = join(place.folder, 'store'), packer = packerProgram;
    const env = { BAKE_CHECKPOINT_DIR: store, BAKE_CACHE_DIR: join(place.folder, 'cache') };
    const checksum = `sha256:${createHash('sha256').update(readFileSync(disk)).digest('hex')}`, spans = new Map<string, number>();
    const figures = await measureRebuilds(place, 'five steps in a guest', {
      write: steps => {
        place.write('images.ts', `import { App, ImageBuild, QemuSource, ShellProvisioner } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'five', {
  sources: [new QemuSource({ diskImage: ${JSON.stringify(disk)}, outputDirectory: 'ours' })],
  provisioners: ${JSON.stringify(steps)}.map(inline => new ShellProvisioner({ inline: [inline] })),
});
`);
        place.write('five.json', JSON.stringify({
          builders: [{
            type: 'qemu', iso_url: disk, iso_checksum: checksum, disk_image: true, format: 'qcow2', accelerator: 'tcg', memory: 1024, cpus: 2, headless: true, output_directory: 'packer', skip_resize_disk: true,
            ssh_username: 'root', ssh_password: rootPassword, ssh_timeout: '10m', shutdown_command: 'poweroff',
          }],
          provisioners: steps.map(inline => ({ type: 'shell', inline: [inline] })),
        }));
      },
      ours: async () => {
        const { milliseconds, out } = await place.bake(['build', '--force', '--json'], { env });
        for (const line of out.split('\n')) {
          const event = line.startsWith('{') ? JSON.parse(line) as { readonly type: string; readonly label?: string; readonly milliseconds?: number } : undefined;
          if (event?.type === 'step-end' && ['resume', 'connect', 'capture'].includes(event.label ?? '')) spans.set(event.label!, event.milliseconds! / 1000);
        }
        return milliseconds / 1000;
      },
      peer: async () => {
        rmSync(join(place.folder, 'packer'), { recursive: true, force: true });
        return (await place.run(packer, ['build', '-force', 'five.json'])).milliseconds / 1000;
      },
    }, { cold: '1x', unchanged: 1, 'last step changed': '0.2x' });
    const bare = await place.run(process.execPath, ['-e', '0']);
    const parts = ['resume', 'connect', 'capture'].reduce((sum, name) => sum + (spans.get(name) ?? 0), 0);
    return [...figures, { figure: 'the limit of "last step changed": start, restore, step, shutdown and flatten', ours: bare.milliseconds / 1000 + 3 + parts, unit: 's' }, await storedBytes(store)];
  },
} satisfies Benchmark;
