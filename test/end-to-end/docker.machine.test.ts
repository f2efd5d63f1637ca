import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, ManifestPostProcessor, QemuSource, ShellProvisioner } from '../../lib/index.js';
import { baseImage, baseSystem } from '../support/base.js';
import { requires } from '../support/machine.js';
import { program } from '../support/program.js';

const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const containersOf = (run: string): string => docker('ps', '-aq', '--filter', `name=imagebake-${run}`);
/** A name of its own for what a test makes; the image is removed with the test. */
function imageName(): string {
  const name = `bake-test-${randomUUID().slice(0, 8)}`;
  onTestFinished(() => { docker('rmi', '-f', `${name}:latest`); });
  return name;
}

requires('docker', 'docker-cli', 'base')('container builds, from a program to an image that runs', () => {
  let image: string;
  beforeAll(async () => { image = await baseImage(); });

  test('ten shell steps and a folder, committed and tagged: the container that is run from it gives the answer', async () => {
    const repository = imageName();
    const { run, folder, read } = await program((app, at) => {
      mkdirSync(join(at, 'site/deep'), { recursive: true });
      writeFileSync(join(at, 'site/deep/page'), 'a page\n');
      new ImageBuild(app, 'ten', {
        sources: [new DockerSource({ image, pull: false, commit: true, changes: ['CMD ["cat", "/answer", "/srv/site/deep/page"]'] })],
        provisioners: [
          ...Array.from({ length: 10 }, (_, i) => new ShellProvisioner({ inline: [`echo $(( $(cat /count 2>/dev/null || echo 0) + $BY )) > /count`], environment: { BY: String(i) } })),
          new FileProvisioner({ source: 'site', destination: '/srv/' }),
          new ShellProvisioner({ inline: ['echo "the answer is $(cat /count)" > /answer'] }),
        ],
        postProcessors: [new DockerTagPostProcessor({ repository }), new ManifestPostProcessor({ output: 'manifest.json' })],
      });
    });
    const result = await run();
    expect(result).toMatchObject({ outcome: 'done', exit: 0, targets: [{ target: 'ten/docker', outcome: 'done' }] });
    expect(docker('run', '--rm', '--network', 'none', `${repository}:latest`)).toBe('the answer is 45\na page\n');
    expect((JSON.parse(await read('manifest.json')) as { builds: { artifact_id: string }[] }).builds[0]!.artifact_id).toContain('sha256:');
    expect(containersOf(result.run)).toBe('');
    expect(existsSync(join(folder, '.bake/journal')) ? readdirSync(join(folder, '.bake/journal')) : []).toEqual([]);
  });

  test('a step that fails fails the build, and leaves neither container nor image', async () => {
    const { run, events } = await program(app => {
      new ImageBuild(app, 'web', { sources: [new DockerSource({ image, pull: false, commit: true })], provisioners: [new ShellProvisioner({ inline: ['echo to the log >&2', 'exit 7', 'echo never'] })] });
    });
    const result = await run();
    expect(result).toMatchObject({ exit: 4, targets: [{ outcome: 'failed', failedStep: 'web/shell', artifacts: [], error: { message: expect.stringContaining('7') } }] });
    expect(events.some(e => e.type === 'output' && e.text.includes('to the log'))).toBe(true);
    expect(containersOf(result.run)).toBe('');
    expect(events.some(e => e.type === 'artifact')).toBe(false);
  });

  test('one build stands on another', async () => {
    const repository = imageName();
    const { run } = await program(app => {
      const base = new ImageBuild(app, 'base', { sources: [new DockerSource({ image, pull: false, commit: true })], provisioners: [new ShellProvisioner({ inline: ['echo from the base > /base'] })] });
      new ImageBuild(app, 'web', {
        sources: [new DockerSource({ from: base, commit: true })], provisioners: [new ShellProvisioner({ inline: ['echo "$(cat /base), and more" > /web'] })], postProcessors: [new DockerTagPostProcessor({ repository })],
      });
    });
    const result = await run();
    onTestFinished(() => { for (const { artifacts: [first] } of result.targets) { try { docker('rmi', '-f', first!.id); } catch { /* gone with its name */ } } });
    expect(result.targets.map(t => t.outcome)).toEqual(['done', 'done']);
    expect(docker('run', '--rm', '--network', 'none', `${repository}:latest`, 'cat', '/web')).toBe('from the base, and more\n');
  });
});

requires('docker', 'docker-cli', 'base', 'qemu')('a container and a machine in one program', () => {
  test('are built at the same time; one fails, the other completes, and nothing is left behind', { timeout: 600_000 }, async () => {
    const repository = imageName(), [image, { disk }] = await Promise.all([baseImage(), baseSystem()]);
    const { run, folder, events } = await program(app => {
      new ImageBuild(app, 'both', {
        sources: [new DockerSource({ image, pull: false, commit: true }), new QemuSource({ diskImage: disk, outputDirectory: 'out' })],
        provisioners: [new ShellProvisioner({ inline: ['echo built > /built'] }), new ShellProvisioner({ only: ['qemu'], inline: ['cat /built', 'exit 7'] })],
        postProcessors: [new DockerTagPostProcessor({ only: ['docker'], repository })],
      });
    });
    const result = await run();
    expect(result.exit).toBe(4);
    expect(Object.fromEntries(result.targets.map(t => [t.target, t.outcome]))).toEqual({ 'both/docker': 'done', 'both/qemu': 'failed' });
    expect(docker('run', '--rm', '--network', 'none', `${repository}:latest`, 'cat', '/built')).toBe('built\n');
    // Both were at work at one time.
    const time = (target: string, type: string): number => events.find(e => e.step[0] === target && e.step.length === 1 && e.type === type)!.time;
    expect(time('both/qemu', 'step-start')).toBeLessThan(time('both/docker', 'step-end'));
    expect(containersOf(result.run)).toBe('');
    expect(existsSync(join(folder, 'out'))).toBe(false);
    expect(readdirSync(join(folder, '.bake/journal'))).toEqual([]);
    const commands = readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(pid => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; } });
    expect(commands.filter(command => command.startsWith('qemu-system') && command.includes(folder))).toEqual([]);
  });
});
