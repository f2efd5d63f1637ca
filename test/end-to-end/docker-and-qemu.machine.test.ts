/** The whole, from a program to images, as a user drives it: containers and machines at once, plans that move, secrets, Ctrl-C. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { bakeFile, sourceEnvironment, tsx } from '../support/command-lines.js';
import { baseImage, baseSystem } from '../support/base.js';
import { requires } from '../support/machine.js';
import { temporaryFolder } from '../support/program.js';

async function folderWith(files: { readonly [name: string]: string }): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries({ 'package.json': '{ "type": "module" }\n', ...files })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

interface Ended { readonly code: number | null; readonly said: string }
/** `bake …` as a process. `meanwhile`: called with all that it said, as often as it says something. */
async function bake(args: readonly string[], cwd: string, env: { readonly [name: string]: string } = {}, meanwhile: (said: string, pid: number) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', tsx, bakeFile, ...args], { cwd, env: { ...sourceEnvironment, BAKE_CACHE_DIR: join(cwd, '.cache'), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => { child.kill('SIGKILL'); });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', chunk => { said += String(chunk); meanwhile(said, child.pid!); });
  return new Promise(resolve => { child.once('close', code => resolve({ code, said })); });
}

const containersNamed = (name: string): string => execFileSync('docker', ['ps', '-aq', '--filter', `name=${name}`], { encoding: 'utf8' });
const runIn = (folder: string): string => readdirSync(join(folder, '.bake/runs')).sort().at(-1)!;
const processesWith = (text: string): string[] => readdirSync('/proc').filter(name => /^\d+$/.test(name) && name !== String(process.pid)).flatMap(pid => {
  try { const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8'); return line.includes(text) ? [line] : []; } catch { return []; }
});
const filesIn = (folder: string): string[] => readdirSync(folder, { withFileTypes: true, recursive: true }).filter(e => e.isFile()).map(e => join(e.parentPath, e.name));

/** Nothing of a run that ended is anywhere but what it was to make. */
function expectNothingLeft(folder: string): void {
  expect(containersNamed(`imagebake-${runIn(folder)}`)).toBe('');
  expect(processesWith(folder)).toEqual([]);
  expect(readdirSync(join(folder, '.bake/journal'))).toEqual([]);
  expect(readdirSync(folder).filter(name => name.startsWith('.') && name !== '.bake' && name !== '.cache')).toEqual([]);
}

requires('docker', 'base')('containers', () => {
  let image: string;
  const made: string[] = [];
  beforeAll(async () => { image = await baseImage(); }, 600_000);
  afterEach(() => { for (const name of made.splice(0)) try { execFileSync('docker', ['rmi', '-f', name], { stdio: 'ignore' }); } catch { /* It was not made. */ } });

  test('a plan that was moved, its program deleted, builds a container image with its scripts and files', async () => {
    const tag = `bake-test-moved-${process.pid}`;
    const folder = await folderWith({
      'images.ts': `
import { App, DockerSource, DockerTagPostProcessor, FileProvisioner, ImageBuild, ShellProvisioner, Variable, text } from 'imagebake';
const app = new App(), word = new Variable(app, 'word', { default: 'hello' });
new ImageBuild(app, 'web', {
  sources: [new DockerSource({ image: '${image}', pull: false, commit: true })],
  provisioners: [new FileProvisioner({ source: 'site/', destination: '/srv' }), new ShellProvisioner({ script: 'go.sh', environment: { WORD: word } }), ...Array.from({ length: 8 }, (_, i) => new ShellProvisioner({ inline: [\`echo \${i} >> /steps\`] }))],
  postProcessors: [new DockerTagPostProcessor({ repository: '${tag}', tags: ['1'] })],
});
`, 'site/deep/page.html': '<p>', 'go.sh': '#!/bin/sh\necho "$WORD from $(cat /srv/deep/page.html)" > /answer\n',
    });
    expect(await bake(['synth', '--out', 'plan', '--var', 'word=hi'], folder)).toMatchObject({ code: 0 });
    const elsewhere = await temporaryFolder();
    await rename(join(folder, 'plan'), join(elsewhere, 'plan'));
    await rm(folder, { recursive: true });
    made.push(`${tag}:1`);
    const built = await bake(['build', 'plan/plan.json', '--no-cache'], elsewhere);
    expect(built.code, built.said).toBe(0);
    expect(execFileSync('docker', ['run', '--rm', `${tag}:1`, 'cat', '/answer', '/steps'], { encoding: 'utf8' })).toBe('hi from <p>\n0\n1\n2\n3\n4\n5\n6\n7\n');
  }, 180_000);

  test('one Ctrl-C takes the container away, and the build ends with 130', async () => {
    const folder = await folderWith({ 'images.ts': `
import { App, DockerSource, ImageBuild, ShellProvisioner } from 'imagebake';
const app = new App();
new ImageBuild(app, 'web', { sources: [new DockerSource({ image: '${image}', pull: false, commit: true })], provisioners: [new ShellProvisioner({ inline: ['echo in the container', 'sleep 1000'] })] });
` });
    let running: string | undefined;
    const ended = await bake(['build', '--json', '--no-cache'], folder, {}, (said, pid) => {
      if (running !== undefined || !said.includes('"in the container\\n"')) return;
      running = containersNamed(`imagebake-${runIn(folder)}`);
      process.kill(pid, 'SIGINT');
    });
    expect(running).not.toBe('');
    expect(ended.code, ended.said).toBe(130);
    expectNothingLeft(folder);
  }, 180_000);

  test('a secret given to a step in a container is in no output, no file and no command line', async () => {
    const secret = `pä"ss'w\\ord $HOME\nof a pair of lines ${'x'.repeat(5)}`;
    const folder = await folderWith({ 'images.ts': `
import { App, DockerSource, ImageBuild, SecretVariable, ShellProvisioner } from 'imagebake';
const app = new App(), environment = { TOKEN: new SecretVariable(app, 'token') };
new ImageBuild(app, 'web', { sources: [new DockerSource({ image: '${image}', pull: false, commit: true })], provisioners: [
  new ShellProvisioner({ inline: ['printf "%s" "$TOKEN" | sha256sum', 'printf "%s" "$TOKEN"', 'printf "%s" "$TOKEN" | base64 -w0', 'printf "%s" "$TOKEN" | base64 >&2', 'sleep 2', 'exit 7'], environment }),
] });
` });
    const forms = [secret, ...secret.split('\n'), Buffer.from(secret).toString('base64'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('hex')];
    const seen: string[] = [];
    const look = setInterval(() => { for (const form of forms) seen.push(...processesWith(form)); }, 100);
    const ended = await bake(['build', '--verbose', '--no-cache'], folder, { BAKE_VAR_token: secret }).finally(() => clearInterval(look));
    expect(ended.code, ended.said).toBe(4);
    expect(seen).toEqual([]);
    const { createHash } = await import('node:crypto');
    expect(ended.said).toContain(createHash('sha256').update(secret).digest('hex'));
    expect(ended.said).toContain('***');
    const texts = [ended.said, ...filesIn(join(folder, '.bake')).map(file => readFileSync(file, 'utf8'))];
    for (const form of forms) expect(texts.filter(text => text.includes(form))).toEqual([]);
    expectNothingLeft(folder);
  }, 180_000);
});

requires('docker', 'qemu', 'base')('containers and machines at the same time', () => {
  test('where one of each fails, the others are complete, the exit code is 4, and nothing is left', async () => {
    const [image, { disk }] = await Promise.all([baseImage(), baseSystem()]), tag = `bake-test-both-${process.pid}`;
    onTestFinished(() => { try { execFileSync('docker', ['rmi', '-f', `${tag}:1`], { stdio: 'ignore' }); } catch { /* It was not made. */ } });
    const folder = await folderWith({ motd: 'one program\n', 'images.ts': `
import { App, DockerSource, DockerTagPostProcessor, Duration, FileProvisioner, ImageBuild, QemuSource, ShellProvisioner, Size } from 'imagebake';
const app = new App();
const steps = [new FileProvisioner({ source: 'motd', destination: '/etc/motd' }), new ShellProvisioner({ inline: ['cat /etc/motd'] })];
new ImageBuild(app, 'good', {
  sources: [new QemuSource({ diskImage: '${disk}', outputDirectory: 'out' }), new DockerSource({ image: '${image}', pull: false, commit: true })],
  provisioners: steps, postProcessors: [new DockerTagPostProcessor({ repository: '${tag}', tags: ['1'], only: ['docker'] })],
});
new ImageBuild(app, 'bad', {
  sources: [new QemuSource({ diskImage: 'empty.qcow2', outputDirectory: 'bad', memory: Size.mib(64), ssh: { timeout: Duration.seconds(3) } }), new DockerSource({ image: '${image}', pull: false, commit: true })],
  provisioners: [new ShellProvisioner({ inline: ['exit 7'] })],
});
` });
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'empty.qcow2'), '8M']);
    const { code, said } = await bake(['build', '--json', '--no-cache'], folder);
    expect(code, said.slice(-5000)).toBe(4);
    const result = JSON.parse(said.trim().split('\n').at(-1)!) as { targets: { target: string; outcome: string; error?: { code: string } }[] };
    expect(Object.fromEntries(result.targets.map(t => [t.target, t.error?.code ?? t.outcome]))).toEqual({ 'good/qemu': 'done', 'good/docker': 'done', 'bad/qemu': 'SSH_TIMEOUT', 'bad/docker': 'SHELL_FAILED' });
    expect(execFileSync('docker', ['run', '--rm', `${tag}:1`, 'cat', '/etc/motd'], { encoding: 'utf8' })).toBe('one program\n');
    expect(JSON.parse(execFileSync('qemu-img', ['info', '--output=json', join(folder, 'out/good.qcow2')], { encoding: 'utf8' }))).toMatchObject({ format: 'qcow2' });
    expect(existsSync(join(folder, 'bad'))).toBe(false);
    expectNothingLeft(folder);
  }, 360_000);
});
