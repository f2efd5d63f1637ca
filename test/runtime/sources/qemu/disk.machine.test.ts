import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { flatten, type FlattenOptions, imageInfo, makeDisk } from '../../../../lib/runtime/sources/qemu/disk.js';
import { requires } from '../../../support/machine.js';
import { temporaryFolder } from '../../../support/program.js';

const run = (...args: string[]): string => execFileSync('qemu-img', args, { encoding: 'utf8' });
const size = 64 << 20;

/** A base with noise, text and holes, a layer over it, and what both come to as a raw disk. */
async function layered(): Promise<{ readonly folder: string; readonly layers: readonly { readonly path: string; readonly format: string }[]; readonly raw: string }> {
  const folder = await temporaryFolder(), at = (name: string): string => join(folder, name);
  writeFileSync(at('base.raw'), Buffer.alloc(size));
  const patch = (file: string, offset: number, bytes: Uint8Array): void => { const f = openSync(file, 'r+'); writeSync(f, bytes, 0, bytes.length, offset); closeSync(f); };
  patch(at('base.raw'), 0, randomBytes(4 << 20));
  patch(at('base.raw'), 20 << 20, Buffer.from('the same text over and over '.repeat(300_000)));
  run('convert', '-O', 'qcow2', '-f', 'raw', at('base.raw'), at('base.qcow2'));
  await makeDisk(at('top.qcow2'), size);
  run('rebase', '-u', '-f', 'qcow2', '-F', 'qcow2', '-b', at('base.qcow2'), at('top.qcow2'));
  const change = randomBytes(1 << 20);
  writeFileSync(at('change'), change);
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -s ${at('change')} ${30 << 20} ${1 << 20}`, at('top.qcow2')]);
  run('rebase', '-u', '-f', 'qcow2', '-b', '', at('top.qcow2'));
  patch(at('base.raw'), 30 << 20, change);
  return { folder, layers: [{ path: at('base.qcow2'), format: 'qcow2' }, { path: at('top.qcow2'), format: 'qcow2' }], raw: at('base.raw') };
}

requires('qemu-img')('an image', () => {
  const ways: readonly (readonly [title: string, options: FlattenOptions, about: object])[] = [
    ['qcow2', { format: 'qcow2' }, { 'format-specific': { data: { 'compression-type': 'zlib' } } }],
    ['qcow2, compressed with zstd', { format: 'qcow2', compression: 'zstd' }, { 'format-specific': { data: { 'compression-type': 'zstd' } } }],
    ['qcow2, compressed with zlib', { format: 'qcow2', compression: 'zlib' }, { 'format-specific': { data: { 'compression-type': 'zlib' } } }],
    ['raw', { format: 'raw' }, {}],
    ['vmdk', { format: 'vmdk' }, {}],
    ['vmdk as streams, by an argument of the user', { format: 'vmdk', more: ['-o', 'subformat=streamOptimized'] }, { 'format-specific': { data: { 'create-type': 'streamOptimized' } } }],
    ['vdi', { format: 'vdi' }, {}],
    ['vhdx', { format: 'vhdx' }, {}],
  ];
  test.each(ways)('%s: all layers are in it, it is whole by qemu-img\'s own check, and holes take no space', async (_title, options, about) => {
    const { folder, layers, raw } = await layered(), to = join(folder, 'out'), seen: number[] = [];
    await flatten(layers, to, { ...options, progress: percent => seen.push(percent) });
    expect(run('compare', '-f', 'raw', '-F', options.format, raw, to)).toContain('Images are identical');
    expect(JSON.parse(run('info', '--output=json', '-f', options.format, to))).toMatchObject({ format: options.format, 'virtual-size': size, ...about });
    if (!['raw'].includes(options.format)) run('check', '-q', '-f', options.format, to);
    const plain = 4 + 8 + 1;
    expect(statSync(to).blocks * 512).toBeLessThan((plain + 8) << 20);
    if (options.compression !== undefined) expect(statSync(to).size).toBeLessThan(7 << 20);
    expect(seen.at(-1)).toBe(100);
    expect((await imageInfo(layers[0]!.path)).virtualSize).toBe(size);
  });
});
