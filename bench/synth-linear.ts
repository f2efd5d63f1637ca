import { type Benchmark, median } from './benchmark.js';
import { manyBuilds, manyBuildsImport, namedFiles } from './programs.js';
import { compiled } from './workplace.js';

/** Synthesizes as often as asked, in one process; prints the milliseconds of each. */
const program = `
${manyBuildsImport}
const { trySynth } = await import(new URL('./node_modules/imagebake/dist/lib/synth/synth.js', import.meta.url));
for (const builds of JSON.parse(process.argv[2])) {
  const begun = performance.now();
  const app = new App();
  const version = new Variable(app, 'version', { default: '1.0.0' });
  ${manyBuilds('builds')}
  const { plan, problems } = trySynth(app, { folder: import.meta.dirname });
  if (problems.length > 0 || plan.targets.length !== 2 * builds) throw new Error(JSON.stringify(problems.slice(0, 3)));
  console.log(performance.now() - begun);
}
`;

export default {
  about: 'A program of 500, 1,000 and 2,000 builds becomes a plan: twice the builds, twice the time.',
  async run(place) {
    await compiled(place);
    for (const [name, text] of namedFiles) place.write(name, text);
    const file = place.write('linear.mjs', program), sizes = [500, 1000, 2000], times = new Map<number, number[]>(sizes.map(size => [size, []]));
    for (let i = 0; i < 5; i++) {
      // Each size in a process of its own, after a small one that warms it up.
      for (const size of sizes) {
        const lines = (await place.run(process.execPath, [file, JSON.stringify([100, size])])).out.trim().split('\n');
        times.get(size)!.push(Number(lines.at(-1)));
      }
    }
    const [half, whole, twice] = sizes.map(size => median(times.get(size)!)) as [number, number, number];
    return [
      { figure: 'construct and synth 500 builds of two sources and three steps', ours: half, unit: 'ms' },
      { figure: '1,000 builds', ours: whole, unit: 'ms', goal: 4000 },
      { figure: '2,000 builds (peer: twice 1,000)', ours: twice, peer: 2 * whole, unit: 'ms', goal: '1.3x' as const },
    ];
  },
} satisfies Benchmark;
