import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  App, Duration, FileProvisioner, HttpData, ImageBuild, ManifestPostProcessor, NullSource, QemuSource, Secret, ShellLocalProvisioner, ShellProvisioner, SleepProvisioner, text, timestamp,
} from '../../lib/index.js';
import { Guest, simulate, type SimulateOptions } from '../../lib/testing/index.js';
import { Lookup, Pack, Script, VmSource } from '../support/components.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-simulate-'));
  mkdirSync(join(folder, 'site', 'sub'), { recursive: true });
  writeFileSync(join(folder, 'site', 'index.html'), '<p>');
  writeFileSync(join(folder, 'site', 'sub', 'a.css'), 'a{}');
  writeFileSync(join(folder, 'base.sh'), '#!/bin/sh -e\n# first\nset -x\napt-get update\napt-get install -y \\\n  nginx\nsystemctl enable nginx\n');
  writeFileSync(join(folder, 'careless.sh'), '#!/bin/sh\nfalse-command\ntrue-command\n');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const shell = (...inline: string[]): ShellProvisioner => new ShellProvisioner({ inline });
const program = (provisioners: any[], more: object = {}): App => {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'base.sh' })], provisioners, ...more } as never);
  return app;
};
const sim = (app: App, guest?: Parameters<typeof simulate>[1], options: SimulateOptions = {}) => simulate(app, guest, { folder, ...options });

describe('a simulation', () => {
  test('runs the steps of a program, and says what they ran, sent and made', async () => {
    const result = await sim(program([new FileProvisioner({ source: 'site/', destination: '/srv/www' }), new ShellProvisioner({ script: 'base.sh' }), shell('echo $VERSION', 'reload')], { postProcessors: [new ManifestPostProcessor({ output: 'manifest.json' })] }), new Guest().on(/^echo/, { stdout: '1.0\n' }));
    expect(result.outcome).toBe('done');
    expect(result.steps.map(s => [s.step, s.outcome])).toEqual([['start', 'done'], ['connect', 'done'], ['web/file', 'done'], ['web/shell', 'done'], ['web/shell-2', 'done'], ['capture', 'done'], ['web/manifest', 'done'], ['disconnect', 'done']]);
    expect(result.ran()).toEqual(['apt-get update', 'apt-get install -y nginx', 'systemctl enable nginx', 'echo $VERSION', 'reload']);
    expect(result.uploads.map(u => [u.step, u.path, u.text])).toEqual([['web/file', '/srv/www/index.html', '<p>'], ['web/file', '/srv/www/sub/a.css', 'a{}']]);
    expect([result.output(), result.file('web/qemu', '/srv/www/index.html'), result.artifacts.map(a => a.id)]).toEqual(['1.0\n', '<p>', ['simulated:web/qemu', 'simulated:web/manifest']]);
    expect(existsSync(join(folder, 'manifest.json')), 'post-processors are made up').toBe(false);
  });

  test('leaves nothing behind', async () => {
    const before = readdirSync(folder);
    await sim(program([shell('x')]));
    expect(readdirSync(folder)).toEqual(before);
  });

  test('gives a step its secrets, and takes none from this computer', async () => {
    const guest = new Guest().on('login', ({ environment }) => ({ stdout: JSON.stringify(environment) }));
    const app = (): App => program([new ShellProvisioner({ inline: ['login'], environment: { A: Secret.env('BAKE_TEST_NOT_SET'), B: text`x-${Secret.file('/no/such/file')}` } })]);
    const seen: unknown[] = [];
    const asked = new Guest().on('login', ({ environment }) => { seen.push(environment); return {}; });
    await sim(app(), asked);
    await sim(app(), asked, { secrets: { 'env:BAKE_TEST_NOT_SET': 'given' } });
    expect(seen).toEqual([{ A: 'secret-of-env-BAKE_TEST_NOT_SET', B: 'x-secret-of-file-no-such-file' }, { A: 'given', B: 'x-secret-of-file-no-such-file' }]);
    expect((await sim(app(), guest)).output()).toBe('{"A":"***","B":"x-***"}');
  });

  test('makes up outputs of sources and data sources, or takes those that it is given', async () => {
    const build = (): App => {
      const app = new App(), release = new HttpData(app, 'release', { url: 'https://example.invalid/' }), base = new ImageBuild(app, 'base', { sources: [new QemuSource({ diskImage: 'base.sh' })] });
      new ImageBuild(app, 'web', { sources: [new QemuSource({ from: base })], provisioners: [new ShellProvisioner({ inline: [text`use ${release.outputs.body} ${base.outputs.qemu.path} ${timestamp()}`] })] });
      return app;
    };
    expect((await sim(build())).ran()).toEqual(['use simulated-body simulated-path 1767225600']);
    expect((await sim(build(), undefined, { data: { release: { body: 'v3' } }, outputs: { 'base/qemu': { path: '/base.qcow2' } } })).ran()).toEqual(['use v3 /base.qcow2 1767225600']);
  });

  test('simulates components without a driver, of whichever package', async () => {
    const app = new App(), found = new Lookup(app, 'found', { name: 'x' });
    new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: found.outputs.id })], provisioners: [new Script({ inline: ['one', 'two'] })], postProcessors: [new Pack({})] });
    const result = await sim(app, new Guest().onHost('two', { exit: 3, stderr: 'no\n' }));
    expect(result.error).toMatchObject({ code: 'SIMULATION_HOST', message: 'two ended with code 3: no' });
  });

  test('has one guest for all targets, or one for each', async () => {
    const app = new App();
    new ImageBuild(app, 'web', { sources: [new NullSource({}), new NullSource({ name: 'other' })], provisioners: [shell('x')] });
    const result = await sim(app, target => new Guest().on('x', target === 'web/other' ? { exit: 1 } : {}));
    expect(result.targets.map(t => [t.target, t.outcome])).toEqual([['web/null', 'done'], ['web/other', 'failed']]);
    expect(result.target('web/other').failedStep).toBe('web/shell');
    expect(() => result.target('web/nope')).toThrow(`There is no target 'web/nope'. There are: web/null, web/other.`);
  });

  test('throws where the program has problems, as synth does', async () => {
    await expect(sim(program([new (ShellProvisioner as any)({})]))).rejects.toThrow('needs exactly one of inline, script, scripts');
  });
});

