import { App, ImageBuild, NullSource, ShellProvisioner, Duration } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({ ssh: { host: '127.0.0.1', port: Number(process.env['CLOSED_PORT']), username: 'root', timeout: Duration.seconds(2) } })],
  provisioners: [new ShellProvisioner({ inline: ['true'] })],
});
