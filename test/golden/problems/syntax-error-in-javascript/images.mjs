import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new NullSource({})]
  provisioners: [],
});