describe('a planted bug is found', () => {
  test('a script that fails after an upload', async () => {
    const result = await sim(program([new FileProvisioner({ source: 'site', destination: '/srv/' }), shell('nginx -t', 'systemctl start nginx'), shell('never')]), new Guest().on('nginx -t', { exit: 1, stderr: 'nginx: [emerg] no such file\n' }));
    expect([result.outcome, result.exit]).toEqual(['failed', 4]);
    expect(result.error).toMatchObject({ code: 'SHELL_FAILED', message: 'The script exited with 1. It said:\nnginx: [emerg] no such file' });
    expect([result.uploads.length, result.ran(), result.step('web/shell')?.outcome, result.step('web/shell-2'), result.step('capture')]).toEqual([2, ['nginx -t'], 'failed', undefined, undefined]);
    expect(result.artifacts).toEqual([]);
  });

  test('a reboot that never returns', async () => {
    const result = await sim(program([new ShellProvisioner({ inline: ['reboot'], mayReboot: true }), shell('never')]), new Guest().on('reboot', { reboots: 'never' }));
    expect(result.error).toMatchObject({ code: 'REBOOT_NOT_BACK', message: expect.stringContaining('The guest did not come back from its reboot within 600 s') });
    expect([result.ran(), result.milliseconds >= 600_000]).toEqual([['reboot'], true]);
  });

  test('a script that goes on after an error, and seems to succeed', async () => {
    const result = await sim(program([new ShellProvisioner({ script: 'careless.sh' })]), new Guest().on('false-command', { exit: 1 }));
    expect([result.outcome, result.ran()]).toEqual(['done', ['false-command', 'true-command']]);
  });

  test('a step that hangs, by its time limit', async () => {
    const result = await sim(program([new ShellProvisioner({ inline: ['wait-for-ever'], timeout: Duration.minutes(30) })]), new Guest().on('wait-for-ever', { hangs: true }));
    expect(result.error).toMatchObject({ code: 'WAIT_TOO_LONG', message: 'Waited 1800 s for web/shell, in vain.' });
    expect(result.milliseconds).toBeGreaterThanOrEqual(30 * 60_000);
  });
});

