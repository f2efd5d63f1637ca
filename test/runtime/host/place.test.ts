import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJournal, readJournal } from '../../../lib/runtime/journal.js';
import { outputProblem, placeOutput } from '../../../lib/runtime/host/place.js';
import { RunScope } from '../../../lib/runtime/run-scope.js';
import { temporaryFolder } from '../../support/program.js';

/** A step that makes an output. */
async function making(folder: string, target: string, force: boolean, work: (output: Awaited<ReturnType<typeof placeOutput>>) => Promise<void>): Promise<void> {
  const journal = await openJournal(join(folder, 'state'), 'r1', join(folder, 'temporary'));
  const scope = new RunScope([], new AbortController().signal, { emit: () => {}, cleanupDeadline: 10_000, cancelGrace: 10_000 });
  try {
    await scope.step('capture', async here => work(await placeOutput(join(folder, target), { scope: here, journal: journal.of('t'), force })));
  } finally {
    expect((await readJournal(join(folder, 'state/journal/r1.jsonl')))!.entries).toEqual([]);
    await journal.close();
  }
}
const visible = async (folder: string): Promise<string[]> => (await readdir(folder)).filter(n => n !== 'state').sort();

describe('an output', () => {
  it('is in its place only when it is whole', async () => {
    const folder = await temporaryFolder();
    await making(folder, 'deep/er/file', false, async output => {
      await writeFile(output.path, 'content');
      expect(existsSync(join(folder, 'deep/er/file'))).toBe(false);
      await output.commit();
      expect(await readFile(join(folder, 'deep/er/file'), 'utf8')).toBe('content');
    });
    expect(await visible(join(folder, 'deep/er'))).toEqual(['file']);
  });

  it('leaves nothing when its step fails, not even the folders made for it', async () => {
    const folder = await temporaryFolder();
    await expect(making(folder, 'deep/er/file', false, async output => { await writeFile(output.path, 'half'); throw new Error('no'); })).rejects.toThrow('no');
    expect(await visible(folder)).toEqual([]);
  });

  it('never replaces what came there meanwhile', async () => {
    for (const isFolder of [false, true]) {
      const folder = await temporaryFolder();
      await expect(making(folder, 'out', false, async output => {
        if (isFolder) await mkdir(output.path); else await writeFile(output.path, 'mine');
        await writeFile(join(folder, 'out'), 'theirs');
        await output.commit();
      })).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
      expect(await readFile(join(folder, 'out'), 'utf8')).toBe('theirs');
      expect(await visible(folder)).toEqual(['out']);
    }
  });

  it('replaces files and folders with force, whatever was there', async () => {
    for (const before of ['file', 'folder', 'nothing']) {
      for (const isFolder of [false, true]) {
        const folder = await temporaryFolder(), out = join(folder, 'out');
        if (before === 'file') await writeFile(out, 'old');
        if (before === 'folder') { await mkdir(out); await writeFile(join(out, 'old'), 'old'); }
        await making(folder, 'out', true, async output => {
          if (isFolder) { await mkdir(output.path); await writeFile(join(output.path, 'new'), 'new'); } else await writeFile(output.path, 'new');
          await output.commit();
        });
        expect(await visible(folder)).toEqual(['out']);
        if (isFolder) expect(await readdir(out)).toEqual(['new']); else expect(await readFile(out, 'utf8')).toBe('new');
      }
    }
  });

  it('that exists is a problem before the build, unless it may be replaced', async () => {
    const folder = await temporaryFolder();
    expect(await outputProblem(join(folder, 'x'), false, 'target')).toBeUndefined();
    expect(await outputProblem(folder, true, 'target')).toBeUndefined();
    expect(await outputProblem(folder, false, 'target')).toMatchObject({ code: 'OUTPUT_EXISTS', field: 'target', message: `The output ${folder} exists already.` });
  });

  it('says why it cannot be written', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(making(folder, 'file/below', false, async () => {})).rejects.toMatchObject({ code: 'OUTPUT_NOT_WRITABLE' });
  });
});
