import { App, ImageBuild, NullSource, ShellLocalProvisioner, Duration } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({ communicator: 'none' })],
  provisioners: [new ShellLocalProvisioner({ inline: ['sleep 600'], timeout: Duration.seconds(1) })],
});
