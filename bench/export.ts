import { createRequire } from 'node:module';
import { type Benchmark, interleaved, median } from './benchmark.js';
import { namedFiles } from './programs.js';
import { compiled } from './workplace.js';

const program = `import { App, FileProvisioner, ImageBuild, ManifestPostProcessor, QemuSource, Secret, ShellProvisioner, Size, Variable, text, timestamp } from 'imagebake';
import { PackerAmazonEbsSource } from 'imagebake/packer';
export const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0' });
for (let i = 0; i < 200; i++) {
  new ImageBuild(app, 'web-' + i, {
    sources: [
      new QemuSource({ diskImage: 'base.qcow2', memory: Size.gib(2), ssh: { username: 'root', password: Secret.env('PASSWORD') }, vmName: text\`web-\${version}-\${timestamp()}.qcow2\` }),
      new PackerAmazonEbsSource({ region: 'eu-central-1', sourceAmi: 'ami-1', instanceType: 't3.small', sshUsername: 'admin', amiName: text\`web-\${version}-\${timestamp()}\`, tags: { version, number: '' + i } }),
    ],
    provisioners: [
      new FileProvisioner({ source: 'site.conf', destination: '/etc/site.conf' }),
      new ShellProvisioner({ script: 'install.sh', environment: { VERSION: version } }),
      new ShellProvisioner({ inline: ['echo ' + i], only: ['qemu'] }),
    ],
    postProcessors: [new ManifestPostProcessor({})],
  });
}
`;

export default {
  about: "A program of 200 builds becomes Packer's HCL and JSON; what the classes of imagebake/packer cost to import and to compile.",
  async run(place) {
    await compiled(place);
    for (const [name, text] of [...namedFiles, ['images.ts', program]] as const) place.write(name, text);
    const took = async (format: string): Promise<number> => {
      const samples: number[] = [];
      for (let i = 0; i < 5; i++) samples.push((await place.bake(['synth', '--format', format, '--out', `${format}-${i}`])).milliseconds);
      return median(samples);
    };
    const hcl = await took('packer-hcl'), json = await took('packer-json');

    // Each against a program that imports only the rest, so that the difference is what the classes cost.
    const run = (file: string) => async (): Promise<number> => (await place.run('node', [file])).milliseconds;
    place.write('with.mjs', `import 'imagebake';\nimport { PackerQemuSource } from 'imagebake/packer';\nnew PackerQemuSource({});\n`);
    place.write('without.mjs', `import 'imagebake';\n`);
    const imported = await interleaved(5, run('with.mjs'), run('without.mjs'));
    const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
    const compile = (file: string) => async (): Promise<number> => (await place.run('node', [tsc, '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2022', file])).milliseconds;
    place.write('with.ts', `import { App, ImageBuild } from 'imagebake';\nimport { PackerQemuSource } from 'imagebake/packer';\nnew ImageBuild(new App(), 'x', { sources: [new PackerQemuSource({ isoUrl: 'x' })] });\n`);
    place.write('without.ts', `import { App, ImageBuild, NullSource } from 'imagebake';\nnew ImageBuild(new App(), 'x', { sources: [new NullSource({})] });\n`);
    const typed = await interleaved(3, compile('with.ts'), compile('without.ts'));
    return [
      { figure: 'bake synth --format packer-hcl, 200 builds with two sources and three steps each, from start to end', ours: hcl, unit: 'ms', goal: 1000 },
      { figure: 'bake synth --format packer-json, the same', ours: json, unit: 'ms', goal: 1000 },
      { figure: "import 'imagebake/packer', beyond 'imagebake'", ours: imported.ours - imported.peer, unit: 'ms', goal: 50 },
      { figure: "tsc of a program that imports 'imagebake/packer', beyond one that does not", ours: typed.ours - typed.peer, unit: 'ms', goal: 500 },
    ];
  },
} satisfies Benchmark;
