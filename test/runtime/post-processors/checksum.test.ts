import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ChecksumPostProcessor, FileSource, ImageBuild, NullSource } from '../../../lib/index.js';
import { program } from '../../support/program.js';

const sum = (type: string, text: string): string => createHash(type).update(text).digest('hex');

describe('checksums', () => {
  it('are written as Packer writes them, one file a type, and belong to the artifact', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'hello', target: 'out/hello.txt' })], postProcessors: [new ChecksumPostProcessor({ checksumTypes: ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'], output: 'sums/{{.BuildName}}_{{ .BuilderType }}.{{.ChecksumType}}' })] });
    });
    const result = await p.run();
    for (const type of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']) expect(await p.read(`sums/web_file.${type}`)).toBe(`${sum(type, 'hello')}\thello.txt\n`);
    expect(result.targets[0]!.artifacts.at(-1)!.files.map(f => f.path)).toEqual([join(p.folder, 'out/hello.txt'), ...['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map(t => join(p.folder, `sums/web_file.${t}`))]);
  });

  it('have the name and type that Packer gives by default', async () => {
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'x' })], postProcessors: [new ChecksumPostProcessor()] }); });
    await p.run();
    expect(await p.read('packer_web_file_md5.checksum')).toBe(`${sum('md5', 'x')}\tx\n`);
  });

  it('of several targets and types may share a file, and are not repeated by the next run', async () => {
    const p = await program(app => {
      for (const id of ['a', 'b']) new ImageBuild(app, id, { sources: [new FileSource({ content: id, target: `out/${id}` })], postProcessors: [new ChecksumPostProcessor({ checksumTypes: ['md5', 'sha256'], output: 'sums.txt' })] });
    });
    await p.run();
    await p.run({ force: true });
    expect((await p.read('sums.txt')).trim().split('\n').sort()).toEqual(['a', 'b'].flatMap(id => ['md5', 'sha256'].map(type => `${sum(type, id)}\t${id}`)).sort());
  });

  it('of nothing are nothing', async () => {
    const p = await program(app => { new ImageBuild(app, 'a', { sources: [new NullSource()], postProcessors: [new ChecksumPostProcessor({ output: 'sums.txt' })] }); });
    expect((await p.run()).outcome).toBe('done');
    expect(existsSync(join(p.folder, 'sums.txt'))).toBe(false);
  });
});
