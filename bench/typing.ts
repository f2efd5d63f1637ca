import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootSector } from '../test/support/boot-sector.js';
import { type Benchmark, interleaved } from './benchmark.js';
import { packerProgram } from './packer-program.js';
import { compiled, type Workplace } from './workplace.js';

const pairs = Number(process.env['BENCH_PAIRS'] ?? 3);
/** No `<`, which begins the name of a key, and no `{`, which begins a template. */
const alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-=[];\',./_+:"?!@#$%^&*()';
const text = Array.from({ length: 200 }, (_, i) => alphabet[(i * 37) % alphabet.length]).join('');

export default {
  about: '200 characters typed at a guest that writes down what it reads; against Packer at its default pace and at 10 ms a key.',
  needs: ['qemu', 'packer'],
  async run(place) {
    await compiled(place);
    writeFileSync(join(place.folder, 'echo.raw'), bootSector('', { echoes: true, powerOff: 'later' }));
    const lost = { ours: 0, peer: 0 };
    const both = await interleaved(pairs, () => ours(place, lost), () => packer(place, undefined, lost));
    const fast = await packer(place, '10ms', { peer: 0 });
    return [
      { figure: '200 characters typed (peer: packer)', ...both, unit: 's', goal: '0.25x' },
      { figure: '200 characters typed (peer: packer at 10 ms a key)', ours: both.ours, peer: fast, unit: 's' },
      { figure: 'characters lost', ...lost, unit: 'of all', goal: 0 },
    ];
  },
} satisfies Benchmark;

async function ours(place: Workplace, lost: { ours: number }): Promise<number> {
  rmSync(join(place.folder, 'ours'), { recursive: true, force: true });
  place.write('images.ts', `import { App, Duration, ImageBuild, QemuSource, Size } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'it', { sources: [new QemuSource({ diskImage: 'echo.raw', communicator: 'none', accelerator: 'tcg', memory: Size.mib(64), outputDirectory: 'ours', boot: { wait: Duration.seconds(3), command: [${JSON.stringify(`${text}<enter>`)}] } })] });
`);
  const { out } = await place.bake(['build', '--json', '--no-cache'], { env: { BAKE_CACHE_DIR: `${place.folder}/cache`, BAKE_CHECKPOINT_DIR: `${place.folder}/store` } });
  const lines = out.split('\n').filter(Boolean).map(line => JSON.parse(line) as { readonly type: string; readonly time: number; readonly message?: string; readonly label?: string; readonly folder?: string });
  const begun = lines.find(l => l.message === 'typing the boot command'), ended = lines.find(l => l.type === 'step-end' && l.label === 'connect'), { folder } = lines.find(l => l.type === 'run-start')!;
  if (begun === undefined || ended === undefined) throw new Error('the events do not say when it typed');
  lost.ours += missing(readFileSync(join(folder!, 'it_qemu/serial.log'), 'latin1'));
  return (ended.time - begun.time) / 1000;
}

async function packer(place: Workplace, interval: string | undefined, lost: { peer: number }): Promise<number> {
  rmSync(join(place.folder, 'packer'), { recursive: true, force: true });
  rmSync(join(place.folder, 'typed'), { force: true });
  place.write('it.json', JSON.stringify({ builders: [{
    type: 'qemu', iso_url: join(place.folder, 'echo.raw'), iso_checksum: 'none', disk_image: true, format: 'qcow2', accelerator: 'tcg', headless: true, memory: 64, communicator: 'none', output_directory: 'packer', boot_wait: '3s',
    ...(interval === undefined ? {} : { boot_key_interval: interval }), boot_command: [`${text}<enter>`], qemuargs: [['-serial', `file:${place.folder}/typed`]],
  }] }));
  let begun = 0, ended = 0;
  await place.run(packerProgram, ['build', '-color=false', 'it.json'], {
    env: { PACKER_CACHE_DIR: join(place.folder, 'packer-cache') },
    line: (line, milliseconds) => { if (line.includes('Typing the boot command')) begun = milliseconds; else if (begun > 0 && ended === 0 && line.includes('==>')) ended = milliseconds; },
  });
  if (begun === 0 || ended === 0) throw new Error('packer did not say when it typed');
  lost.peer += missing(readFileSync(join(place.folder, 'typed'), 'latin1'));
  return (ended - begun) / 1000;
}

/** How many characters of the text are not where they should be. */
function missing(read: string): number {
  const got = read.replaceAll('\0', '');
  let at = 0;
  for (const character of text) { const found = got.indexOf(character, at); if (found >= 0) at = found + 1; else return text.length - at; }
  return got.length === text.length ? 0 : 1;
}
