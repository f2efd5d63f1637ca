import { App, ImageBuild, FileSource, NullSource, ShellLocalProvisioner, text } from 'imagebake';

const app = new App();
const broken = new ImageBuild(app, 'broken', { sources: [new FileSource({ target: 'out/broken' })], provisioners: [new ShellLocalProvisioner({ inline: ['false'] })] });
new ImageBuild(app, 'fine', { sources: [new FileSource({ content: 'x', target: 'out/fine' })] });
new ImageBuild(app, 'upon-it', { sources: [new FileSource({ content: text`${broken.outputs.file.path}`, target: 'out/upon-it' })] });
