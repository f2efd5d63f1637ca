// needs: qemu
import { App, ImageBuild, QemuSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new QemuSource({ diskImage: 'disk.img', outputDirectory: 'out/web', ssh: { username: 'root' }, qemuArgs: [['-monitor', `tcp:127.0.0.1:${process.env['TAKEN_PORT']},server=on,wait=off`]] })],
});
