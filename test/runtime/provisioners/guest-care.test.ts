import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { packages } from '../../../lib/constructs/provisioners/packages.js';
import { App, ImageBuild, NullSource, PackagesProvisioner } from '../../../lib/index.js';
import type { Resolved } from '../../../lib/kinds.js';
import { localCommunicator } from '../../../lib/runtime/communicators/local.js';
import { SshCommunicator } from '../../../lib/runtime/communicators/ssh.js';
import type { Communicator } from '../../../lib/runtime/driver.js';
import cloudInitWait from '../../../lib/runtime/provisioners/cloud-init-wait.js';
import packagesDriver from '../../../lib/runtime/provisioners/packages.js';
import rebootDriver from '../../../lib/runtime/provisioners/reboot.js';
import { sshKeyPair } from '../../../lib/runtime/communicators/ssh/key-pair.js';
import { synth } from '../../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';
import { faultServer, runHere } from '../../support/ssh-fault-server.js';

let it: DriverContext, bin: string;
beforeEach(async () => {
  it = await driverContext();
  bin = mkdtempSync(join(tmpdir(), 'bake-care-'));
});
afterEach(async () => { await it.end(); rmSync(bin, { recursive: true, force: true }); });

/** This computer with only these programs: what `programs` says they do, and the tools that every guest has. */
function guestWith(programs: { readonly [name: string]: string }): Communicator {
  for (const tool of ['sh', 'cat', 'rm', 'true', 'env', 'tail', 'head', 'grep', 'sleep']) symlinkSync(execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim().replace(/^(?!\/).*/, `/bin/${tool}`), join(bin, tool));
  for (const [name, text] of Object.entries({ id: 'echo 0', ...programs })) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return localCommunicator({ environment: { PATH: bin, LOG: join(bin, 'log') } });
}
const logged = (): string => existsSync(join(bin, 'log')) ? readFileSync(join(bin, 'log'), 'utf8') : '';
const said = (): string => it.said.join('');

describe('packages', () => {
  const props = (more: Partial<Resolved<typeof packages>>): Resolved<typeof packages> => ({ upgrade: false, recommends: false, clean: true, ...more });
  const log = (name: string): { [name: string]: string } => ({ [name]: `echo "${name} $*" >>"$LOG"` });

  test.each([
    ['apk', ['apk update', 'apk upgrade', 'apk del b', 'apk add a']],
    ['dnf', ['dnf -q -y makecache', 'dnf -y upgrade', 'dnf -y remove b', 'dnf -y --setopt=install_weak_deps=False install a', 'dnf -q clean all']],
    ['yum', ['yum -q -y makecache', 'yum -y update', 'yum -y remove b', 'yum -y install a', 'yum -q clean all']],
    ['zypper', ['zypper -n refresh', 'zypper -n update', 'zypper -n remove b', 'zypper -n install --no-recommends a', 'zypper -n clean --all']],
    ['pacman', ['pacman -Sy --noconfirm', 'pacman -Su --noconfirm', 'pacman -Rs --noconfirm b', 'pacman -S --needed --noconfirm a', 'pacman -Scc --noconfirm']],
  ])('are installed with %s where the guest has that', async (manager, expected) => {
    await packagesDriver.run(props({ install: ['a'], remove: ['b'], upgrade: true }), guestWith(log(manager)), it.ctx);
    expect(logged().trim().split('\n')).toEqual(expected);
  });
  test('a guest with dnf and yum is one with dnf; the manager can be named', async () => {
    const guest = guestWith({ ...log('dnf'), ...log('yum') });
    await packagesDriver.run(props({ install: ['a'], clean: false }), guest, it.ctx);
    await packagesDriver.run(props({ install: ['a'], clean: false, manager: 'yum' }), guest, it.ctx);
    expect(logged().trim().split('\n').map(line => line.split(' ')[0])).toEqual(['dnf', 'dnf', 'yum', 'yum']);
  });
  test('the first failure is the step\'s, with what was said', async () => {
    await expect(packagesDriver.run(props({ install: ['a'] }), guestWith({ apk: 'echo "no such package: a" >&2; exit 3' }), it.ctx)).rejects.toMatchObject({ code: 'ROOT_FAILED', message: 'Installing packages: it exited with 3. It said:\nno such package: a' });
  });
  test('a guest without any of them is an error that lists them', async () => {
    await expect(packagesDriver.run(props({ install: ['a'] }), guestWith({}), it.ctx)).rejects.toMatchObject({ message: expect.stringContaining('none of: apt-get, dnf, yum, apk, zypper, pacman') as string });
  });
  test('a user who cannot become root is told so', async () => {
    await expect(packagesDriver.run(props({ install: ['a'] }), guestWith({ id: 'echo 1000' }), it.ctx)).rejects.toMatchObject({ code: 'ROOT_NOT_ROOT', message: expect.stringContaining('neither sudo nor doas') as string });
  });
  test('a user with sudo becomes root by it, and the script does not stand in its command line', async () => {
    await packagesDriver.run(props({ install: ['a'], environment: { http_proxy: 'http://user:s3cret@proxy' } }), guestWith({ id: 'echo 1000', sudo: 'echo "sudo $*" >>"$LOG"; shift; exec "$@"', apk: 'echo "apk $* $http_proxy" >>"$LOG"' }), it.ctx);
    expect(logged()).toBe('sudo -n true\nsudo -n sh -c eval "$(cat)"\napk update http://user:s3cret@proxy\napk add a http://user:s3cret@proxy\n');
  });
  test.each([[{}, 'at least one of install, remove, upgrade'], [{ install: ['a; rm -rf /'] }, `'a; rm -rf /' is no name of a package`]])('%j is found wrong before anything runs', (given, message) => {
    const app = new App();
    new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new PackagesProvisioner(given)] });
    expect(() => synth(app)).toThrow(message);
  });
});

