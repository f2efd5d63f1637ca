// env: PATH=/nowhere
import { App, ImageBuild, QemuSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'disk.img', outputDirectory: 'out/web', ssh: { username: 'root' } })] });
