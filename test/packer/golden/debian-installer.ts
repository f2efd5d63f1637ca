import { App, Duration, FileProvisioner, host, ImageBuild, ManifestPostProcessor, QemuSource, Secret, ShellProvisioner, Size, text, Variable } from '../../../lib/index.js';

export const app = new App();
const mirror = new Variable(app, 'mirror', { default: 'https://cdimage.debian.org/debian-cd/current/amd64/iso-cd', description: 'Where the installer comes from' });

new ImageBuild(app, 'debian', {
  description: 'Debian from its installer',
  sources: [new QemuSource({
    isoUrl: text`${mirror}/debian-12-amd64-netinst.iso`, isoChecksum: 'sha256:7f7fbb1f0f1b1f5e3f4f1b7d8d1b0b5f1e0e1c1d3c2b7f3c9d9b1a2c3d4e5f60', diskSize: Size.gib(20), memory: Size.gib(2),
    http: { directory: 'http' }, boot: { wait: Duration.seconds(5), command: ['<esc><wait>', text`auto url=http://${host.httpAddress}/preseed.cfg<enter>`] },
    ssh: { username: 'root', password: Secret.env('ROOT_PASSWORD'), timeout: Duration.minutes(30) }, shutdown: { command: 'shutdown -P now' }, qemuArgs: [['-device', 'virtio-rng-pci']],
  })],
  provisioners: [
    new FileProvisioner({ source: 'site/index.html', destination: '/srv/www/' }),
    new ShellProvisioner({ inline: ['apt-get update', 'apt-get install -y nginx-light'], maxRetries: 2, pauseBefore: Duration.seconds(10) }),
  ],
  postProcessors: [new ManifestPostProcessor({ output: 'output/manifest.json', stripPath: true })],
});

export const files = { 'http/preseed.cfg': '', 'site/index.html': '' };
export const vars = { root_password: 'x' };
