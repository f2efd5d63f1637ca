import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new NullSource({})] });
await app.run(import.meta);
