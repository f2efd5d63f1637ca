import { App, ImageBuild, DockerSource, Duration, Secret, text, ShellLocalProvisioner } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [
    new DockerSource({
      image: 'debian:12',
      comit: true,
      commit: true,
    }),
  ],
});
