import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { openEngine } from '../../../lib/runtime/docker/engine.js';
import type { Artifact } from '../../../lib/runtime/driver.js';
import dockerImport from '../../../lib/runtime/post-processors/docker-import.js';
import dockerPush from '../../../lib/runtime/post-processors/docker-push.js';
import dockerSave from '../../../lib/runtime/post-processors/docker-save.js';
import dockerTag from '../../../lib/runtime/post-processors/docker-tag.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';
import { requires } from '../../support/machine.js';
import { type ImageRegistry, startRegistry } from '../../support/registry.js';

requires('docker', 'docker-cli', 'docker-registry')('post-processors of container images', () => {
  let at: DriverContext, registry: ImageRegistry, input: Artifact;
  const name = `bake-test-${randomUUID().slice(0, 8)}`, remove = new Set<string>();
  beforeAll(async () => {
    registry = await startRegistry();
    const { docker, host } = await openEngine();
    // Small, so that pushes and saves are quick.
    const tiny = await docker.createContainer({ Image: await importTiny(), Cmd: ['true'] });
    const { Id: id } = await tiny.commit() as unknown as { Id: string };
    await tiny.remove();
    remove.add(id);
    input = { madeBy: 'source/docker', id, files: [], data: { host }, outputs: { imageId: id } };
  });
  beforeEach(async () => { at = await driverContext(); });
  afterEach(async () => { await at.end(); });
  afterAll(async () => {
    const { docker } = await openEngine();
    for (const image of [...remove].reverse()) await docker.getImage(image).remove({ force: true }).catch(() => {});
    await registry[Symbol.asyncDispose]();
  });

  async function importTiny(): Promise<string> {
    const reference = `${name}-tiny:1`;
    execFileSync('sh', ['-c', `tar -C /etc -c hostname | docker import - ${reference}`], { stdio: 'ignore' });
    remove.add(reference);
    return reference;
  }

  test('tag, push and save follow each other, and each has what the one before made', async () => {
    const repository = `${registry.address}/team/${name}`, references = [`${repository}:1`, `${repository}:latest`];
    references.forEach(reference => remove.add(reference));
    const tagged = await dockerTag.run({ repository, tags: ['1', 'latest'] }, input, at.ctx);
    expect(tagged).toMatchObject({ keepInput: 'must', artifact: { id: references.at(-1), outputs: { reference: references[0], references, imageId: input.id } } });
    const pushed = await dockerPush.run({}, tagged.artifact, at.ctx);
    expect(pushed.artifact.outputs).toEqual({ reference: references[0], digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    const listed = await fetch(`http://${registry.address}/v2/team/${name}/tags/list`).then(answer => answer.json()) as { tags: string[] };
    expect(listed.tags.sort()).toEqual(['1', 'latest']);
    const saved = await dockerSave.run({ path: join(at.folder, 'out/image.tar') }, pushed.artifact, at.ctx);
    expect(saved.artifact.files).toMatchObject([{ path: join(at.folder, 'out/image.tar') }]);
    const manifest = JSON.parse(execFileSync('tar', ['-xOf', join(at.folder, 'out/image.tar'), 'manifest.json'], { encoding: 'utf8' })) as { RepoTags: string[] }[];
    expect(manifest[0]!.RepoTags.sort()).toEqual(references);
  });

  test('a registry that is not there is an error that names the image', async () => {
    const tagged = await dockerTag.run({ repository: `127.0.0.1:1/${name}`, tags: ['latest'] }, input, at.ctx);
    remove.add(`127.0.0.1:1/${name}:latest`);
    await expect(dockerPush.run({}, tagged.artifact, at.ctx)).rejects.toMatchObject({ code: 'DOCKER_PUSH_REFUSED', message: expect.stringContaining(`127.0.0.1:1/${name}:latest`) });
  });

  test('an image without a name is not pushed, and what is no image is not tagged', async () => {
    await expect(dockerPush.run({}, input, at.ctx)).rejects.toMatchObject({ code: 'DOCKER_ARTIFACT_NO_NAME' });
    await expect(dockerTag.run({ repository: name, tags: ['latest'] }, { ...input, madeBy: 'source/file', id: '/x', data: {} }, at.ctx)).rejects.toMatchObject({ code: 'DOCKER_ARTIFACT_NO_IMAGE' });
  });

  test('a tar becomes an image with the configuration it is told', async () => {
    const file = join(at.folder, 'root.tar');
    execFileSync('tar', ['-C', '/etc', '-cf', file, 'hostname']);
    const artifact: Artifact = { madeBy: 'source/docker', id: file, files: [{ path: file, digest: 'sha256:0', size: 1, mode: 0o644 }], data: {}, outputs: {} };
    const made = await dockerImport.run({ repository: `${name}-imported`, changes: ['CMD ["/bin/true"]', 'ENV A=b'] }, artifact, at.ctx);
    remove.add(`${name}-imported:latest`);
    expect(made).toMatchObject({ keepInput: 'no', artifact: { id: `${name}-imported:latest` } });
    const { Config, Id } = await (await openEngine()).docker.getImage(`${name}-imported:latest`).inspect();
    expect([Config.Cmd, Config.Env, Id]).toEqual([['/bin/true'], expect.arrayContaining(['A=b']), made.artifact.outputs['imageId']]);
    expect(existsSync(file)).toBe(true);
    await expect(dockerImport.run({ repository: name }, { ...artifact, files: [] }, at.ctx)).rejects.toMatchObject({ code: 'DOCKER_IMPORT_NO_FILE' });
  });
});
