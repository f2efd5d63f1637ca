import { App, ImageBuild, NullSource, ShellLocalProvisioner, Secret } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({ communicator: 'none' })],
  provisioners: [
    new ShellLocalProvisioner({ inline: ['true'], environment: { A: Secret.env('NO_SUCH_VARIABLE'), B: Secret.file('no-such-file') } }),
    new ShellLocalProvisioner({ inline: ['true'], environment: { C: Secret.command(['sh', '-c', 'echo locked >&2; exit 3']) } }),
  ],
});
