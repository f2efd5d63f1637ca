import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { iso9660 } from '../../../lib/runtime/formats/iso9660.js';
import { requires } from '../../support/machine.js';

const folders: string[] = [];
afterEach(() => { for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true }); });
const folder = (): string => { const made = mkdtempSync(join(tmpdir(), 'bake-iso-')); folders.push(made); return made; };

requires('xorriso')('images of the ISO 9660 writer, read by xorriso', () => {
  test('come out with every name and every byte, nested folders, empty files and long names included', () => {
    const files: { [path: string]: Uint8Array | string } = { 'user-data': '#cloud-config\n', 'meta-data': '', 'deep/er/and deeper/ünïcode name with spaces.txt': 'ü', 'empty/': '' };
    for (let i = 0; i < 120; i++) files[`many/file number ${i} of one folder.bin`] = Buffer.alloc(i * 37, i);
    const at = folder();
    writeFileSync(join(at, 'a.iso'), iso9660('cidata', files));
    execFileSync('xorriso', ['-read_fs', 'any', '-osirrox', 'on', '-indev', join(at, 'a.iso'), '-extract', '/', join(at, 'out')], { stdio: 'pipe' });
    for (const [path, contents] of Object.entries(files)) {
      if (path.endsWith('/')) expect(readdirSync(join(at, 'out', path))).toEqual([]);
      else expect(readFileSync(join(at, 'out', path)).equals(Buffer.from(contents as string)), path).toBe(true);
    }
  });

  test('carry the label', () => {
    const at = folder();
    writeFileSync(join(at, 'a.iso'), iso9660('cidata', { a: 'b' }));
    expect(execFileSync('xorriso', ['-indev', join(at, 'a.iso'), '-pvd_info'], { stdio: 'pipe', encoding: 'utf8' })).toContain('Volume Id    : cidata');
  });
});
