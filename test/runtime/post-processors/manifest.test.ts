import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileSource, ImageBuild, ManifestPostProcessor, NullSource, text, timestamp } from '../../../lib/index.js';
import { program } from '../../support/program.js';

describe('the manifest', () => {
  it('has the format of Packer, to the byte', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'web', {
        sources: [new FileSource({ content: 'hello', target: 'out/hello.txt' })],
        postProcessors: [new ManifestPostProcessor({ stripTime: true, customData: { b: '<2>', a: text`${'one'}` } })],
      });
    });
    await p.run();
    const written = await p.read('packer-manifest.json'), uuid = (JSON.parse(written) as { last_run_uuid: string }).last_run_uuid;
    expect(written.replaceAll(uuid, 'UUID').replaceAll(p.folder, '/work')).toBe(`{
  "builds": [
    {
      "name": "web",
      "builder_type": "file",
      "files": [
        {
          "name": "out/hello.txt",
          "size": 5
        }
      ],
      "artifact_id": "/work/out/hello.txt",
      "packer_run_uuid": "UUID",
      "custom_data": {
        "a": "one",
        "b": "\\u003c2\\u003e"
      }
    }
  ],
  "last_run_uuid": "UUID"
}`);
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('has every target of a run, and is added to by the next one', async () => {
    const p = await program(app => {
      for (const id of ['a', 'b', 'c']) new ImageBuild(app, id, { sources: [new NullSource()], postProcessors: [new ManifestPostProcessor({ output: 'out/m.json' })] });
    });
    await p.run();
    await p.run();
    const { builds, last_run_uuid } = JSON.parse(await p.read('out/m.json')) as { builds: { name: string; packer_run_uuid: string; build_time: number; files: null; custom_data: null }[]; last_run_uuid: string };
    expect(builds.map(b => b.name).sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c']);
    expect(builds.filter(b => b.packer_run_uuid === last_run_uuid)).toHaveLength(3);
    expect(builds[0]).toMatchObject({ files: null, custom_data: null, build_time: expect.any(Number) });
  });

  it('is begun anew by a run with force', async () => {
    const p = await program(app => {
      for (const id of ['a', 'b']) new ImageBuild(app, id, { sources: [new NullSource({ name: 'named' })], postProcessors: [new ManifestPostProcessor({ output: 'm.json' })] });
    });
    await p.run();
    await p.run({ force: true });
    expect((JSON.parse(await p.read('m.json')) as { builds: { name: string }[] }).builds.map(b => b.name)).toEqual(['named', 'named']);
  });

  it('names files without folders where stripPath says so, and keeps the artifact whatever is asked', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'a', { sources: [new FileSource({ target: 'deep/file' })], postProcessors: [new ManifestPostProcessor({ output: text`m-${timestamp()}.json`, stripPath: true, keepInputArtifact: false })] });
    });
    const result = await p.run();
    const file = (await readdir(p.folder)).find(n => n.startsWith('m-'))!;
    expect((JSON.parse(await p.read(file)) as { builds: { files: { name: string }[] }[] }).builds[0]!.files[0]!.name).toBe('file');
    expect(await p.read('deep/file')).toBe('');
    expect(result.targets[0]!.artifacts).toHaveLength(1);
  });

  it('refuses a file that is something else', async () => {
    const p = await program(async (app, folder) => {
      await writeFile(join(folder, 'm.json'), '[1, 2');
      new ImageBuild(app, 'a', { sources: [new NullSource()], postProcessors: [new ManifestPostProcessor({ output: 'm.json' })] });
    });
    expect((await p.run()).targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'MANIFEST_UNREADABLE' }, failedStep: 'a/manifest' });
    expect(await p.read('m.json')).toBe('[1, 2');
  });
});
