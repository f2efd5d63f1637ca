import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { pack, packingOf } from '../../../lib/runtime/compress/pack.js';
import { packedFiles } from '../../../lib/runtime/compress/pieces.js';
import { App, CompressPostProcessor, FileSource, ImageBuild, VagrantPostProcessor } from '../../../lib/index.js';
import { toPackerHcl, toPackerJson } from '../../../lib/synth/packer.js';
import { requires } from '../../support/machine.js';
import { complaints, inFolder, packer } from '../../support/packer.js';
import { temporaryFolder } from '../../support/program.js';

const run = (program: string, ...args: string[]): string => execFileSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
const sum = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const files: { readonly [name: string]: Buffer } = {
  'web/disk.raw': Buffer.concat([randomBytes(3 << 20), Buffer.alloc(2 << 20), Buffer.from('text '.repeat(400_000))]), 'web/efivars.fd': Buffer.alloc(528 * 1024), 'web/sums/größe äöü.txt': Buffer.from('one line\n'), 'web/empty': Buffer.alloc(0),
};

async function packed(format: string, names = Object.keys(files)): Promise<{ readonly folder: string; readonly archive: string }> {
  const folder = await temporaryFolder();
  for (const name of names) { mkdirSync(dirname(join(folder, name)), { recursive: true }); writeFileSync(join(folder, name), files[name]!, { mode: 0o640 }); }
  const archive = join(folder, `it.${format}`);
  const made = await pack(await packedFiles(names.map(name => ({ path: join(folder, name), digest: '', size: 0, mode: 0 }))), packingOf(undefined, archive), archive, { signal: new AbortController().signal });
  expect(made).toMatchObject({ path: archive, size: statSync(archive).size, digest: `sha256:${sum(readFileSync(archive))}` });
  return { folder, archive };
}
const testers: { readonly [codec: string]: readonly string[] } = { gz: ['gzip', '-t'], zst: ['zstd', '-q', '-t'], xz: ['xz', '-t'], bz2: ['bzip2', '-t'], lz4: ['lz4', '-q', '-t'] };

requires('zstd', 'xz', 'bzip2', 'lz4', 'unzip', 'qemu-img')('real readers read what compress makes', () => {
  test.each(['gz', 'zst', 'xz', 'bz2', 'lz4'])('tar.%s', async codec => {
    const { folder, archive } = await packed(`tar.${codec}`);
    run(testers[codec]![0]!, ...testers[codec]!.slice(1), archive);
    const there = join(folder, 'there');
    mkdirSync(there);
    run('tar', '-C', there, ...(codec === 'lz4' ? ['-I', 'lz4'] : ['-a']), '-xf', archive);
    for (const [name, bytes] of Object.entries(files)) expect(sum(readFileSync(join(there, name.replace('web/', ''))))).toBe(sum(bytes));
    expect(statSync(join(there, 'disk.raw')).mode & 0o777).toBe(0o640);
  });

  test.each(['gz', 'zst', 'xz', 'bz2', 'lz4'])('%s of one file', async codec => {
    const { archive } = await packed(codec, ['web/disk.raw']);
    expect(sum(execFileSync(testers[codec]![0]!, ['-q', '-d', '-c', archive], { maxBuffer: 1 << 28 }))).toBe(sum(files['web/disk.raw']!));
  });

  test('tar', async () => {
    const { archive } = await packed('tar');
    expect(run('tar', '-tf', archive).split('\n').filter(Boolean)).toHaveLength(4);
  });

  test('zip, with names, modes and folders', async () => {
    const { folder, archive } = await packed('zip');
    run('unzip', '-q', '-t', archive);
    run('unzip', '-q', '-d', join(folder, 'there'), archive);
    for (const [name, bytes] of Object.entries(files)) expect(sum(readFileSync(join(folder, 'there', name.replace('web/', ''))))).toBe(sum(bytes));
    expect(statSync(join(folder, 'there/disk.raw')).mode & 0o777).toBe(0o640);
  });

  test('a zip of more than 4 GiB, and another file behind it', async () => {
    const folder = await temporaryFolder(), large = join(folder, 'large.raw'), small = join(folder, 'small'), archive = join(folder, 'it.zip');
    const file = openSync(large, 'w');
    ftruncateSync(file, 4.5 * 1024 ** 3);
    writeSync(file, 'in the middle', 3 * 1024 ** 3);
    closeSync(file);
    writeFileSync(small, 'small');
    await pack(await packedFiles([large, small].map(path => ({ path, digest: '', size: 0, mode: 0 }))), packingOf('zip', undefined), archive, { signal: new AbortController().signal });
    expect(run('unzip', '-l', archive)).toMatch(/4831838208 .* large\.raw\n.* 5 .* small/);
    expect(run('unzip', '-p', archive, 'small')).toBe('small');
  });
});

requires('packer')('exported, archives and boxes', () => {
  test.each(['json', 'hcl'] as const)('are what Packer accepts, in %s', async format => {
    const app = new App();
    new ImageBuild(app, 'web', {
      sources: [new FileSource({ content: 'x', target: 'x' })],
      postProcessors: [new CompressPostProcessor({ compressionLevel: 9 }), new CompressPostProcessor({ output: '{{.BuildName}}/x.zip', keepInputArtifact: true }), new VagrantPostProcessor({ output: 'web.box', compressionLevel: 0, include: ['notes'], providerOverride: 'libvirt', vagrantfileTemplate: 'notes' })],
    });
    const { 'plugins.pkr.hcl': _plugins, ...files } = (format === 'json' ? toPackerJson(app) : toPackerHcl(app, { split: true })).files;
    const { code, output } = await inFolder({ ...files, notes: '' }, folder => packer('packer', ['validate', format === 'json' ? 'web.json' : '.'], folder));
    expect(complaints(output)).toEqual([]);
    expect(code, output).toBe(0);
  });
});
