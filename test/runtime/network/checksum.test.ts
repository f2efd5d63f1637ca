import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkFile, checksumProblem, hashFile, readChecksum } from '../../../lib/runtime/network/checksum.js';

const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
let folder: string;
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'bake-sum-')); writeFileSync(join(folder, 'abc.img'), 'abc'); });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a checksum', () => {
  test('may be written with its algorithm, bare, or not at all', async () => {
    expect(await readChecksum(`sha256:${abc}`, 'abc.img', { folder })).toEqual({ algorithm: 'sha256', hex: abc });
    expect(await readChecksum(abc.toUpperCase(), 'abc.img', { folder })).toEqual({ algorithm: 'sha256', hex: abc });
    expect(await readChecksum('md5:900150983cd24fb0d6963f7d28e17f72', 'abc.img', { folder })).toEqual({ algorithm: 'md5', hex: '900150983cd24fb0d6963f7d28e17f72' });
    expect(await readChecksum('none', 'abc.img', { folder })).toBeUndefined();
  });

  test('is found in the lists that people publish', async () => {
    for (const [i, list] of [`${abc}  abc.img\n${'0'.repeat(64)} *other.img\n`, `${'0'.repeat(64)}  other.img\n${abc} *./abc.img\n`, `SHA256 (abc.img) = ${abc}\n`, `${abc}\n`].entries()) {
      writeFileSync(join(folder, `SUMS${i}`), list);
      expect(await readChecksum(`file:SUMS${i}`, '/somewhere/abc.img', { folder }), list).toEqual({ algorithm: 'sha256', hex: abc });
    }
  });

  test('that is none is refused, and so is a list without the file', async () => {
    expect(checksumProblem('sha256:abc')).toBe("'sha256:abc' is no checksum.");
    expect(checksumProblem(`md5:${abc}`)).toBeDefined();
    await expect(readChecksum('sha1:zz', 'abc.img', { folder })).rejects.toMatchObject({ code: 'CHECKSUM_FORM' });
    writeFileSync(join(folder, 'LIST'), `${abc}  one.img\n${abc}  two.img\n`);
    await expect(readChecksum('file:LIST', 'abc.img', { folder })).rejects.toMatchObject({ code: 'CHECKSUM_NOT_LISTED' });
  });

  test('that is wrong shows both sums', async () => {
    const file = join(folder, 'abc.img');
    await checkFile(file, { algorithm: 'sha256', hex: abc });
    expect(await hashFile(file, 'md5')).toBe('900150983cd24fb0d6963f7d28e17f72');
    await expect(checkFile(file, { algorithm: 'sha256', hex: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'CHECKSUM_WRONG', message: `The checksum of ${file} is wrong.\n  expected sha256:${'0'.repeat(64)}\n  found    sha256:${abc}`,
    });
  });
});
