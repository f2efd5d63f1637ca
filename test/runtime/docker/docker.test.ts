import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { repositoryProblem, tagProblem } from '../../../lib/constructs/shared/docker.js';
import { registryOf, storedCredentials } from '../../../lib/runtime/docker/credentials.js';
import { checkEngine, openEngine } from '../../../lib/runtime/docker/engine.js';
import { readFrames } from '../../../lib/runtime/docker/frames.js';
import { parseRunArguments } from '../../../lib/runtime/docker/run-arguments.js';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'bake-docker-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({ DOCKER_CONFIG: folder, ...more });

describe('where the engine is', () => {
  test('is said by the source, then DOCKER_HOST, then the context', async () => {
    const id = createHash('sha256').update('far').digest('hex');
    mkdirSync(join(folder, 'contexts/meta', id), { recursive: true });
    writeFileSync(join(folder, 'contexts/meta', id, 'meta.json'), JSON.stringify({ Name: 'far', Endpoints: { docker: { Host: 'tcp://far.example:2375' } } }));
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ currentContext: 'far' }));
    expect((await openEngine(undefined, env())).host).toBe('tcp://far.example:2375');
    expect((await openEngine(undefined, env({ DOCKER_CONTEXT: 'default' }))).host).toMatch(/^unix:\/\//);
    expect((await openEngine(undefined, env({ DOCKER_HOST: 'unix:///x.sock' }))).host).toBe('unix:///x.sock');
    expect((await openEngine('tcp://near.example:1', env({ DOCKER_HOST: 'unix:///x.sock' }))).host).toBe('tcp://near.example:1');
    await expect(openEngine(undefined, env({ DOCKER_CONTEXT: 'gone' }))).rejects.toMatchObject({ code: 'DOCKER_CONTEXT' });
  });

  test('where nothing answers, the problem says so and what to do', async () => {
    const { problems: [problem] } = await checkEngine(`unix://${folder}/none.sock`);
    expect(problem).toMatchObject({ code: 'DOCKER_NO_ENGINE', message: `No container engine is at unix://${folder}/none.sock.`, remedy: expect.stringContaining('apt-get install docker.io') });
    expect((await checkEngine('somewhere')).problems[0]).toMatchObject({ code: 'DOCKER_HOST' });
    expect((await checkEngine('ssh://me@host')).problems[0]).toMatchObject({ code: 'DOCKER_SSH', remedy: expect.stringContaining('ssh -nNT -L') });
  });
});

describe('credentials of registries', () => {
  test('belong to the registry in the name of the image', () => {
    expect(['debian:12', 'team/app', 'localhost/x', 'r.example/x', 'r:5000/a/b:1', 'r.example:5000/x@sha256:1'].map(registryOf)).toEqual(
      ['https://index.docker.io/v1/', 'https://index.docker.io/v1/', 'localhost', 'r.example', 'r:5000', 'r.example:5000']);
  });

  test('are those that docker login has stored', async () => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ auths: { 'r.example': { auth: Buffer.from('me:pass:word').toString('base64') }, 'https://index.docker.io/v1/': { identitytoken: 'token' } } }));
    expect(await storedCredentials('r.example/x', env())).toEqual({ username: 'me', password: 'pass:word', serveraddress: 'r.example' });
    expect(await storedCredentials('debian', env())).toEqual({ identitytoken: 'token', serveraddress: 'https://index.docker.io/v1/' });
    expect(await storedCredentials('other.example/x', env())).toBeUndefined();
    writeFileSync(join(folder, 'config.json'), 'no json');
    expect(await storedCredentials('r.example/x', env())).toBeUndefined();
  });
});

describe('arguments of docker run', () => {
  test('Packer\'s own default', () => {
    expect(parseRunArguments(['-d', '-i', '-t', '--entrypoint=/bin/sh', '--', '{{.Image}}'])).toEqual({ entrypoint: ['/bin/sh'], config: { Tty: true }, host: {} });
  });

  test('flags in all their forms, and the command', () => {
    expect(parseRunArguments(['docker', 'run', '-dit', '-v/a:/b', '-e', 'A=1', '--env=B=2', '--network', 'host', '--memory', '512m', '--cpus=1.5', '--privileged', '--read-only=false', '--device', '/dev/kvm', '--tmpfs', '/t:size=1m',
      '--ulimit', 'nofile=10:20', '--sysctl', 'a.b=c', '--label', 'x=y=z', '--name', 'mine', '{{ .Image }}', '/sbin/init', '--flag'])).toEqual({
      command: ['/sbin/init', '--flag'],
      config: { Tty: true, Env: ['A=1', 'B=2'], Labels: { x: 'y=z' } },
      host: {
        Binds: ['/a:/b'], NetworkMode: 'host', Memory: 512 * 1024 ** 2, NanoCpus: 1.5e9, Privileged: true, Devices: [{ PathOnHost: '/dev/kvm', PathInContainer: '/dev/kvm', CgroupPermissions: 'rwm' }],
        Tmpfs: { '/t': 'size=1m' }, Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }], Sysctls: { 'a.b': 'c' },
      },
    });
  });

  test('what is not understood is named', () => {
    expect(() => parseRunArguments(['--gpus', 'all', 'x'])).toThrow(`runCommand has '--gpus'`);
    expect(() => parseRunArguments(['--memory', 'much', 'x'])).toThrow(`'--memory' with 'much'`);
    expect(() => parseRunArguments(['--volume'])).toThrow(`ends after '--volume'`);
  });
});

test('the engine\'s stream is taken apart wherever it is cut', async () => {
  const frame = (kind: number, text: string): Buffer => Buffer.concat([Buffer.from([kind, 0, 0, 0, 0, 0, 0, Buffer.byteLength(text)]), Buffer.from(text)]);
  const whole = Buffer.concat([frame(1, 'out'), frame(2, 'error'), frame(1, ''), frame(1, ' more')]);
  for (let size = 1; size <= whole.length; size++) {
    let out = '', err = '';
    async function* pieces(): AsyncGenerator<Buffer> { for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size); }
    await readFrames(pieces(), chunk => { out += chunk.toString(); }, chunk => { err += chunk.toString(); }, false);
    expect([out, err]).toEqual(['out more', 'error']);
  }
});

test('names of repositories and tags are checked before anything is built', () => {
  for (const good of ['app', 'team/app', 'registry.example:5000/team/app', '127.0.0.1:5000/a', 'a_b/c--d.e']) expect(repositoryProblem(good)).toBeUndefined();
  for (const bad of ['App', 'app:1', 'a//b', '-a', 'a@sha256:1', '']) expect(repositoryProblem(bad)).toContain('is no name of a repository');
  expect(tagProblem(['1.2', 'latest', '_x'])).toBeUndefined();
  for (const bad of ['a b', '.x', '', 'x'.repeat(129)]) expect(tagProblem(['ok', bad])).toContain('is no tag');
});
