/** The language with the components that there are: what must compile, and under each directive what must not. */
import {
  AmazonEbsSource, App, DockerSource, Duration, FileProvisioner, HttpData, ImageBuild, ManifestPostProcessor, matrix, member, QemuSource, type Ref, Secret, SecretVariable, ShellLocalProvisioner, ShellProvisioner, Size, text, timestamp, Variable,
} from '../../lib/index.js';

const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0' });
const port = new Variable<number>(app, 'port');
const password = new SecretVariable(app, 'password');
const release = new HttpData<{ version: string }>(app, 'release', { url: 'https://example.com/' });

export const base = new ImageBuild(app, 'base', { sources: [new QemuSource({ diskImage: 'd.qcow2', ssh: { username: 'root', password } })] });
export const web = new ImageBuild(app, 'web', {
  sources: [
    new QemuSource({ from: base, ssh: { username: 'root', port } }), new QemuSource({ name: 'big', diskImage: text`${version}.qcow2`, diskSize: Size.gib(80), memory: Size.mib(512) }),
    new AmazonEbsSource({ region: 'eu-central-1', instanceType: 't3.small', sourceAmi: 'ami-1', ssh: { username: 'admin' }, amiName: text`web-${version}-${timestamp()}` }),
    new DockerSource({ image: 'debian:12', commit: true, changes: [text`LABEL v=${version}`] }),
  ],
  provisioners: [
    new FileProvisioner({ source: new URL('./site', import.meta.url), destination: '/srv/www' }),
    new ShellProvisioner({ inline: ['a', text`b ${version}`], environment: { A: version, B: Secret.env('X'), C: password, D: member(release.outputs.json, 'version') }, timeout: Duration.minutes(5) }),
    new ShellProvisioner({ inline: ['growpart /dev/xvda 1'], only: ['amazon-ebs'] }),
    new ShellProvisioner({ inline: ['a'], only: ['big'], override: { 'amazon-ebs': { inline: ['b'] } } }),
    new ShellLocalProvisioner({ command: 'true', except: ['docker'] }),
  ],
  postProcessors: [new ManifestPostProcessor({ output: 'm.json', only: ['qemu'] }), [new ManifestPostProcessor({})]],
});
export const outputs: readonly Ref<string>[] = [web.outputs.qemu.path, web.outputs.big.path, web.outputs['amazon-ebs'].amiId, web.outputs.docker.imageId];
new ImageBuild(app, 'next', { sources: [new QemuSource({ diskImage: web.outputs.big.path })] });
export const cells = matrix({ os: ['debian', 'ubuntu'] }, c => new ImageBuild(app, c.id, { sources: [new QemuSource({ diskImage: `${c.os}.qcow2` })] }));
const dynamic = new ImageBuild(app, 'dynamic', { sources: ['a', 'b'].map(name => new QemuSource({ name, diskImage: name })), provisioners: [new ShellProvisioner({ inline: [], only: ['whatever'] })] });
export const maybe: Ref<string> | undefined = dynamic.outputs['a']?.path;
export const optional = (flag: boolean): QemuSource => new QemuSource({ diskImage: flag ? 'x' : undefined, from: flag ? undefined : base });

// @ts-expect-error diskImagee: a typo
new QemuSource({ diskImagee: 'x' });
// @ts-expect-error diskSize: a number where a size belongs
new QemuSource({ diskSize: 40 });
// @ts-expect-error memory: a duration where a size belongs
new QemuSource({ memory: Duration.minutes(1) });
// @ts-expect-error vmName: a secret in a plain field
new QemuSource({ vmName: Secret.env('X') });
// @ts-expect-error vmName: a secret variable in a plain field
new QemuSource({ vmName: password });
// @ts-expect-error vmName: text with a secret in a plain field
new QemuSource({ vmName: text`a${password}` });
// @ts-expect-error password: text in a secret field
new QemuSource({ ssh: { username: 'root', password: 'hunter2' } });
// @ts-expect-error vmName: a variable of numbers for text
new QemuSource({ vmName: port });
// @ts-expect-error Secret: a secret in a command line
new ShellProvisioner({ inline: [Secret.env('X')] });
// @ts-expect-error vmware: a source that the build does not have, in only
new ImageBuild(app, 'bad', { sources: [new QemuSource({ diskImage: 'x' })], provisioners: [new ShellProvisioner({ inline: [], only: ['vmware'] })] });
// @ts-expect-error amazon-ebs: a source that the build does not have, in override
new ImageBuild(app, 'bad2', { sources: [new QemuSource({ diskImage: 'x' })], provisioners: [new ShellProvisioner({ inline: [], override: { 'amazon-ebs': { inline: [] } } })] });
// @ts-expect-error docker: a source that the build does not have, in a post-processor
new ImageBuild(app, 'bad3', { sources: [new QemuSource({ diskImage: 'x' })], postProcessors: [new ManifestPostProcessor({ only: ['docker'] })] });
// @ts-expect-error inlin: a typo in an override
new ShellProvisioner({ inline: [], override: { qemu: { inlin: [] } } });
// @ts-expect-error amiId: an output of another kind
web.outputs.qemu.amiId;
// @ts-expect-error vmware: outputs of a source that is not there
web.outputs.vmware;
// @ts-expect-error from: a build without a source of the type
new QemuSource({ from: new ImageBuild(app, 'ami', { sources: [new DockerSource({ image: 'x', commit: true })] }) });
// @ts-expect-error vrsion: a member that the JSON does not have
member(release.outputs.json, 'vrsion');
