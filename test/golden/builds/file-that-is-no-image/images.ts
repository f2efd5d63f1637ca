// needs: qemu
import { App, ImageBuild, QemuSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'disk.qcow2', outputDirectory: 'out/web', ssh: { username: 'root' } })] });
