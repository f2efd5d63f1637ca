import { App, ImageBuild, NullSource } from 'imagebake';

const app = new App();
import { readFile } from 'node:fs/promises';
const list = JSON.parse(await readFile(new URL('./hosts.json', import.meta.url), 'utf8')) as string[];
for (const name of list) new ImageBuild(app, name, { sources: [new NullSource({})] });
