import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { DockerImportPostProcessor, DockerPushPostProcessor, DockerSavePostProcessor, DockerTagPostProcessor } from '../../../lib/index.js';
import { openEngine } from '../../../lib/runtime/docker/engine.js';
import type { Artifact } from '../../../lib/runtime/driver.js';
import { fileArtifact, postProcessorContract } from '../../contracts/post-processor-driver.js';
import { requires } from '../../support/machine.js';
import { type ImageRegistry, startRegistry } from '../../support/registry.js';

requires('docker', 'docker-cli', 'docker-registry')('post-processors of containers keep the contract of post-processors:', () => {
  const name = `bake-test-${randomUUID().slice(0, 8)}`, docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
  let image: Artifact, pushed: Artifact, registry: ImageRegistry, imported = 0;
  beforeAll(async () => {
    registry = await startRegistry();
    const id = execFileSync('sh', ['-c', `tar -C /etc -c hostname | docker import - ${name}:base`], { encoding: 'utf8' }).trim();
    image = { madeBy: 'source/docker', id, files: [], data: { host: (await openEngine()).host }, outputs: { imageId: id } };
    docker('tag', id, `${registry.address}/${name}:1`);
    pushed = { ...image, data: { ...image.data, references: [`${registry.address}/${name}:1`] }, outputs: { ...image.outputs, reference: `${registry.address}/${name}:1`, references: [`${registry.address}/${name}:1`] } };
  });
  afterAll(async () => {
    docker('rmi', '-f', `${registry.address}/${name}:1`);
    await registry[Symbol.asyncDispose]();
    for (const tag of docker('image', 'ls', name, '--format', '{{.Repository}}:{{.Tag}}').split('\n')) if (tag !== '') docker('rmi', '-f', tag);
  });

  describe('docker-tag', () => postProcessorContract('docker-tag', () => ({ postProcessor: () => new DockerTagPostProcessor({ repository: name, tags: ['1', '2'] }), input: () => image })));
  describe('docker-save', () => postProcessorContract('docker-save', () => ({ postProcessor: () => new DockerSavePostProcessor({ path: 'image.tar' }), input: () => image })));
  describe('docker-import', () => postProcessorContract('docker-import', () => ({
    postProcessor: () => new DockerImportPostProcessor({ repository: name, tag: `imported-${++imported}` }),
    input: folder => fileArtifact(join(folder, 'root.tar'), execFileSync('tar', ['-C', '/etc', '-c', 'hostname'])),
  })));
  describe('docker-push', () => postProcessorContract('docker-push', () => ({ postProcessor: () => new DockerPushPostProcessor({}), input: () => pushed })));
});
