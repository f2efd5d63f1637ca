import { existsSync, readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { App, ChecksumPostProcessor, CompressPostProcessor, type CompressPostProcessorProps, FileSource, ImageBuild } from '../../../lib/index.js';
import { synth } from '../../../lib/synth/synth.js';
import { toPackerJson } from '../../../lib/synth/packer.js';
import { program } from '../../support/program.js';

const built = (props: CompressPostProcessorProps<never>, more: { readonly content?: string } = {}) => program(app => {
  new ImageBuild(app, 'web', { sources: [new FileSource({ content: more.content ?? 'hello', target: 'out/hello.txt' })], postProcessors: [new CompressPostProcessor(props)] });
});
const problems = (props: CompressPostProcessorProps<never>): string[] => {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'x' })], postProcessors: [new CompressPostProcessor(props)] });
  try { synth(app); return []; } catch (error) { return [(error as Error).message]; }
};

describe('an archive', () => {
  it('is a tar.gz with the name that Packer documents, and takes the place of what is in it', async () => {
    const p = await built({}), result = await p.run(), archive = join(p.folder, 'packer_web_file.tar.gz');
    expect(result.targets[0]!.artifacts.map(a => a.id)).toEqual([archive]);
    expect(existsSync(join(p.folder, 'out/hello.txt'))).toBe(false);
    const tar = gunzipSync(await readFile(archive));
    expect(tar.toString('latin1', 0, 9)).toBe('hello.txt');
    expect(tar.toString('latin1', 512, 517)).toBe('hello');
    expect(readdirSync(p.folder).filter(name => name.startsWith('.packer'))).toEqual([]);
  });

  it('leaves its input where the program says so', async () => {
    const p = await built({ output: '{{.BuildName}}-{{ .BuilderType }}.gz', keepInputArtifact: true });
    const result = await p.run();
    expect(gunzipSync(await readFile(join(p.folder, 'web-file.gz'))).toString()).toBe('hello');
    expect(await p.read('out/hello.txt')).toBe('hello');
    expect(result.targets[0]!.artifacts).toHaveLength(2);
  });

  it('gives its place and digest on, and is the same for the same input', async () => {
    const sums = await Promise.all(['a', 'b'].map(async () => (await (await built({ output: 'x.gz' })).run()).targets[0]!.artifacts[0]!));
    expect(sums[0]!.outputs['checksum']).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(sums[0]!.outputs['checksum']).toBe(sums[1]!.outputs['checksum']);
  });

  it('that is there is not replaced, unless with force', async () => {
    const p = await built({ output: 'a.tar.gz', keepInputArtifact: true });
    await writeFile(join(p.folder, 'a.tar.gz'), 'old');
    const refused = await p.run();
    expect(JSON.stringify(refused)).toContain('OUTPUT_EXISTS');
    expect(await p.read('a.tar.gz')).toBe('old');
    expect(existsSync(join(p.folder, 'out/hello.txt'))).toBe(false);
    expect((await p.run({ force: true })).outcome).toBe('done');
    expect((await readFile(join(p.folder, 'a.tar.gz'))).length).toBeGreaterThan(100);
  });

  it('of one file alone cannot hold two, and leaves nothing behind then', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'out/x' })], postProcessors: [[new ChecksumPostProcessor({ output: 'out/sum' }), new CompressPostProcessor({ output: 'made/x.gz' })]] });
    });
    const result = await p.run();
    expect(result.outcome).toBe('failed');
    expect(JSON.stringify(p.events)).toContain('The format gz holds one file, and the artifact has x, sum.');
    expect(existsSync(join(p.folder, 'made'))).toBe(false);
  });
});

describe('what cannot be is said before anything starts', () => {
  it.each([
    [{ output: 'a.tar', compressionLevel: 3 }, 'tar alone compresses nothing'],
    [{ output: 'a.tar.gz', compressionLevel: 12 }, 'gz ends at 9'],
    [{ format: 'zip', compressionLevel: 10 }, 'zip ends at 9'],
  ] satisfies [CompressPostProcessorProps<never>, string][])('%j', (props, message) => { expect(problems(props).join('\n')).toContain(message); });
  it('and what can be is not refused', () => { expect(problems({ format: 'zst', compressionLevel: 19 })).toEqual([]); });
});

describe('exported', () => {
  const exported = (props: CompressPostProcessorProps<never>) => {
    const app = new App();
    new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'x' })], postProcessors: [new CompressPostProcessor(props)] });
    return toPackerJson(app);
  };
  it('it has the name and the format that it has here', () => {
    const { files } = exported({ format: 'zip', compressionLevel: 9 });
    expect(JSON.parse(Object.values(files)[0]!)['post-processors'].flat()).toEqual([{ type: 'compress', format: 'zip', compression_level: 9, output: 'packer_{{.BuildName}}_{{.BuilderType}}.zip' }]);
  });
  it('a format that Packer does not know is said', () => {
    expect(JSON.stringify(exported({ output: 'web.tar.zst' }))).toContain('EXPORT_COMPRESS');
    expect(JSON.stringify(exported({ output: 'web.tar.xz' }))).not.toContain('EXPORT_COMPRESS');
  });
});
