import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
app.addPolicy({ id: 'broken', check() { throw new Error('no list of hosts'); } });
new ImageBuild(app, 'web', { sources: [new NullSource({})] });
