import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new NullSource({})] });
const other = new App();
new ImageBuild(other, 'db', { sources: [new NullSource({})] });
