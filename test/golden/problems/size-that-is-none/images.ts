import { App, ImageBuild, FileSource, Size } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new FileSource({ target: 'x', content: String(Size.parse('forty gigabytes').$size) })] });
