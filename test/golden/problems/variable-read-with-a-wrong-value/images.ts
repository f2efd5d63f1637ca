// args: validate --var count=many
import { App, ImageBuild, NullSource, Variable } from 'imagebake';

const app = new App();
const count = new Variable(app, 'count', { default: 3 });
for (let i = 0; i < count.value; i++) new ImageBuild(app, `web-${i}`, { sources: [new NullSource({})] });
