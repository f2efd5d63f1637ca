/** A run of a container build in a process of its own, to be killed: `killed-docker.ts <folder> <image> <scenario>`. */
import { App, DockerSource, ImageBuild, ShellLocalPostProcessor, ShellLocalProvisioner } from '../../../lib/index.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';

const [folder, image, scenario] = process.argv.slice(2) as [string, string, string];
const app = new App(), hang = ['echo ready', 'sleep 1000'];
new ImageBuild(app, 'web', {
  sources: [new DockerSource(scenario === 'export' ? { image, pull: false, exportPath: 'out/root.tar' } : { image, pull: false, commit: true })],
  provisioners: scenario === 'step' ? [new ShellLocalProvisioner({ inline: hang })] : [],
  postProcessors: scenario === 'post-processor' ? [new ShellLocalPostProcessor({ inline: hang })] : [],
});
await run(synth(app, { folder }).plan, {
  programFolder: folder,
  listen: event => {
    if (event.type === 'output' && event.text.includes('ready')) console.log('ready');
    if (event.type === 'artifact') console.log(`artifact ${event.id}`);
  },
});
