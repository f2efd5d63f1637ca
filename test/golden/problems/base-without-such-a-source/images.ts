import { App, ImageBuild, DockerSource, NullSource } from 'imagebake';

const app = new App();
const base = new ImageBuild(app, 'base', { sources: [new NullSource({})] });
new ImageBuild(app, 'web', { sources: [new DockerSource({ from: base as never, commit: true })] });
