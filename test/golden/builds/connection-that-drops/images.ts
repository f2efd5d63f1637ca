// env: PASSWORD=hunter2
import { App, ImageBuild, NullSource, ShellProvisioner, Duration, Secret } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({ ssh: { host: '127.0.0.1', port: Number(process.env['DROPPING_PORT']), username: 'root', password: Secret.env('PASSWORD'), timeout: Duration.seconds(20) } })],
  provisioners: [new ShellProvisioner({ inline: ['apt-get install -y nginx'] })],
});
