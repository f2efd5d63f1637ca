import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { bootSector } from '../test/support/boot-sector.js';
import { type Benchmark, interleaved, median } from './benchmark.js';
import { packerProgram } from './packer-program.js';
import { compiled, type Workplace } from './workplace.js';

const pairs = Number(process.env['BENCH_PAIRS'] ?? 3);

export default {
  about: 'A disk of 2 GB, half of it noise, as a compressed qcow2 and as an archive; against Packer\'s disk_compression and its compress post-processor.',
  needs: ['qemu', 'packer', 'zstd'],
  async run(place) {
    await compiled(place);
    // Its guest does nothing, and switches itself off when Packer is sure that QEMU stays.
    const disk = join(place.folder, 'half.raw'), file = openSync(disk, 'w');
    writeSync(file, bootSector('', { powerOff: 'later' }));
    for (let i = 1; i < 1024; i++) writeSync(file, randomBytes(1 << 20));
    ftruncateSync(file, 2 * 1024 ** 3);
    closeSync(file);
    const image = await interleaved(pairs, () => ourImage(place), () => packerImage(place, disk));
    const tar = await interleaved(pairs, () => ourArchive(place, 'tar.gz'), () => packerArchive(place, disk));
    const zstd: number[] = [];
    for (let i = 0; i < pairs; i++) zstd.push(await ourArchive(place, 'tar.zst'));
    return [
      { figure: 'qcow2 compressed (peer: packer disk_compression)', ...image, unit: 's', goal: '0.2x' },
      { figure: 'tar.gz (peer: packer compress)', ...tar, unit: 's', goal: '1x' },
      { figure: 'tar.zst (peer: packer compress to tar.gz)', ours: median(zstd), peer: tar.peer, unit: 's' },
    ];
  },
} satisfies Benchmark;

interface Line { readonly type?: string; readonly time: number; readonly label?: string; readonly what?: string }

/** Seconds between the first event that fits and the last. */
async function ours(place: Workplace, program: string, from: (line: Line) => boolean, to: (line: Line) => boolean): Promise<number> {
  rmSync(join(place.folder, 'ours'), { recursive: true, force: true });
  place.write('images.ts', program);
  const { out } = await place.bake(['build', '--json', '--no-cache'], { env: { BAKE_CACHE_DIR: `${place.folder}/cache`, BAKE_CHECKPOINT_DIR: `${place.folder}/store` } });
  const lines = out.split('\n').filter(Boolean).map(line => JSON.parse(line) as Line), begun = lines.find(from), ended = lines.findLast(to);
  if (begun === undefined || ended === undefined) throw new Error(`the events do not say when it began and ended:\n${out.slice(-2000)}`);
  return (ended.time - begun.time) / 1000;
}

const ourImage = (place: Workplace): Promise<number> => ours(place, `import { App, ImageBuild, QemuSource, Size } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'it', { sources: [new QemuSource({ diskImage: 'half.raw', communicator: 'none', accelerator: 'tcg', memory: Size.mib(64), diskCompression: true, outputDirectory: 'ours' })] });
`, line => line.type === 'progress' && line.what?.startsWith('writing') === true, line => line.type === 'step-end' && line.label === 'capture');

const ourArchive = (place: Workplace, format: string): Promise<number> => ours(place, `import { App, CompressPostProcessor, FileSource, ImageBuild } from 'imagebake';
export const app = new App();
new ImageBuild(app, 'it', { sources: [new FileSource({ source: 'half.raw', target: 'ours/half.raw' })], postProcessors: [new CompressPostProcessor({ output: 'ours/half.${format}' })] });
`, line => line.type === 'step-start' && line.label === 'it/compress', line => line.type === 'step-end' && line.label === 'it/compress');

/** Seconds between two things that Packer says. */
async function packer(place: Workplace, template: object, from: RegExp, to: RegExp): Promise<number> {
  rmSync(join(place.folder, 'packer'), { recursive: true, force: true });
  place.write('it.json', JSON.stringify(template));
  let begun = 0, ended = 0;
  await place.run(packerProgram, ['build', '-color=false', 'it.json'], {
    env: { PACKER_CACHE_DIR: join(place.folder, 'packer-cache') }, line: (text, milliseconds) => { if (from.test(text)) begun = milliseconds; if (to.test(text)) ended = milliseconds; },
  });
  if (begun === 0 || ended <= begun) throw new Error('packer did not say when it began and ended');
  return (ended - begun) / 1000;
}

function packerImage(place: Workplace, disk: string): Promise<number> {
  return packer(place, { builders: [{
    type: 'qemu', iso_url: disk, iso_checksum: 'none', disk_image: true, disk_size: `${statSync(disk).size}b`, format: 'qcow2', disk_compression: true, accelerator: 'tcg', headless: true, memory: 64, communicator: 'none', boot_wait: '1s', output_directory: 'packer',
  }] }, /Converting hard drive/, /Build 'qemu' finished/);
}

const packerArchive = (place: Workplace, disk: string): Promise<number> => packer(place, {
  builders: [{ type: 'file', source: disk, target: 'packer/half.raw' }], 'post-processors': [{ type: 'compress', output: 'packer/half.tar.gz' }],
}, /Running post-processor: compress/, /Archive .* completed/);
