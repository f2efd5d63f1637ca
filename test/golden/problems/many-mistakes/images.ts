import { App, ImageBuild, DockerSource, NullSource, ShellLocalProvisioner, Variable, ChecksumPostProcessor } from 'imagebake';

const app = new App();
const version = new Variable(app, 'version');
new ImageBuild(app, 'web', {
  sources: [new DockerSource({ imge: 'debian:12', commit: true } as never), new NullSource({})],
  provisioners: [
    new ShellLocalProvisioner({ script: 'setup.sh', environment: { VERSION: version } }),
    new ShellLocalProvisioner({ inline: 'true' as never, only: ['dokcer'] as never }),
  ],
  postProcessors: [new ChecksumPostProcessor({ checksumTypes: ['sha255' as never] })],
});
new ImageBuild(app, 'db', { sources: [] });
