import { App, ImageBuild, CommandData, FileSource } from 'imagebake';

const app = new App();
const release = new CommandData(app, 'release', { command: ['sh', '-c', 'echo "no such release" >&2; exit 4'] });
new ImageBuild(app, 'motd', { sources: [new FileSource({ content: release.outputs.stdout, target: 'out/motd' })] });
