import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { containerBase } from '../scripts/base/base.js';
import type { Benchmark, Figure } from './benchmark.js';
import { measureRebuilds, storedBytes } from './rebuild.js';
import { packerProgram } from './packer-program.js';
import { compiled } from './workplace.js';

export default {
  about: 'Five steps of 3 s in a container: cold, unchanged, last step changed, first step changed; against Packer.',
  needs: ['docker', 'docker-cli', 'base', 'packer'],
  async run(place) {
    await compiled(place);
    const image = await containerBase(place.note), name = `bake-rebuild-${process.pid}`, store = join(place.folder, 'store');
    const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const check = (tag: string, steps: readonly string[]): void => {
      const found = docker('run', '--rm', '--network', 'none', '--entrypoint', 'sh', `${name}:${tag}`, '-c', 'cat /srv/step-*').trim().split('\n');
      if (found.join() !== steps.map(step => /echo (\S+)/.exec(step)![1]).join()) throw new Error(`the image ${tag} is wrong: ${found.join()}`);
    };
    const env = { BAKE_CHECKPOINT_DIR: store, BAKE_CACHE_DIR: join(place.folder, 'cache') }, packer = packerProgram;
    const bake = async (): Promise<number> => (await place.bake(['build', '--force'], { env })).milliseconds / 1000;
    try {
      const figures: Figure[] = await measureRebuilds(place, 'five steps in a container', {
        write: steps => {
          place.write('images.ts', `import { App, DockerSource, DockerTagPostProcessor, ImageBuild, ShellProvisioner } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'five', {
  sources: [new DockerSource({ image: '${image}', commit: true })],
  provisioners: ${JSON.stringify(steps)}.map(inline => new ShellProvisioner({ inline: [inline] })),
  postProcessors: [new DockerTagPostProcessor({ repository: '${name}', tags: ['ours'] })],
});
`);
          place.write('five.json', JSON.stringify({
            builders: [{ type: 'docker', image, pull: false, commit: true }], provisioners: steps.map(inline => ({ type: 'shell', inline: [inline] })), 'post-processors': [{ type: 'docker-tag', repository: name, tag: ['packer'] }],
          }));
        },
        ours: async steps => { const seconds = await bake(); check('ours', steps); return seconds; },
        peer: async steps => { const { milliseconds } = await place.run(packer, ['build', 'five.json']); check('packer', steps); return milliseconds / 1000; },
      }, { cold: '1x', unchanged: 1, 'last step changed': '0.2x' });
      const begun = performance.now();
      docker('run', '--rm', '--network', 'none', image, 'sh', '-c', 'sleep 3');
      figures.push({ figure: 'the limit of "last step changed": docker run of one step', ours: (performance.now() - begun) / 1000, unit: 's' }, await storedBytes(store));
      return figures;
    } finally {
      await place.bake(['cache', 'prune', '--all'], { env }).catch(() => {});
      for (const tag of ['ours', 'packer']) { try { docker('rmi', '-f', `${name}:${tag}`); } catch { /* not made */ } }
    }
  },
} satisfies Benchmark;
