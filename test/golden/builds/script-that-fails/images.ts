import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({ communicator: 'none' })],
  provisioners: [
    new ShellLocalProvisioner({ inline: ['echo fine'] }),
    new ShellLocalProvisioner({
      name: 'setup',
      inline: ['echo looking for the config', 'echo "config: not found" >&2', 'exit 7'],
    }),
    new ShellLocalProvisioner({ inline: ['echo never'] }),
  ],
});
