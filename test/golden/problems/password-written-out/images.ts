import { App, ImageBuild, DockerSource, Secret } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [new DockerSource({ image: 'debian:12', commit: true, login: true, loginUsername: 'me', loginPassword: 'hunter2' as never })],
});
