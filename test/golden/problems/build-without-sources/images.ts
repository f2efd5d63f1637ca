import { App, ImageBuild } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [] });
