import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FileProvisioner, ImageBuild, NullSource, type ProvisionerFor, Secret, ShellProvisioner } from '../../../lib/index.js';
import { requires } from '../../support/machine.js';
import { outputOf, program } from '../../support/program.js';
import { startSshd, type TestSshd } from '../../support/sshd.js';

requires('sshd')('a build of shell and file steps over SSH', () => {
  let sshd: TestSshd, guest: string;
  beforeAll(async () => { sshd = await startSshd(); guest = mkdtempSync(join(tmpdir(), 'bake-over-ssh-')); });
  afterAll(async () => { await sshd[Symbol.asyncDispose](); rmSync(guest, { recursive: true, force: true }); });

  const build = (provisioners: readonly ProvisionerFor<never>[], ssh: object = {}, secrets: { readonly [name: string]: string } = {}) => program((app, folder) => {
    mkdirSync(join(folder, 'site'));
    writeFileSync(join(folder, 'site/index.html'), 'index');
    writeFileSync(join(folder, 'site/install.sh'), '#!/bin/bash -e\necho "$0" | grep -c script_\necho "[${NAME}]"\n');
    writeFileSync(join(folder, 'key'), sshd.key.privateKey, { mode: 0o600 });
    new ImageBuild(app, 'web', { sources: [new NullSource({ ssh: { host: sshd.host, port: sshd.port, username: sshd.user, privateKeyFile: 'key', hostKey: sshd.hostKey.publicKey, ...ssh } })], provisioners });
  }).then(async p => { Object.assign(process.env, secrets); try { return { result: await p.run(), p }; } finally { for (const name of Object.keys(secrets)) delete process.env[name]; } });

  test('does what its steps say, one connection for all', async () => {
    const before = sshd.connections(), secret = `it's "s3cret"\n\\two $LINES`;
    const { result, p } = await build([
      new FileProvisioner({ source: 'site/', destination: `${guest}/www` }),
      new FileProvisioner({ content: Secret.env('BAKE_TEST_SECRET'), destination: `${guest}/secret`, mode: '0600' }),
      new ShellProvisioner({ script: 'site/install.sh', environment: { NAME: 'ünï' } }),
      new ShellProvisioner({ inline: [`printf %s "$TOKEN" | cmp - ${guest}/secret && echo same`, 'echo "$TOKEN"'], environment: { TOKEN: Secret.env('BAKE_TEST_SECRET') } }),
      new FileProvisioner({ download: `${guest}/www`, destination: 'back' }),
    ], {}, { BAKE_TEST_SECRET: secret });
    expect(result.targets[0]!.error).toBeUndefined();
    expect(outputOf(p.events)).toMatch(/^1\n\[ünï\]\nsame\n/);
    expect(JSON.stringify(p.events)).not.toContain('s3cret');
    expect(readFileSync(join(guest, 'secret'), 'utf8')).toBe(secret);
    expect(readFileSync(join(p.folder, 'back/index.html'), 'utf8')).toBe('index');
    expect(sshd.connections() - before).toBe(1);
  });

  test('gives scripts a terminal where ssh.pty asks for one', async () => {
    const { result, p } = await build([new ShellProvisioner({ inline: ['tty </dev/tty >/dev/null && test -t 1 && echo "a terminal"'] })], { pty: true });
    expect(result.targets[0]!.error).toBeUndefined();
    expect(outputOf(p.events)).toContain('a terminal');
  });

  test('fails at the step whose connection drops', async () => {
    const dropping = build([new ShellProvisioner({ inline: [`touch ${guest}/now`, 'sleep 20'] }), new ShellProvisioner({ inline: [`touch ${guest}/after`] })]);
    await expect.poll(() => { try { return readFileSync(`${guest}/now`).length; } catch { return -1; } }, { timeout: 30_000 }).toBe(0);
    sshd.drop();
    const { result } = await dropping;
    expect(result.targets[0]).toMatchObject({ outcome: 'failed', error: { code: 'SHELL_DISCONNECTED' } });
    expect(() => readFileSync(`${guest}/after`)).toThrow('ENOENT');
  });
});
