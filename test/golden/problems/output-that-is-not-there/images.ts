import { App, ImageBuild, FileSource, NullSource, ShellLocalProvisioner } from 'imagebake';

const app = new App();
const motd = new ImageBuild(app, 'motd', { sources: [new FileSource({ target: 'motd' })] });
const missing = { $expr: { ...motd.outputs.file.path.$expr, output: 'pth' } } as typeof motd.outputs.file.path;
new ImageBuild(app, 'web', {
  sources: [new NullSource({})],
  provisioners: [new ShellLocalProvisioner({ inline: ['cat "$F"'], environment: { F: missing } })],
});
