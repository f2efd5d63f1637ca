import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileSource, type FileSourceProps, ImageBuild } from '../../../lib/index.js';
import { program } from '../../support/program.js';

const building = (props: FileSourceProps<'file'>, prepare?: (folder: string) => Promise<void>) => program(async (app, folder) => { await prepare?.(folder); new ImageBuild(app, 'web', { sources: [new FileSource(props)] }); });

describe('the file source', () => {
  it('makes a file of a text, of a file, or of nothing, and says where it lies and what is in it', async () => {
    for (const [props, content] of [[{ content: 'grün\n' }, 'grün\n'], [{ source: 'in' }, 'copied'], [{}, '']] as const) {
      const p = await building({ ...props, target: 'a/b/out' }, async folder => writeFile(join(folder, 'in'), 'copied'));
      const [target] = (await p.run()).targets, path = join(p.folder, 'a/b/out'), digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      expect(target).toMatchObject({ outcome: 'done', outputs: { path, digest }, artifacts: [{ id: path, madeBy: 'source/file', files: [{ path, digest, size: Buffer.byteLength(content) }] }] });
      expect(await readFile(path, 'utf8')).toBe(content);
    }
  });

  it('takes a text or a file, not both', async () => {
    await expect(building({ content: 'x', source: 'in', target: 'out' }, async folder => writeFile(join(folder, 'in'), ''))).rejects.toThrow('takes at most one of content, source');
  });
});
