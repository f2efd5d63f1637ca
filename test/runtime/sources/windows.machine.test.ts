/** Whole builds of Windows guests, which are a WinRM service on this computer: with a machine of QEMU beside it, and without one. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Duration, FileProvisioner, host, ImageBuild, NullSource, PowershellProvisioner, QemuSource, Secret, ShellLocalProvisioner, ShellProvisioner, Size, text } from '../../../lib/index.js';
import { bootSector } from '../../support/boot-sector.js';
import { requires } from '../../support/machine.js';
import { outputOf, program } from '../../support/program.js';
import { startWinrmServer, type WinrmServer } from '../../support/winrm/server.js';

const password = Secret.env('BAKE_TEST_WINRM');
requires('pyspnego', 'qemu')('a build of a Windows guest', () => {
  let server: WinrmServer, guest: string;
  beforeAll(async () => {
    process.env['BAKE_TEST_WINRM'] = 'pa$$ "word"';
    guest = mkdtempSync(join(tmpdir(), 'bake-windows-guest-'));
    server = await startWinrmServer({ user: 'Administrator', password: 'pa$$ "word"', auth: ['ntlm'] }, { BAKE_STANDIN_FOLDER: guest });
  });
  afterAll(async () => { delete process.env['BAKE_TEST_WINRM']; await server?.[Symbol.asyncDispose](); rmSync(guest, { recursive: true, force: true }); });
  const winrm = () => ({ host: '127.0.0.1', port: server.port, username: 'Administrator', password, timeout: Duration.minutes(2) });

  it('on a machine that is there: steps run, and know where it is; the password is shown nowhere', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'web', {
        sources: [new NullSource({ winrm: winrm() })],
        provisioners: [
          new FileProvisioner({ content: 'motd', destination: 'C:\\motd' }), new PowershellProvisioner({ inline: ['echo "$GREETING $PW"'], environment: { GREETING: 'hello', PW: password } }),
          new ShellLocalProvisioner({ inline: [text`echo ${host.guestUser}@${host.guestHost}:${host.guestPort}`] }),
        ],
      });
    });
    const result = await p.run();
    expect(result.targets[0]!.error).toBeUndefined();
    expect(outputOf(p.events)).toMatch(new RegExp(`^hello \\S+\nAdministrator@127.0.0.1:${server.port}\n$`));
    expect([JSON.stringify(p.events).includes('pa$$'), readFileSync(join(guest, 'C/motd'), 'utf8')]).toEqual([false, 'motd']);
  });
  it('on a machine of QEMU: it is reached, told to switch itself off, and waited for', { timeout: 120_000 }, async () => {
    const p = await program((app, folder) => {
      writeFileSync(join(folder, 'windows.raw'), bootSector('Windows, in a way\n'));
      new ImageBuild(app, 'win', {
        sources: [new QemuSource({ diskImage: 'windows.raw', winrm: winrm(), communicator: 'winrm', memory: Size.mib(32), accelerator: 'tcg', shutdown: { command: 'echo down', timeout: Duration.seconds(3) } })],
        provisioners: [new PowershellProvisioner({ inline: ['echo in QEMU'] })],
      });
    });
    const result = await p.run();
    expect(outputOf(p.events)).toContain('in QEMU\n');
    // Its boot sector stands still for ever, as a guest that does not go off.
    expect(result.targets[0]!.error).toMatchObject({ code: 'SHUTDOWN_TIMEOUT' });
    expect(readdirSync(p.folder)).not.toContain('output');
  });
  it('that a step for Unix is sent to says so', async () => {
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new NullSource({ winrm: winrm() })], provisioners: [new ShellProvisioner({ inline: ['true'] })] }); });
    expect((await p.run()).targets[0]!.error).toMatchObject({ code: 'SHELL_WINDOWS', remedy: expect.stringContaining('powershell') as string });
  });
});

describe('settings of winrm', () => {
  const fits = { host: 'x', username: 'a', password };
  it.each([
    [{ winrm: { username: 'a', password } }, 'has winrm settings without a host'], [{ communicator: 'winrm' as const }, 'and no winrm settings'], [{ winrm: fits, ssh: { host: 'x' } }, 'has ssh and winrm settings'],
    [{ winrm: fits, communicator: 'ssh' as const }, 'which does not use them'], [{ winrm: { host: 'x' } }, "'username' is required"], [{ winrm: { ...fits, password: 'plain' } }, 'Secret'],
  ])('that do not fit are found before anything runs: %j', (props, message) => {
    return expect(program(app => { new ImageBuild(app, 'a', { sources: [new NullSource(props as never)] }); })).rejects.toThrow(message);
  });
});
