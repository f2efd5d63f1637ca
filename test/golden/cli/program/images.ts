import { App, ChecksumPostProcessor, DockerSource, DockerTagPostProcessor, Duration, FileSource, ImageBuild, ManifestPostProcessor, NullSource, SecretVariable, ShellLocalProvisioner, Size, text, timestamp, Variable } from 'imagebake';

export const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0', description: 'Release that goes into the image' });
const mirrors = new Variable(app, 'mirrors', { default: ['deb.debian.org'] });
const token = new SecretVariable(app, 'token', { description: 'Of the registry' });

const motd = new ImageBuild(app, 'motd', {
  description: 'The greeting of every machine',
  sources: [new FileSource({ content: text`Welcome to ${version}, built at ${timestamp()}\n`, target: 'out/motd' })],
  postProcessors: [[new ChecksumPostProcessor({ checksumTypes: ['sha256'] }), new ManifestPostProcessor({ output: 'out/manifest.json' })]],
});

const base = new ImageBuild(app, 'base', {
  sources: [new DockerSource({ image: 'debian:12', commit: true })],
  provisioners: [new ShellLocalProvisioner({ name: 'note', script: 'scripts/note.sh', environment: { MIRRORS: text`${mirrors}` }, timeout: Duration.minutes(5) })],
});

new ImageBuild(app, 'web', {
  description: 'Web servers',
  sources: [new DockerSource({ from: base, commit: true, message: text`web ${version}` }), new NullSource({ communicator: 'none' })],
  provisioners: [
    new ShellLocalProvisioner({ inline: ['cat "$MOTD"'], environment: { MOTD: motd.outputs.file.path }, maxRetries: 2, pauseBefore: Duration.seconds(90) }),
    new ShellLocalProvisioner({ inline: [`head -c ${Size.kib(4).$size} /dev/zero > /dev/null`], environment: { TOKEN: token }, only: ['null'] }),
  ],
  errorCleanup: [new ShellLocalProvisioner({ inline: ['true'] })],
  postProcessors: [new DockerTagPostProcessor({ repository: 'web', tags: ['latest'], only: ['docker'] })],
});
await app.run(import.meta);
