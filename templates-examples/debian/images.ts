// A Debian with a greeting, as a disk that boots and as a container. `npm start` builds it from a base system that it makes itself; with a disk
// image of your own: npx tsx images.ts --var disk=debian-12-nocloud-amd64.qcow2
import { App, DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, ManifestPostProcessor, QemuSource, ShellProvisioner, Variable } from 'imagebake';

export const app = new App();
const disk = new Variable(app, 'disk', { default: 'base.qcow2', description: 'Disk image to start from: a Debian or Ubuntu that lets root in with an SSH key' });
const container = new Variable(app, 'container', { default: '', description: 'Container image to start from; no container is built without it' });

const inContainer = container.value === '' ? [] : [new DockerSource({ image: container, pull: false, commit: true, changes: ['CMD ["cat", "/etc/motd"]'] })];

new ImageBuild(app, 'debian', {
  description: 'Debian with a greeting',
  sources: [new QemuSource({ diskImage: disk, outputDirectory: 'output', vmName: 'debian.qcow2' }), ...inContainer],
  provisioners: [
    new FileProvisioner({ source: 'files/motd', destination: '/etc/motd' }),
    new ShellProvisioner({ inline: ['. /etc/os-release', 'echo "This is $PRETTY_NAME, built on $(date -u +%F) by imagebake." >> /etc/motd'] }),
    new ShellProvisioner({ name: 'machine', only: ['qemu'], inline: ['echo debian > /etc/hostname', 'uname -r'] }),
  ],
  postProcessors: [
    ...(inContainer.length > 0 ? [new DockerTagPostProcessor({ only: ['docker'], repository: 'imagebake-first' })] : []),
    new ManifestPostProcessor({ output: 'output/manifest.json' }),
  ],
});

await app.run(import.meta);
