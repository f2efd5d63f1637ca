import { type Benchmark, interleaved, median } from './benchmark.js';
import { compiled } from './workplace.js';

export default {
  about: 'How long the command line takes to say something.',
  async run(place) {
    await compiled(place);
    const bare = (): Promise<number> => place.run(process.execPath, ['-e', '0']).then(r => r.milliseconds);
    const help = await interleaved(11, async () => (await place.bake(['--help'])).milliseconds, bare);
    place.write('images.ts', `import { App, ImageBuild, NullSource } from 'imagebake';\nconst app = new App();\nnew ImageBuild(app, 'one', { sources: [new NullSource({ communicator: 'none' })] });\nawait app.run(import.meta);\n`);
    const list: number[] = [];
    for (let i = 0; i < 7; i++) list.push((await place.bake(['list'])).milliseconds);
    return [
      { figure: 'bake --help (peer: node -e 0)', ...help, unit: 'ms', goal: 300 },
      { figure: 'bake list, a program of one build', ours: median(list), unit: 'ms' },
    ];
  },
} satisfies Benchmark;
