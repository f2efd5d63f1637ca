import { App, ImageBuild, FileSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'a', { sources: [new FileSource({ content: 'a', target: 'out/motd' })] });
new ImageBuild(app, 'b', { sources: [new FileSource({ content: 'b', target: 'out/motd' })] });
