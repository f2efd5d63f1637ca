import { App, ImageBuild, NullSource, Variable } from 'imagebake';

const app = new App();
const count = new Variable<number>(app, 'count');
for (let i = 0; i < count.value; i++) new ImageBuild(app, `web-${i}`, { sources: [new NullSource({})] });
