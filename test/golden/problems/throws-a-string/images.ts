import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
if (app.node.children.length === 0) throw 'nothing to do';
new ImageBuild(app, 'web', { sources: [new NullSource({})] });
