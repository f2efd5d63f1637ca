import { App, ImageBuild, DockerSource } from 'imagebake';

const app = new App();
for (const release of ['11', '12', '13', '14', '15', '16']) {
  new ImageBuild(app, `debian-${release}`, {
    sources: [new DockerSource({
      image: `debian:${release}`,
      commit: 'yes' as never,
    })],
  });
}
