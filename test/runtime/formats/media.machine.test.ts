/** Discs and floppies of ours, read by other programs; discs of others, read by us. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { floppyImage } from '../../../lib/runtime/formats/fat12.js';
import { extractFromIso } from '../../../lib/runtime/formats/iso9660-read.js';
import { iso9660 } from '../../../lib/runtime/formats/iso9660.js';
import { requires } from '../../support/machine.js';
import { temporaryFolder } from '../../support/program.js';

requires('mtools')('floppies of ours, read by mtools', () => {
  test('have every name and every byte, in folders and with long names too', async () => {
    const folder = await temporaryFolder(), image = join(folder, 'a.img');
    const files: { [path: string]: Uint8Array | string } = { 'Autounattend.xml': '<unattend/>', 'SHORT.TXT': 'x'.repeat(513), 'drivers/a driver with a long name.inf': 'driver', 'drivers/net/E1000.SYS': Buffer.alloc(70_000, 7), 'a driver with a long name too.txt': '1', 'a driver with a long name three.txt': '', 'ünicode.txt': 'ü' };
    writeFileSync(image, floppyImage('answers', files));
    const mtools = (...args: string[]): string => execFileSync(args[0]!, ['-i', image, ...args.slice(1)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    expect(mtools('mlabel', '-s', '::')).toContain('ANSWERS');
    for (const [path, content] of Object.entries(files)) {
      const out = join(folder, 'out');
      execFileSync('mcopy', ['-n', '-o', '-i', image, `::/${path}`, out], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
      expect(readFileSync(out).equals(Buffer.from(content as string)), path).toBe(true);
    }
    expect(mtools('mdir', '-b', '::/drivers/').split('\n').filter(l => l !== '').sort()).toEqual(['::/drivers/a driver with a long name.inf', '::/drivers/net/']);
  });
});

requires('xorriso')('discs of others', () => {
  test('give their files out by the names that they show, and say what is there when a name is wrong', async () => {
    const folder = await temporaryFolder(), iso = join(folder, 'a.iso'), out = join(folder, 'out');
    mkdirSync(join(folder, 'tree/install.amd/a folder with a long name'), { recursive: true });
    writeFileSync(join(folder, 'tree/install.amd/vmlinuz'), Buffer.alloc(100_001, 3));
    writeFileSync(join(folder, 'tree/install.amd/a folder with a long name/initrd.gz.with.dots'), 'initrd');
    for (let i = 0; i < 100; i++) writeFileSync(join(folder, 'tree/install.amd', `filler-${i}-${'x'.repeat(40)}`), '');
    for (const options of [['-r'], ['-r', '-J'], []]) {
      execFileSync('xorriso', ['-as', 'mkisofs', '-quiet', ...options, '-o', iso, join(folder, 'tree')], { stdio: 'pipe' });
      await extractFromIso(iso, '/install.amd/vmlinuz', out);
      expect(readFileSync(out).equals(Buffer.alloc(100_001, 3))).toBe(true);
      if (options.length > 0) {
        await extractFromIso(iso, 'install.amd/a folder with a long name/initrd.gz.with.dots', out);
        expect(readFileSync(out, 'utf8')).toBe('initrd');
      }
    }
    await expect(extractFromIso(iso, '/install.amd/gone', out)).rejects.toMatchObject({ code: 'ISO_READ_NO_FILE', message: expect.stringContaining('In /install.amd there are: ') });
    writeFileSync(join(folder, 'no.iso'), Buffer.alloc(100_000));
    await expect(extractFromIso(join(folder, 'no.iso'), '/x', out)).rejects.toMatchObject({ code: 'ISO_READ_NO_ISO' });
  });

  test('and ours', async () => {
    const folder = await temporaryFolder(), iso = join(folder, 'a.iso'), out = join(folder, 'out');
    writeFileSync(iso, iso9660('x', { 'a/Long Name.txt': 'content' }));
    await extractFromIso(iso, '/a/Long Name.txt', out);
    expect(readFileSync(out, 'utf8')).toBe('content');
  });
});

test('a floppy that is too full is refused', () => {
  expect(() => floppyImage('x', { a: Buffer.alloc(1_500_000) })).toThrow('The files for the floppy take');
});