describe('time', () => {
  test('passes by itself: an hour of work, pauses and retries cost nothing', async () => {
    const result = await sim(program([
      new ShellProvisioner({ inline: ['make'], pauseBefore: Duration.minutes(5), pauseAfter: Duration.minutes(2), timeout: Duration.hours(2) }), new SleepProvisioner({ duration: Duration.hours(3) }),
      new ShellProvisioner({ inline: ['flaky'], maxRetries: 3 }),
    ]), new Guest().on('make', { takes: Duration.hours(1) }).on('flaky', [{ exit: 1 }, { exit: 1 }, {}]));
    expect(result.outcome).toBe('done');
    expect(result.step('web/shell')!.milliseconds).toBe(3_600_000);
    expect(result.milliseconds).toBeGreaterThanOrEqual((5 + 60 + 2 + 180) * 60_000);
    expect(result.milliseconds).toBeLessThan((5 + 60 + 2 + 180) * 60_000 + 60_000);
  });

  test('is the same each time', async () => {
    const guest = (): Guest => new Guest().on('a', { takes: Duration.seconds(7) }).on('flaky', [{ exit: 1 }, {}]);
    const run = async () => (await sim(program([shell('a'), new ShellProvisioner({ inline: ['flaky'], maxRetries: 1 })]), guest())).events.map(e => [e.time, e.type]);
    expect(await run()).toEqual(await run());
  });
});

describe('a guest', () => {
  test('answers by text with stars, by expression, by function, one after the other, and the first pattern that matches', async () => {
    const guest = new Guest()
      .on('get *', ({ match, time }) => (time > 2 ? undefined : { stdout: `${match![0]} ${time}\n` })).on('get *', { stdout: 'later\n' })
      .on(/^v(\d)/, ({ match }) => ({ stdout: `version ${match![1]}\n` })).on('twice', [{ stdout: 'first\n' }, { stdout: 'then\n' }]);
    const result = await sim(program([shell('get a', 'get b', 'get c', 'v7', 'twice', 'twice', 'twice')]), guest);
    expect(result.output()).toBe('get a 1\nget b 2\nlater\nversion 7\nfirst\nthen\nthen\n');
  });

  test('has files: what is uploaded, what commands write and remove, what was there', async () => {
    const guest = new Guest({ files: { '/etc/os-release': 'ID=debian' } }).on('make', ({ files }) => ({ writes: { '/out/built': `from ${files.get('/etc/os-release')}` }, removes: ['/etc/os-release'] }));
    const result = await sim(program([shell('make'), new FileProvisioner({ download: '/out/built', destination: 'built' }), new FileProvisioner({ content: 'x', destination: '/etc/motd', mode: '0600' })]), guest);
    expect(result.downloads).toMatchObject([{ path: '/out/built', text: 'from ID=debian', to: join(folder, 'built') }]);
    expect([existsSync(join(folder, 'built')), result.file('web/qemu', '/etc/os-release'), result.file('web/qemu', '/etc/motd'), result.uploads.map(u => u.mode)]).toEqual([false, undefined, 'x', [0o600]]);
  });

  test('that lacks a file says so', async () => {
    expect((await sim(program([new FileProvisioner({ download: '/nope', destination: 'x' })]))).error).toMatchObject({ code: 'FILE_NOT_THERE', message: `There is no '/nope' in the guest.` });
  });

  test('loses the connection: a failure, unless the step expects it', async () => {
    const guest = (): Guest => new Guest().on('restart-network', { drops: true });
    const failed = await sim(program([shell('restart-network', 'never')]), guest());
    expect([failed.error!.code, failed.ran()]).toEqual(['SHELL_DISCONNECTED', ['restart-network']]);
    expect((await sim(program([new ShellProvisioner({ inline: ['restart-network'], expectDisconnect: true })]), guest())).outcome).toBe('done');
    const left = await sim(program([new ShellProvisioner({ inline: ['restart-network'], expectDisconnect: true })]), new Guest().on('restart-network', { drops: true, exit: 9 }));
    expect(left.error!.message).toMatch(/exited with 9/);
  });

  test('reboots, and the steps go on when it is back', async () => {
    const result = await sim(program([new ShellProvisioner({ inline: ['apt-get upgrade -y', 'reboot'], mayReboot: true }), shell('uname -r')]), new Guest().on('reboot', { reboots: Duration.seconds(90) }));
    expect([result.outcome, result.ran()]).toEqual(['done', ['apt-get upgrade -y', 'reboot', 'uname -r']]);
    expect(result.step('web/shell')!.milliseconds).toBeGreaterThanOrEqual(90_000);
  });

  test('that is strict knows every command, or the step fails', async () => {
    const guest = new Guest({ strict: true }).on('known', {});
    expect((await sim(program([shell('known')]), guest)).outcome).toBe('done');
    expect((await sim(program([shell('known', 'unknown')]), guest)).error!.message).toContain('The simulated guest has no answer to: unknown');
  });

  test('answers steps as a whole, and commands on this computer, which are never run', async () => {
    const app = (): App => program([shell('a', 'b'), new ShellLocalProvisioner({ inline: [`touch ${join(folder, 'touched')}`, 'ansible-playbook site.yml'] })]);
    expect((await sim(app(), new Guest().onStep('web/shell', { exit: 1 }))).error!.code).toBe('SHELL_FAILED');
    const result = await sim(app(), new Guest().onHost('ansible-playbook *', { exit: 2, stderr: 'unreachable' }));
    expect(result.error!.message).toBe('ansible-playbook site.yml ended with code 2: unreachable');
    expect(result.commands.map(c => [c.where, c.command])).toEqual([['guest', 'a'], ['guest', 'b'], ['host', `touch ${join(folder, 'touched')}`], ['host', 'ansible-playbook site.yml']]);
    expect(existsSync(join(folder, 'touched'))).toBe(false);
  });

  test('is cleaned up after a failure, by the program’s own steps', async () => {
    const result = await sim(program([shell('a')], { errorCleanup: [shell('journalctl > /log')] }), new Guest().on('a', { signal: 'SIGKILL' }));
    expect([result.ran(), result.outcome]).toEqual([['a', 'journalctl > /log'], 'failed']);
  });
});

