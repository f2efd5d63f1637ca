import { App, ImageBuild, DockerSource, Duration, Secret, text, ShellLocalProvisioner } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', {
  sources: [
    new DockerSource({
      build: {
        path: 'Dockerfile',
        buildArgs: { VERSION: '1' },
      },
      commit: true,
    }),
  ],
});
