import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isBakeError } from '../../lib/errors.js';
import { FileSource, ImageBuild, NullSource, ShellLocalProvisioner } from '../../lib/index.js';
import { readJournals } from '../../lib/runtime/journal.js';
import { requires } from '../support/machine.js';
import { program, temporaryFolder } from '../support/program.js';

/** A disk with as many pages of 4 KiB left as are asked for. */
async function diskWith(pages: number): Promise<{ readonly folder: string; remove(): void }> {
  const folder = join(await temporaryFolder(), 'disk');
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${64 + pages * 4}k`, 'tmpfs', folder], { timeout: 20_000 });
  writeFileSync(join(folder, 'what fills it'), Buffer.alloc(64 * 1024 - 8192));
  return { folder, remove: () => execFileSync('umount', ['-l', folder], { timeout: 20_000 }) };
}

requires('mounts')('a run whose own folder has no space left', () => {
  test('ends in words, wherever the space ends, and has nothing left over', async () => {
    const outcomes = new Set<string>();
    for (const pages of [-2, -1, 0, 1, 2, 4, 8, 40, 1000]) {
      const p = await program(app => {
        new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'out/web' })], provisioners: [new ShellLocalProvisioner({ inline: ['seq 20000'] })] });
        new ImageBuild(app, 'other', { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ inline: ['seq 20000'] })] });
      });
      const disk = await diskWith(pages), stateFolder = join(disk.folder, '.bake');
      try {
        const result = await p.run({ stateFolder });
        for (const target of result.targets) if (target.error) expect(target.error.code, target.error.message).toMatch(/^(JOURNAL_NOT_WRITABLE|HOST_NO_SPACE)$/);
        outcomes.add(result.warnings.some(w => w.startsWith('A listener')) ? `${result.outcome} without logs` : result.outcome);
        expect(existsSync(join(p.folder, 'out/web'))).toBe(result.targets.find(t => t.target === 'web/file')!.outcome === 'done');
        expect((await readJournals(stateFolder)).flatMap(j => j.entries)).toEqual([]);
      } catch (error) {
        if (!isBakeError(error)) throw error;
        outcomes.add(error.code);
        expect(existsSync(stateFolder) ? readdirSync(join(stateFolder, 'journal')) : []).toEqual([]);
      } finally { disk.remove(); }
    }
    expect([...outcomes]).toEqual(expect.arrayContaining(['JOURNAL_NOT_WRITABLE', 'done without logs', 'done']));
  });
});
