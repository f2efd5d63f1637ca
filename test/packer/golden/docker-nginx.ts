import { App, DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, ManifestPostProcessor, ShellProvisioner, text, Variable } from '../../../lib/index.js';

export const app = new App();
const version = new Variable(app, 'version', { default: '1.0.0', description: 'Release that goes into the image' });

new ImageBuild(app, 'web', {
  sources: [new DockerSource({ image: 'nginx:1.25', commit: true, changes: ['EXPOSE 80'] })],
  provisioners: [
    new FileProvisioner({ source: 'site/index.html', destination: '/usr/share/nginx/html/index.html' }),
    new ShellProvisioner({ inline: [text`echo ${version} > /usr/share/nginx/html/version`] }),
    new ShellProvisioner({ inline: ['nginx -V', "echo 'Packer would read {{ this }} as a template of its own' > /etc/note"] }),
  ],
  postProcessors: [new DockerTagPostProcessor({ repository: 'example/web', tags: [version, 'latest'] }), new ManifestPostProcessor({ output: 'manifest.json' })],
});

export const files = { 'site/index.html': '' };
