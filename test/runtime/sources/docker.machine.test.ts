import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { docker } from '../../../lib/constructs/sources/docker.js';
import type { Resolved } from '../../../lib/kinds.js';
import type { Artifact, Communicator } from '../../../lib/runtime/driver.js';
import { openEngine } from '../../../lib/runtime/docker/engine.js';
import driver from '../../../lib/runtime/sources/docker.js';
import { baseImage } from '../../support/base.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';
import { requires } from '../../support/machine.js';

type Props = Resolved<typeof docker>;
const props = (more: Partial<Props>): Props => ({ privileged: false, pty: false, fixUploadOwner: true, ...more });

requires('docker', 'base')('the docker source', () => {
  let image: string, at: DriverContext;
  const images: string[] = [];
  beforeAll(async () => { image = await baseImage(); });
  beforeEach(async () => { at = await driverContext(); });
  afterEach(async () => { await at.end(); });
  afterAll(async () => {
    const { docker } = await openEngine();
    for (const id of images.reverse()) await docker.getImage(id).remove({ force: true }).catch(() => {});
  });

  const inspect = async (id: string) => (await (await openEngine()).docker.getImage(id).inspect());
  const containersOf = async (run: string) => (await (await openEngine()).docker.listContainers({ all: true, filters: { name: [run] } })).map(c => c.Names[0]);
  /** Runs commands in a container of ours and keeps the result. */
  async function build(more: Partial<Props>, work: (guest: Communicator) => Promise<void> = async () => {}): Promise<Artifact> {
    const wanted = props({ image, commit: true, ...more });
    const machine = await driver.start(wanted, at.ctx);
    const guest = await machine.connect(at.ctx);
    await work(guest);
    const artifact = await machine.capture(wanted, at.ctx);
    if (artifact.id.startsWith('sha256:')) images.push(artifact.id);
    return artifact;
  }
  const ok = async (guest: Communicator, command: string): Promise<string> => {
    let out = '';
    expect(await guest.exec(command, { stdout: chunk => { out += Buffer.from(chunk).toString('utf8'); } })).toEqual({ how: 'exited', code: 0 });
    return out;
  };
  const runImage = (id: string, ...args: string[]): string => execFileSync('docker', ['run', '--rm', '--network', 'none', id, ...args], { encoding: 'utf8' });

  test('commits what the steps did, and the container is gone afterwards', async () => {
    const artifact = await build({}, async guest => { for (let i = 0; i < 3; i++) await ok(guest, `echo ${i} >> /answer`); });
    expect(artifact).toMatchObject({ madeBy: 'source/docker', files: [], outputs: { imageId: artifact.id, digest: artifact.id } });
    expect(runImage(artifact.id, 'cat', '/answer')).toBe('0\n1\n2\n');
    await at.endScope();
    expect(await containersOf(at.ctx.run.id)).toEqual([]);
    expect(await at.left()).toEqual([]);
    expect(await driver.present!(artifact)).toBe(true);
    await driver.destroy!(artifact);
    expect(await driver.present!(artifact)).toBe(false);
  });

  test('leaves the configuration of the image as it was, and changes what it is told to', async () => {
    const first = await build({ changes: ['ENTRYPOINT ["/bin/echo", "hello"]', 'CMD ["world"]', 'ENV COLOUR=blue', 'EXPOSE 8080', 'LABEL site=a'] });
    const { Entrypoint, Cmd, Env, ExposedPorts, Labels } = (await inspect(first.id)).Config;
    expect({ Entrypoint, Cmd, ExposedPorts, Labels }).toEqual({ Entrypoint: ['/bin/echo', 'hello'], Cmd: ['world'], ExposedPorts: { '8080/tcp': {} }, Labels: { site: 'a' } });
    expect(Env).toContain('COLOUR=blue');
    expect(runImage(first.id)).toBe('hello world\n');
    const second = await build({ image: first.id, author: 'A. Uthor', message: 'what changed' }, async guest => { expect(await ok(guest, 'echo $COLOUR')).toBe('blue\n'); });
    const info = await inspect(second.id);
    expect(info.Config).toEqual({ ...(await inspect(first.id)).Config, Image: info.Config.Image, Hostname: info.Config.Hostname });
    expect([info.Author, info.Comment]).toEqual(['A. Uthor', 'what changed']);
    expect(runImage(second.id)).toBe('hello world\n');
    const third = await build({});
    const [{ Config: now }, { Config: before }] = [await inspect(third.id), await inspect(image)];
    expect([now.Entrypoint, now.Cmd, now.Env, now.Labels ?? {}]).toEqual([before.Entrypoint, before.Cmd, before.Env, before.Labels ?? {}]);
  });

  test('exports the root file system', async () => {
    const artifact = await build({ commit: false, exportPath: join(at.folder, 'out', 'root.tar') }, async guest => { await ok(guest, 'echo here > /answer'); });
    expect(artifact.outputs['path']).toBe(join(at.folder, 'out', 'root.tar'));
    expect(execFileSync('tar', ['-xOf', artifact.files[0]!.path, 'answer'], { encoding: 'utf8' })).toBe('here\n');
    expect(await driver.present!(artifact)).toBe(true);
    expect(await driver.preflight!(props({ image, exportPath: artifact.files[0]!.path }), at.ctx)).toMatchObject([{ code: 'OUTPUT_EXISTS', field: 'exportPath' }]);
  });

  test('keeps nothing where it is told to discard', async () => {
    expect(await build({ commit: false, discard: true })).toMatchObject({ id: 'discarded', files: [] });
  });

  test('runs as another user, with memory file systems, volumes and limits of capabilities', async () => {
    await build({ commit: false, discard: true, execUser: 'nobody', tmpfs: ['/scratch:size=1m'], volumes: { [at.folder]: '/host' }, capDrop: ['MKNOD'], capAdd: ['NET_ADMIN'] }, async guest => {
      expect(await ok(guest, 'id -un')).toBe('nobody\n');
      expect(await ok(guest, 'grep /scratch /proc/mounts')).toMatch(/tmpfs .*size=1024k/);
      await guest.upload(Buffer.from('x'), '/srv/deep/file');
      expect(await ok(guest, 'cat /srv/deep/file; stat -c %U /srv/deep/file')).toBe('xnobody\n');
      expect(await ok(guest, 'ls -d /host')).toBe('/host\n');
    });
  });

  test('takes the arguments of docker run that Packer\'s templates have', async () => {
    await build({ commit: false, discard: true, runCommand: ['-d', '-i', '-t', '-e', 'A=1', '--hostname=box', '--entrypoint=/bin/bash', '--', '{{.Image}}'] }, async guest => {
      expect(await ok(guest, 'echo $A; hostname; cat /proc/1/comm')).toBe('1\nbox\nbash\n');
    });
  });

  test('says what is wrong before anything starts', async () => {
    const problems = await driver.preflight!(props({ image: 'imagebake-no-such:1', pull: false, runCommand: ['--gpus', 'all'] }), at.ctx);
    expect(problems.map(p => [p.code, p.field])).toEqual([['DOCKER_RUN_UNKNOWN', 'runCommand'], ['DOCKER_IMAGE_MISSING', 'image']]);
    expect(await driver.preflight!(props({ image, dockerHost: 'unix:///nonexistent.sock' }), at.ctx)).toMatchObject([{ code: 'DOCKER_NO_ENGINE' }]);
    expect(await driver.preflight!(props({ image, dockerHost: 'tcp://127.0.0.1:1' }), at.ctx)).toMatchObject([{ code: 'DOCKER_NO_ANSWER' }]);
    expect(await driver.preflight!(props({ image, dockerHost: 'ssh://me@host' }), at.ctx)).toMatchObject([{ code: 'DOCKER_SSH' }]);
    expect(await driver.preflight!(props({ image }), at.ctx)).toEqual([]);
  });

  test('a container that ends at once is an error with its last words', async () => {
    await expect(driver.start(props({ image, runCommand: ['{{ .Image }}', 'sh', '-c', 'echo I end >&2; exit 5'] }), at.ctx)).rejects.toMatchObject({ code: 'DOCKER_EXITED', message: expect.stringMatching(/code 5\.\n.*I end/s) });
    await at.endScope();
    expect(await containersOf(at.ctx.run.id)).toEqual([]);
  });

  test('what a killed run left is found by the journal alone', async () => {
    const machine = await driver.start(props({ image, commit: true }), at.ctx);
    await machine.connect(at.ctx);
    const { readJournals } = await import('../../../lib/runtime/journal.js');
    const [entry] = (await readJournals(join(at.folder, '.bake')))[0]!.entries;
    expect(await containersOf(at.ctx.run.id)).toHaveLength(1);
    await driver.reap!(entry!);
    expect(await containersOf(at.ctx.run.id)).toEqual([]);
    await driver.reap!(entry!);
  });

  test('goes on from a saved machine', async () => {
    const machine = await driver.start(props({ image, commit: true }), at.ctx);
    const guest = await machine.connect(at.ctx);
    await ok(guest, 'echo one > /steps');
    const saved = await machine.save!(at.ctx);
    images.push((saved.data as { reference: string }).reference);
    await ok(guest, 'echo lost >> /steps');
    const resumed = await driver.resume!(props({ image, commit: true }), saved, at.ctx);
    await ok(await resumed.connect(at.ctx), 'echo two >> /steps');
    const artifact = await resumed.capture(props({ image, commit: true }), at.ctx);
    images.push(artifact.id);
    expect(runImage(artifact.id, 'cat', '/steps')).toBe('one\ntwo\n');
    expect((await inspect(artifact.id)).Config.Cmd).toEqual((await inspect(image)).Config.Cmd);
  });

  test('starts a finished image as it would start itself', async () => {
    const artifact = await build({ changes: ['CMD ["sh", "-c", "echo up > /up; sleep 1000"]'] });
    const guest = await (await driver.boot!(artifact, props({ image, commit: true }), at.ctx)).connect(at.ctx);
    await expect.poll(() => ok(guest, 'cat /up 2>/dev/null || true')).toBe('up\n');
    const plain = await build({ changes: ['CMD ["true"]'] });
    expect(await ok(await (await driver.boot!(plain, props({ image, commit: true }), at.ctx)).connect(at.ctx), 'echo in')).toBe('in\n');
  });

  test('builds the image to start from with a Dockerfile', async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(at.folder, 'Dockerfile'), `FROM ${image}\nARG WORD\nCOPY word.txt /word\nRUN echo $WORD >> /word\n`);
    writeFileSync(join(at.folder, 'word.txt'), 'from the folder\n');
    const artifact = await build({ image: undefined as never, build: { path: join(at.folder, 'Dockerfile'), buildDir: at.folder, arguments: { WORD: 'and an argument' } } }, async guest => {
      expect(await ok(guest, 'cat /word')).toBe('from the folder\nand an argument\n');
    });
    expect(existsSync(join(at.folder, 'Dockerfile'))).toBe(true);
    images.push(((await inspect(artifact.id)) as { Parent: string }).Parent);
    expect(readFileSync(join(at.folder, 'word.txt'), 'utf8')).toBe('from the folder\n');
  });
});
