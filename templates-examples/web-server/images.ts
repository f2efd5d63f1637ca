// A web server as a container image: packages, a site, a health check, tagged with the release.
import { App, DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, ManifestPostProcessor, ShellProvisioner, text, Variable } from 'imagebake';

export const app = new App();
const release = new Variable(app, 'release', { default: '1.0.0', description: 'Release of the site', validate: [{ condition: value => /^\d+\.\d+\.\d+$/.test(value), message: 'three numbers, such as 1.2.3' }] });
const registry = new Variable(app, 'registry', { default: 'localhost:5000', description: 'Where the image belongs' });

new ImageBuild(app, 'web', {
  description: 'nginx with our site',
  sources: [new DockerSource({
    image: 'debian:12-slim', commit: true,
    changes: ['EXPOSE 80', 'CMD ["nginx", "-g", "daemon off;"]', 'HEALTHCHECK CMD curl -fsS http://localhost/ || exit 1'],
  })],
  provisioners: [
    new ShellProvisioner({ name: 'packages', inline: ['apt-get update', 'apt-get install -y --no-install-recommends nginx-light curl', 'rm -rf /var/lib/apt/lists/*'] }),
    new FileProvisioner({ source: 'site/', destination: '/var/www/html' }),
    new ShellProvisioner({ name: 'stamp', inline: ['sed -i "s/@RELEASE@/$RELEASE/" /var/www/html/index.html', 'nginx -t'], environment: { RELEASE: release } }),
  ],
  postProcessors: [
    new DockerTagPostProcessor({ repository: text`${registry}/team/web`, tags: [release, 'latest'] }),
    new ManifestPostProcessor({ output: 'manifest.json' }),
  ],
});

await app.run(import.meta);
