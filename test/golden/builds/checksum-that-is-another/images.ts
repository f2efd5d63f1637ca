// needs: qemu
import { App, ImageBuild, QemuSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'disk.img', diskImageChecksum: 'md5:d41d8cd98f00b204e9800998ecf8427e', outputDirectory: 'out/web', ssh: { username: 'root' } })] });
