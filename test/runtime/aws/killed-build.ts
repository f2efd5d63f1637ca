/** A build in a process of its own, to be killed after one of its calls: `killed-build.ts <folder> <port> <props as JSON>`. */
import { App, AmazonEbsSource, ImageBuild } from '../../../lib/index.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';
import { ebsProps } from '../../contracts/ec2-props.js';
import { GuestCommand, guestCommand } from '../../support/guest-command.js';

const [folder, port, more] = process.argv.slice(2) as [string, string, string];
const app = new App();
new ImageBuild(app, 'web', { sources: [new AmazonEbsSource(ebsProps(Number(port), JSON.parse(more)))], provisioners: [new GuestCommand('true')] });
const result = await run(synth(app, { folder }).plan, { programFolder: folder, kinds: [guestCommand as never] });
if (result.outcome !== 'done') console.error(JSON.stringify(result.targets.map(t => t.error)), JSON.stringify(result.problems));
process.exitCode = result.exit;
