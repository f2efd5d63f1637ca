import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
const settings: { [name: string]: { user: string } } = {};
new ImageBuild(app, settings['web']!.user, { sources: [new NullSource({})] });
