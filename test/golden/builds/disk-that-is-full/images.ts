// needs: small-disk
import { App, ImageBuild, FileSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'big', { sources: [new FileSource({ content: 'x'.repeat(2_000_000), target: `${process.env['SMALL_DISK']}/big` })] });
