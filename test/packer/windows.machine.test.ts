/** Windows guests and their steps, exported, and judged by Packer. */
import { expect, test } from 'vitest';
import { App, Duration, FileProvisioner, ImageBuild, NullSource, PowershellProvisioner, QemuSource, Secret, WindowsRestartProvisioner, WindowsShellProvisioner } from '../../lib/index.js';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { requires } from '../support/machine.js';
import since from './newer-than-1.6.6.json' with { type: 'json' };
import { complaints, inFolder, packer } from '../support/packer.js';

function program(): App {
  const app = new App(), password = Secret.env('WINRM_PASSWORD');
  new ImageBuild(app, 'windows', {
    sources: [
      new NullSource({ winrm: { host: '192.0.2.1', username: 'Administrator', password, useSsl: true, insecure: true } }),
      new QemuSource({ diskImage: new URL('windows.machine.test.ts', import.meta.url), communicator: 'winrm', winrm: { username: 'vagrant', password, port: 5985, timeout: Duration.minutes(60), useNtlm: false, noProxy: false } }),
    ],
    provisioners: [
      new PowershellProvisioner({ inline: ['Write-Host "it\'s $env:A"', 'Get-Service'], environment: { A: `it's "$x"`, TOKEN: Secret.env('TOKEN') }, validExitCodes: [0, 3010], elevatedUser: 'SYSTEM', debugMode: 1 }),
      new PowershellProvisioner({ inline: ['1'], executeCommand: 'powershell -File {{.Path}}', remotePath: 'C:/x.ps1', executionPolicy: 'remotesigned', usePwsh: true, skipClean: true, elevatedUser: undefined }),
      new WindowsShellProvisioner({ inline: ['echo %A%', 'exit /b 0'], environment: { A: '100%' }, validExitCodes: [0, 1] }),
      new WindowsRestartProvisioner({ restartTimeout: Duration.minutes(20), checkRegistry: true, restartCheckCommand: 'powershell -Command "Get-Service WinRM"' }),
      new FileProvisioner({ content: 'x', destination: 'C:\\Windows\\Temp\\x.txt' }),
    ],
  });
  return app;
}

requires('packer')('a program for Windows guests', () => {
  test.each(['HCL', 'JSON'] as const)('%s: Packer knows every option of it, and takes their values', { timeout: 120_000 }, async format => {
    const { files, problems } = format === 'HCL' ? toPackerHcl(program(), { split: true }) : toPackerJson(program()), { 'plugins.pkr.hcl': _plugins, ...rest } = files;
    expect(problems.filter(p => p.severity !== 'warning')).toEqual([]);
    await inFolder(rest, async folder => {
      const { output } = await packer('packer', ['validate', format === 'HCL' ? '.' : Object.keys(rest)[0]!], folder, { WINRM_PASSWORD: 'x', TOKEN: 't' });
      const newer = new Set(['builder/qemu', 'builder/null', 'provisioner/powershell', 'provisioner/windows-shell', 'provisioner/windows-restart', 'provisioner/file'].flatMap(name => (since.options as { readonly [component: string]: readonly string[] })[name] ?? []));
      expect(complaints(output).filter(c => !newer.has(c.replace('unknown: ', '')))).toEqual([]);
    });
  });

  test('says how the guest is reached, and nothing of SSH', () => {
    const hcl = Object.values(toPackerHcl(program()).files).join('\n');
    expect(hcl.match(/communicator *= "winrm"/g)).toHaveLength(2);
    expect(hcl).not.toMatch(/ssh_|temporary_key_pair/);
    for (const line of [/winrm_use_ntlm *= true/, /winrm_use_ntlm *= false/, /winrm_use_ssl *= true/, /winrm_insecure *= true/, /winrm_no_proxy *= true/, /winrm_timeout *= "(60m|1h)0?s?/, /elevated_user *= "SYSTEM"/, /check_registry *= true/]) expect(hcl).toMatch(line);
  });
});
