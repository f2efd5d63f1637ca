import { execFileSync } from 'node:child_process';
import { containerBase } from '../scripts/base/base.js';
import { type Benchmark, interleaved, median } from './benchmark.js';
import { compiled } from './workplace.js';

const steps = Array.from({ length: 10 }, (_, i) => `echo ${i} >> /steps`);

export default {
  about: 'Ten small steps in a container, committed and tagged, nothing known before; against Packer and docker build.',
  needs: ['docker', 'docker-cli', 'base', 'packer'],
  async run(place) {
    await compiled(place);
    const image = await containerBase(place.note), docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const name = `bake-bench-${process.pid}`;
    let run = 0;
    place.write('images.ts', `import { App, DockerSource, DockerTagPostProcessor, ImageBuild, ShellProvisioner } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'ten', {
  sources: [new DockerSource({ image: '${image}', commit: true })],
  provisioners: ${JSON.stringify(steps)}.map(inline => new ShellProvisioner({ inline: [inline] })),
  postProcessors: [new DockerTagPostProcessor({ repository: '${name}', tags: ['ours'] })],
});
`);
    place.write('ten.json', JSON.stringify({
      builders: [{ type: 'docker', image, pull: false, commit: true }], provisioners: steps.map(inline => ({ type: 'shell', inline: [inline] })),
      'post-processors': [{ type: 'docker-tag', repository: name, tag: ['packer'] }],
    }));
    place.write('Dockerfile', `FROM ${image}\n${steps.map(step => `RUN ${step}\n`).join('')}`);
    const same = (tag: string): void => { if (docker('run', '--rm', '--entrypoint', 'cat', `${name}:${tag}`, '/steps') !== steps.map((_, i) => `${i}\n`).join('')) throw new Error(`the image ${tag} is wrong`); };
    try {
      const both = await interleaved(5,
        async () => { const { milliseconds } = await place.bake(['build'], { env: { BAKE_CACHE_DIR: `${place.folder}/cache-${run++}` } }); same('ours'); return milliseconds / 1000; },
        async () => { const { milliseconds } = await place.run('packer', ['build', 'ten.json']); same('packer'); return milliseconds / 1000; });
      const plain: number[] = [];
      for (let i = 0; i < 3; i++) plain.push((await place.run('docker', ['build', '--no-cache', '-q', '-t', `${name}:plain`, '-f', 'Dockerfile', place.folder], { env: { DOCKER_BUILDKIT: '0' } })).milliseconds / 1000);
      return [
        { figure: 'ten steps, committed and tagged (peer: packer build)', ...both, unit: 's', goal: '0.75x' },
        { figure: 'the same (peer: docker build --no-cache)', ours: both.ours, peer: median(plain), unit: 's' },
      ];
    } finally {
      for (const tag of ['ours', 'packer', 'plain']) { try { docker('rmi', '-f', `${name}:${tag}`); } catch { /* not made */ } }
    }
  },
} satisfies Benchmark;
