import { join } from 'node:path';
import { type Benchmark, interleaved } from './benchmark.js';
import { compiled, root } from './workplace.js';

const builds = 100;

/** What every program writes, whoever's types it is checked against. */
const body = `
export const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0' });
const password = new SecretVariable(app, 'password');
const base = new ImageBuild(app, 'base', { sources: [new QemuSource({ diskImage: 'base.qcow2', ssh: { username: 'root', password } })] });
${Array.from({ length: builds }, (_, i) => `
const web${i} = new ImageBuild(app, 'web-${i}', {
  description: 'Number ${i}',
  sources: [
    new QemuSource({ from: base, memory: Size.gib(2), diskSize: Size.gib(${10 + i}), ssh: { username: 'root', timeout: Duration.minutes(3) }, vmName: text\`web-\${version}-\${timestamp()}.qcow2\` }),
    new QemuSource({ name: 'big', diskImage: 'big.qcow2', ssh: { username: 'root' } }),
    new DockerSource({ image: 'debian:12', commit: true, changes: ['EXPOSE 80'] }),
  ],
  provisioners: [
    new FileProvisioner({ source: 'site/', destination: '/srv/www' }),
    new ShellProvisioner({ script: 'install.sh', environment: { VERSION: version, TOKEN: Secret.env('TOKEN') }, maxRetries: 2, timeout: Duration.minutes(10) }),
    new ShellProvisioner({ inline: ['echo ${i}', text\`echo \${version}\`], only: ['qemu', 'big'], override: { big: { inline: ['echo big'] } } }),
    new ShellProvisioner({ inline: ['growpart /dev/vda 1'], except: ['docker'] }),
  ],
  postProcessors: [new ManifestPostProcessor({ output: 'manifest-${i}.json' }), [new DockerTagPostProcessor({ repository: 'web', tags: [version], only: ['docker'] })]],
});
export const path${i} = web${i}.outputs.qemu.path;`).join('\n')}
`;
const names = 'App, DockerSource, DockerTagPostProcessor, Duration, FileProvisioner, ImageBuild, ManifestPostProcessor, QemuSource, Secret, SecretVariable, ShellProvisioner, Size, text, timestamp, Variable';

/** The same names as interfaces written by hand: no inference, no names of sources, no secrets told from text. */
const plain = `
export interface Ref { readonly ref: string }
export interface Secret { readonly secret: string }
type Text = string | Ref; type Amount = { readonly amount: number };
export class App { readonly app = true }
export class Variable implements Ref { readonly ref: string; constructor(app: App, id: string, props: { readonly default?: string }) { this.ref = id; } }
export class SecretVariable implements Secret { readonly secret: string; constructor(app: App, id: string) { this.secret = id; } }
export const Secret = { env: (name: string): Secret => ({ secret: name }) };
export const Size = { gib: (n: number): Amount => ({ amount: n }) };
export const Duration = { minutes: (n: number): Amount => ({ amount: n }) };
export const text = (strings: TemplateStringsArray, ...values: readonly Text[]): Ref => ({ ref: '' });
export const timestamp = (): Ref => ({ ref: '' });
export interface Ssh { readonly username?: Text; readonly password?: Secret; readonly port?: number; readonly timeout?: Amount; readonly privateKeyFile?: Text }
export interface Source { readonly name: string }
export interface QemuSourceProps { readonly name?: string; readonly diskImage?: Text; readonly from?: ImageBuild; readonly memory?: Amount; readonly diskSize?: Amount; readonly cpus?: number; readonly vmName?: Text; readonly ssh?: Ssh }
export class QemuSource implements Source { readonly name: string; constructor(props: QemuSourceProps) { this.name = props.name ?? 'qemu'; } }
export interface DockerSourceProps { readonly name?: string; readonly image?: Text; readonly commit?: boolean; readonly changes?: readonly Text[] }
export class DockerSource implements Source { readonly name: string; constructor(props: DockerSourceProps) { this.name = props.name ?? 'docker'; } }
export interface Settings { readonly only?: readonly string[]; readonly except?: readonly string[]; readonly maxRetries?: number; readonly timeout?: Amount }
export interface Step { readonly step: true }
export interface FileProvisionerProps extends Settings { readonly source?: Text; readonly destination: Text }
export class FileProvisioner implements Step { readonly step = true; constructor(props: FileProvisionerProps) {} }
export interface ShellFields { readonly inline?: readonly Text[]; readonly script?: Text; readonly environment?: { readonly [name: string]: Text | Secret } }
export interface ShellProvisionerProps extends Settings, ShellFields { readonly override?: { readonly [source: string]: ShellFields } }
export class ShellProvisioner implements Step { readonly step = true; constructor(props: ShellProvisionerProps) {} }
export interface PostProcessor { readonly post: true }
export class ManifestPostProcessor implements PostProcessor { readonly post = true; constructor(props: { readonly output?: Text; readonly only?: readonly string[] }) {} }
export class DockerTagPostProcessor implements PostProcessor { readonly post = true; constructor(props: { readonly repository: Text; readonly tags?: readonly Text[]; readonly only?: readonly string[] }) {} }
export interface ImageBuildProps { readonly description?: string; readonly sources: readonly Source[]; readonly provisioners?: readonly Step[]; readonly postProcessors?: readonly (PostProcessor | readonly PostProcessor[])[] }
export class ImageBuild { readonly outputs: { readonly [source: string]: { readonly [output: string]: Ref } } = {}; constructor(app: App, id: string, props: ImageBuildProps) {} }
`;

export default {
  about: `tsc on a program of ${builds} builds, against the same program and interfaces written by hand.`,
  async run(place) {
    await compiled(place);
    place.write('ours.ts', `import { ${names} } from 'imagebake';\n${body}`);
    place.write('plain.ts', plain);
    place.write('peer.ts', `import { ${names} } from './plain.js';\n${body.replaceAll('.outputs.qemu.path', ".outputs['qemu']!['path']!")}`);
    const check = (file: string) => async (): Promise<number> => (await place.run(process.execPath, [
      join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--skipLibCheck', '--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), file,
    ])).milliseconds;
    const times = await interleaved(5, check('ours.ts'), check('peer.ts'));
    return [{ figure: `tsc --noEmit --skipLibCheck, ${builds} builds of three sources (peer: plain interfaces)`, ...times, unit: 'ms', goal: '1.6x' as const }];
  },
} satisfies Benchmark;
