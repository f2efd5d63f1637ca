import { App, ImageBuild, FileSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'motd', { sources: [new FileSource({ content: 'x', target: 'out/motd' })] });
