import { type Benchmark, interleaved, median } from './benchmark.js';
import { has } from '../test/support/needs.js';
import { manyBuilds, manyBuildsImport, namedFiles } from './programs.js';
import { compiled } from './workplace.js';

const program = (builds: number): string => `${manyBuildsImport}
export const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0' });
${manyBuilds(builds)}`;

export default {
  about: 'A program of 200 builds becomes a plan; 30 builds are checked.',
  async run(place) {
    await compiled(place);
    for (const [name, text] of namedFiles) place.write(name, text);
    place.write('images.ts', program(200));
    const whole: number[] = [];
    for (let i = 0; i < 5; i++) whole.push((await place.bake(['synth', '--out', `plan-${i}`])).milliseconds);
    const figures = [{ figure: 'bake synth, 200 builds with two sources and three steps each, from start to end', ours: median(whole), unit: 'ms', goal: 1000 as const }];
    if (!has('packer')) return figures;
    place.write('images.ts', `import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';\nexport const app = new App();\nfor (let i = 0; i < 30; i++) new ImageBuild(app, 'b' + i, { sources: [new NullSource({ communicator: 'none' })], provisioners: [new ShellLocalProvisioner({ inline: ['true'] })] });\n`);
    place.write('thirty.json', JSON.stringify({ builders: Array.from({ length: 30 }, (_, i) => ({ type: 'null', name: `b${i}`, communicator: 'none' })), provisioners: [{ type: 'shell-local', inline: ['true'] }] }));
    const thirty = await interleaved(3, async () => (await place.bake(['validate'])).milliseconds, async () => (await place.run('packer', ['validate', 'thirty.json'])).milliseconds);
    return [...figures, { figure: 'validate, 30 builds (peer: packer validate)', ...thirty, unit: 'ms', goal: '0.5x' as const }];
  },
} satisfies Benchmark;
