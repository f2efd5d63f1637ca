import { App, ImageBuild, DockerSorce } from 'imagebake';

const app = new App();
new ImageBuild(app, 'web', { sources: [new DockerSorce({ image: 'debian:12', commit: true })] });
