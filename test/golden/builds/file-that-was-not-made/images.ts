import { App, ImageBuild, FileSource, ShellLocalProvisioner, ChecksumPostProcessor, generated } from 'imagebake';

const app = new App();
new ImageBuild(app, 'motd', { sources: [new FileSource({ source: generated('out/text'), target: 'out/motd' })] });
