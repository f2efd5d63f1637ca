// args: validate --strict
import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
app.addPolicy({ id: 'no-curl' });
new ImageBuild(app, 'web', { sources: [new NullSource({})] }).acknowledge('no-crul', 'it is our own server');