describe('waiting for cloud-init', () => {
  const wait = (script: string, allowDegraded = true): Promise<void> => cloudInitWait.run({ allowDegraded }, guestWith({ 'cloud-init': script }), it.ctx);
  test('ends when it is done', async () => {
    await wait('[ "$2" = --wait ] && { echo .....; exit 0; }; echo "status: done"');
    expect(said()).toBe('status: done\n');
  });
  test('fails when it failed, by exit code or, in old versions, by words', async () => {
    await expect(wait('[ "$2" = --wait ] && exit 1; echo "status: error"; echo "detail: no such module"')).rejects.toMatchObject({ code: 'CLOUD_INIT_FAILED', message: 'cloud-init failed in the guest:\nstatus: error\ndetail: no such module' });
    rmSync(bin, { recursive: true });
    mkdirSync(bin);
    await expect(wait('echo "status: error"')).rejects.toMatchObject({ code: 'CLOUD_INIT_FAILED' });
  });
  test('warns of errors that it recovered from, or fails where that is asked for', async () => {
    const degraded = '[ "$2" = --wait ] && exit 2; echo "status: done"; echo "extended_status: degraded done"';
    await wait(degraded);
    expect(said()).toContain('warning: cloud-init is done, with errors');
    rmSync(bin, { recursive: true });
    mkdirSync(bin);
    await expect(wait(degraded, false)).rejects.toMatchObject({ code: 'CLOUD_INIT_DEGRADED' });
  });
  test('has nothing to do in a guest without it', async () => {
    await cloudInitWait.run({ allowDegraded: true }, guestWith({}), it.ctx);
    expect(said()).toContain('has no cloud-init');
  });
});

describe('rebooting', () => {
  test('is done when the guest is back in another boot', async () => {
    const id = join(bin, 'boot-id');
    writeFileSync(id, 'first\n');
    const run = runHere(command => command.replaceAll('/proc/sys/kernel/random/boot_id', id).replaceAll('$(id -u)', '0').replaceAll('systemctl is-system-running', 'echo running'));
    await using server = await faultServer({ run });
    await using guest = await SshCommunicator.open({ address: server, login: { user: 'root', keys: [{ privateKey: sshKeyPair('').privateKey, from: 'test' }] }, budget: 60_000, pace: 20, endpoint: { type: 'none' } });
    const going = rebootDriver.run({ command: `touch ${bin}/now`, backWithin: { $duration: 60_000 } }, guest, it.ctx);
    while (!existsSync(join(bin, 'now'))) await new Promise(resolve => { setTimeout(resolve, 20); });
    server.behave('refuse', 'silent', { run });
    writeFileSync(id, 'second\n');
    server.drop();
    await going;
    expect(it.said.at(-1)).toMatch(/^The guest is back after \d+ s\.$/);
    await expect(rebootDriver.run({ command: 'true', backWithin: { $duration: 2000 } }, guest, it.ctx)).rejects.toMatchObject({ code: 'REBOOT_NONE' });
  });
  test('is not for containers, which is found before the build', async () => {
    const docker = await driverContext({ build: { name: 'web', sourceName: 'docker', sourceType: 'docker' } });
    expect(await rebootDriver.preflight({ backWithin: { $duration: 1 } }, docker.ctx)).toMatchObject([{ code: 'REBOOT_CONTAINER' }]);
    await docker.end();
  });
});
