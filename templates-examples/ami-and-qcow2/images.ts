// One set of steps, two images side by side: a qcow2 for our own hypervisors and an AMI for Amazon. `bake policy aws` says what whoever builds must
// be allowed to do there; `bake gc --aws` finds what a killed build has left.
import {
  AmazonEbsSource, App, FileProvisioner, ImageBuild, ManifestPostProcessor, QemuSource, ShellProvisioner, sourceImage, SsmParameterPostProcessor, text, timestamp, Variable,
} from 'imagebake';

export const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0', description: 'Release that goes into the images' });
const disk = new Variable(app, 'disk', { default: 'debian-12-nocloud-amd64.qcow2', description: 'Disk image to start from' });
const region = new Variable(app, 'region', { default: 'eu-central-1', description: 'Region to build the AMI in' });
const login = new Variable(app, 'login', { default: 'admin', description: 'User that the source AMI lets in' });
const port = new Variable<number>(app, 'port', { default: 22, description: 'Port of its SSH server' });
const from = new Variable(app, 'from', { default: '', description: 'Who may connect while the AMI is built, in CIDR notation; only this computer when empty' });
const packages = new Variable(app, 'packages', { default: 'nginx-light', description: 'What to install' });

// The disk lets root in, the AMI a user who may become root.
const override = { 'amazon-ebs': { executeCommand: `${login.value === 'root' ? '' : 'sudo '}env {{ .Vars }} {{ .Path }}` } };

export const web = new ImageBuild(app, 'web', {
  description: 'A web server, on our own hypervisors and on Amazon',
  sources: [
    new QemuSource({ diskImage: disk, outputDirectory: 'output', vmName: 'web.qcow2' }),
    new AmazonEbsSource({
      region, instanceType: 't3.small', fallbackInstanceTypes: ['t3a.small', 't2.small'], ssh: { username: login, port },
      sourceAmiFilter: { owners: ['136693071363'], filters: { name: 'debian-12-amd64-*', 'root-device-type': 'ebs' }, mostRecent: true },
      amiName: text`web-${version}-${timestamp()}`, tags: { Release: version, Base: sourceImage.name }, retention: { family: 'web', keep: 5 },
      ...(from.value === '' ? {} : { temporarySecurityGroupSourceCidrs: [from] }),
    }),
  ],
  provisioners: [
    ...(packages.value === '' ? [] : [new ShellProvisioner({ name: 'packages', inline: ['apt-get update', `apt-get install -y ${packages.value}`], override })]),
    new FileProvisioner({ source: 'site/', destination: '/tmp/site' }),
    new ShellProvisioner({ name: 'site', inline: ['mkdir -p /srv/www', 'cp -r /tmp/site/. /srv/www/', 'sed -i "s/@VERSION@/$VERSION/" /srv/www/index.html', 'rm -r /tmp/site'], environment: { VERSION: version }, override }),
    new ShellProvisioner({ name: 'disk', only: ['amazon-ebs'], inline: ['df -h /'] }),
  ],
  postProcessors: [new SsmParameterPostProcessor({ parameter: '/images/web', only: ['amazon-ebs'] }), new ManifestPostProcessor({ output: 'manifest.json' })],
});

await app.run(import.meta);
