// Several images that share a base and their steps: what is common is a class, what differs is a table.
import { App, Duration, FileProvisioner, ImageBuild, ManifestPostProcessor, ProvisionerGroup, QemuSource, ShellProvisioner, Size, text, Variable } from 'imagebake';

export const app = new App();
const release = new Variable(app, 'release', { default: '2026.1', description: 'Goes into /etc/fleet-release and the file names' });
const packages = new Variable(app, 'packages', { default: ['ca-certificates', 'chrony'], description: 'Packages that every image has' });

/** What every image of the fleet has: shared by value, it could as well come from an npm package. */
class Hardened extends ProvisionerGroup {
  constructor(props: { readonly banner: string }) {
    super({
      provisioners: [
        new FileProvisioner({ content: `${props.banner}\n`, destination: '/etc/issue.net' }),
        new ShellProvisioner({ name: 'sshd', script: 'scripts/harden.sh' }),
      ],
    });
  }
}

const base = new ImageBuild(app, 'base', {
  description: 'What all others stand on',
  sources: [new QemuSource({ diskImage: 'debian-12.qcow2', diskSize: Size.gib(8), memory: Size.gib(2) })],
  provisioners: [
    new ShellProvisioner({ name: 'packages', inline: ['apt-get update', `apt-get install -y ${packages.value.join(' ')}`], maxRetries: 2, timeout: Duration.minutes(20) }),
    new Hardened({ banner: 'Authorized use only.' }),
  ],
});

const roles = {
  web: { memory: Size.gib(1), install: 'nginx-light' },
  database: { memory: Size.gib(4), install: 'postgresql' },
  worker: { memory: Size.gib(2), install: 'supervisor' },
};
for (const [role, { memory, install }] of Object.entries(roles)) {
  new ImageBuild(app, role, {
    sources: [new QemuSource({ from: base, memory, outputDirectory: text`output/${release}/${role}` })],
    provisioners: [
      new ShellProvisioner({ name: 'install', inline: [`apt-get update && apt-get install -y ${install}`] }),
      new ShellProvisioner({ name: 'release', inline: ['echo "$ROLE $RELEASE" > /etc/fleet-release'], environment: { ROLE: role, RELEASE: release } }),
    ],
    postProcessors: [new ManifestPostProcessor({ output: text`output/${release}/manifest.json` })],
  });
}

await app.run(import.meta);
