/** A run in a process of its own, to be killed or interrupted: `killed-run.ts <folder> <scenario>`. Says `ready` when it is where the scenario wants it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { App, FileSource, ImageBuild, NullSource, ShellLocalPostProcessor, ShellLocalProvisioner, type SourceSettings } from '../../lib/index.js';
import { field, source, Source, type PropsOf, type SourceDriver } from '../../lib/kit.js';
import { placeOutput } from '../../lib/runtime/host/place.js';
import { noCommunicator } from '../../lib/runtime/communicators/none.js';
import { interruption, run } from '../../lib/runtime/run.js';
import { synth } from '../../lib/synth/synth.js';

/** Stops in the middle of writing its output. */
const fields = { target: field.outputPath({ required: true }) };
const half = source('@test/half:half', fields, { driver: async (): Promise<{ default: unknown }> => ({ default: driver }) });
const driver: SourceDriver<typeof half> = {
  start: async props => ({
    connect: async () => noCommunicator(),
    capture: async (_props, ctx) => {
      void ctx.temporaryFolder;
      const output = await placeOutput(props.target, ctx);
      await writeFile(output.path, 'half of it');
      console.log('ready');
      await new Promise(resolve => setTimeout(resolve, 1e9));
      throw new Error('never');
    },
  }),
};
class HalfSource extends Source<typeof half> { constructor(props: PropsOf<typeof half.fields> & SourceSettings) { super(half, props); } }

const [folder, scenario] = process.argv.slice(2) as [string, string];
const app = new App();
const hang = ['echo $$ >> pids', '(echo $BASHPID $(exec sh -c "echo \\$PPID") >> pids; exec sleep 1000) &', 'echo ready', 'wait'];
if (scenario === 'script') new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ inline: hang })] });
if (scenario === 'post-processor') new ImageBuild(app, 'web', { sources: [new FileSource({ target: 'out/file' })], postProcessors: [new ShellLocalPostProcessor({ inline: hang })] });
if (scenario === 'output') new ImageBuild(app, 'web', { sources: [new HalfSource({ name: 'half', target: 'out/half' })] });

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(interruption(name)));
const result = await run(synth(app, { folder }).plan, {
  programFolder: folder, kinds: [half as never], signal: stop.signal, cancelGrace: 500,
  listen: event => { if (event.type === 'output' && event.text.includes('ready')) console.log('ready'); },
});
await writeFile(join(folder, 'result.json'), JSON.stringify(result));
process.exitCode = result.exit;