test('a failed base leaves what stands on it unbuilt, and says why', async () => {
  const app = new App(), base = new ImageBuild(app, 'base', { sources: [new QemuSource({ diskImage: 'base.sh' })], provisioners: [shell('install')] });
  new ImageBuild(app, 'web', { sources: [new QemuSource({ from: base })], provisioners: [shell('configure')] });
  const result = await sim(app, new Guest().on('install', { exit: 1 }));
  expect(result.targets.map(t => [t.target, t.outcome])).toEqual([['base/qemu', 'failed'], ['web/qemu', 'skipped']]);
  expect(result.ran()).toEqual(['install']);
});

test('a run that is interrupted ends, and its steps with it', async () => {
  const controller = new AbortController();
  const result = await sim(program([shell('a', 'b')]), new Guest().on('a', () => { controller.abort(); return { takes: Duration.hours(1) }; }), { signal: controller.signal });
  expect([result.outcome, result.ran()]).toEqual(['cancelled', ['a']]);
});

test('real drivers run where a test asks for them', async () => {
  const output = join(folder, 'real-manifest.json');
  await sim(program([], { postProcessors: [new ManifestPostProcessor({ output })] }), undefined, { real: ['post-processor/manifest'] });
  expect(existsSync(output)).toBe(true);
});

test('what a post-processor gives is an input of another build', async () => {
  const app = new App(), pack = new Pack({});
  const base = new ImageBuild(app, 'base', { sources: [new QemuSource({ diskImage: 'base.sh' })], postProcessors: [pack] });
  new ImageBuild(app, 'web', { sources: [new QemuSource({ diskImage: 'base.sh', outputDirectory: 'other' })], provisioners: [new ShellProvisioner({ inline: [text`fetch ${base.outputsOf(pack).qemu.file}`] })] });
  expect((await sim(app)).ran()).toEqual(['fetch simulated-file']);
  expect((await sim(app, undefined, { outputs: { 'base/pack': { file: '/x.zip' } } })).ran()).toEqual(['fetch /x.zip']);
});
