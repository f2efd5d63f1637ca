import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder, makeFolderSync } from '../lib/make-folder.js';
import { temporaryFolder } from './support/program.js';

describe('a folder with its parents', () => {
  for (const [how, make] of [['later', makeFolder], ['at once', async (path: string, mode?: number) => makeFolderSync(path, mode)]] as const) {
    it(`is made, ${how}, and the uppermost that was made is named`, async () => {
      const folder = await temporaryFolder();
      expect(await make(join(folder, 'a/b/c'))).toBe(join(folder, 'a'));
      expect(await make(join(folder, 'a/b/d'))).toBe(join(folder, 'a/b/d'));
      expect(await make(join(folder, 'a/b/d'))).toBeUndefined();
    });
    it(`is an error, ${how}, below a file, and where a file is`, async () => {
      const folder = await temporaryFolder(), file = join(folder, 'file');
      writeFileSync(file, '');
      await expect(make(file)).rejects.toMatchObject({ code: 'EEXIST' });
      await expect(make(join(file, 'a/b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    });
    // Node's own recursive mkdir never ends here.
    it.skipIf(!existsSync('/proc/self'))(`is an error, ${how}, in a place that takes none`, async () => {
      await expect(make('/proc/bake-test/a/b')).rejects.toMatchObject({ code: 'ENOENT' });
    });
  }

  it('is made by many at the same time', async () => {
    const folder = await temporaryFolder();
    await Promise.all(Array.from({ length: 20 }, (_, i) => makeFolder(join(folder, `a/b/${i % 3}/c`))));
    for (const i of [0, 1, 2]) expect(existsSync(join(folder, `a/b/${i}/c`))).toBe(true);
  });
});
