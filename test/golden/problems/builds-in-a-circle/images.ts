import { App, ImageBuild, DockerSource } from 'imagebake';

const app = new App();
const a = new ImageBuild(app, 'a', { sources: [new DockerSource({ from: { $image: 'c/docker' }, commit: true })] });
const b = new ImageBuild(app, 'b', { sources: [new DockerSource({ from: a, commit: true })] });
new ImageBuild(app, 'c', { sources: [new DockerSource({ from: b, commit: true })] });
