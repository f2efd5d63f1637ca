import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { DockerImportPostProcessor, DockerSavePostProcessor, DockerTagPostProcessor } from '../../../lib/index.js';
import { openEngine } from '../../../lib/runtime/docker/engine.js';
import type { Artifact } from '../../../lib/runtime/driver.js';
import { fileArtifact, postProcessorContract } from '../../contracts/post-processor-driver.js';
import { requires } from '../../support/machine.js';

requires('docker', 'docker-cli')('post-processors of containers keep the contract of post-processors:', () => {
  const name = `bake-test-${randomUUID().slice(0, 8)}`, docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
  let image: Artifact, imported = 0;
  beforeAll(async () => {
    const id = execFileSync('sh', ['-c', `tar -C /etc -c hostname | docker import - ${name}:base`], { encoding: 'utf8' }).trim();
    image = { madeBy: 'source/docker', id, files: [], data: { host: (await openEngine()).host }, outputs: { imageId: id } };
  });
  afterAll(() => { for (const tag of docker('image', 'ls', name, '--format', '{{.Repository}}:{{.Tag}}').split('\n')) if (tag !== '') docker('rmi', '-f', tag); });

  postProcessorContract(() => ({ postProcessor: () => new DockerTagPostProcessor({ repository: name, tags: ['1', '2'] }), input: () => image }));
  postProcessorContract(() => ({ postProcessor: () => new DockerSavePostProcessor({ path: 'image.tar' }), input: () => image }));
  postProcessorContract(() => ({
    postProcessor: () => new DockerImportPostProcessor({ repository: name, tag: `imported-${++imported}` }),
    input: folder => fileArtifact(join(folder, 'root.tar'), execFileSync('tar', ['-C', '/etc', '-c', 'hostname'])),
  }));
});
