import { type Benchmark, median } from './benchmark.js';
import { has } from '../test/support/needs.js';
import { compiled } from './workplace.js';

export default {
  about: '200 builds without a machine, one command each, in one process.',
  async run(place) {
    await compiled(place);
    place.write('images.ts', `import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';\nexport const app = new App();\nfor (let i = 0; i < 200; i++) new ImageBuild(app, 'b' + i, { sources: [new NullSource({ communicator: 'none' })], provisioners: [new ShellLocalProvisioner({ inline: ['true'] })] });\n`);
    const ours = [];
    for (let i = 0; i < 3; i++) ours.push(await place.bake(['build'], { memory: true, env: { BAKE_CACHE_DIR: `${place.folder}/cache-${i}` } }));
    let peer: { readonly milliseconds: number; readonly megabytes: number } | undefined;
    if (has('packer')) {
      place.write('all.json', JSON.stringify({ builders: Array.from({ length: 200 }, (_, i) => ({ type: 'null', name: `b${i}`, communicator: 'none' })), provisioners: [{ type: 'shell-local', inline: ['true'] }] }));
      peer = await place.run('packer', ['build', 'all.json'], { memory: true });
    }
    return [
      { figure: '200 null builds, wall (peer: packer build)', ours: median(ours.map(o => o.milliseconds)) / 1000, ...(peer ? { peer: peer.milliseconds / 1000 } : {}), unit: 's', goal: 3 },
      { figure: '200 null builds, memory of all processes', ours: median(ours.map(o => o.megabytes)), ...(peer ? { peer: peer.megabytes } : {}), unit: 'MB', goal: 300 },
    ];
  },
} satisfies Benchmark;
