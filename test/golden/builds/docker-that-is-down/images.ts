import { App, ImageBuild, DockerSource } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new DockerSource({ image: 'debian:12', commit: true, dockerHost: 'unix:///nowhere/docker.sock' })] });
