import { App, Duration, ImageBuild, SecretVariable, Variable } from '../../../lib/index.js';
import {
  PackerFileProvisioner, PackerPowershellProvisioner, PackerVagrantPostProcessor, PackerVirtualboxIsoSource, PackerVmwareIsoSource, PackerWindowsRestartProvisioner, PackerWindowsShellProvisioner,
} from '../../../lib/packer/index.js';

export const app = new App();
const isoUrl = new Variable(app, 'iso_url', { default: 'https://software.example/windows-2019.iso' });
const password = new SecretVariable(app, 'winrm_password', { description: 'Password of the user vagrant, as Autounattend.xml sets it' });

const windows = {
  isoUrl, isoChecksum: 'sha256:549bca46c055157291be6c22a3aaaed8330e78ef4382c99ee82c896426a1cee1', communicator: 'winrm', winrmUsername: 'vagrant', winrmPassword: password,
  winrmTimeout: Duration.hours(6), winrmUseSsl: true, winrmInsecure: true, bootWait: '2m', headless: true, diskSize: 61440,
  floppyFiles: ['answer_files/2019/Autounattend.xml', 'scripts/enable-winrm.ps1', 'scripts/fixnetwork.ps1'], shutdownCommand: 'shutdown /s /t 10 /f /d p:4:1 /c "Packer Shutdown"',
} as const;

new ImageBuild(app, 'windows-2019', {
  sources: [
    new PackerVirtualboxIsoSource({ ...windows, guestOsType: 'Windows2016_64', guestAdditionsMode: 'disable', vboxmanage: [['modifyvm', '{{.Name}}', '--memory', '2048'], ['modifyvm', '{{.Name}}', '--vram', '48']] }),
    new PackerVmwareIsoSource({ ...windows, guestOsType: 'windows9srv-64', vmxData: { 'RemoteDisplay.vnc.enabled': 'false', memsize: '2048', numvcpus: '2' }, version: 15 }),
  ],
  provisioners: [
    new PackerFileProvisioner({ source: 'files/setup.ini', destination: 'C:\\Windows\\Temp\\setup.ini' }),
    new PackerWindowsShellProvisioner({ executeCommand: '{{ .Vars }} cmd /c "{{ .Path }}"', remotePath: '/tmp/script.bat', scripts: ['scripts/vm-guest-tools.bat', 'scripts/enable-rdp.bat'] }),
    new PackerPowershellProvisioner({ inline: ["Set-ExecutionPolicy -Scope Process Bypass -Force", "Install-WindowsFeature -Name 'Web-Server' | Out-Null", 'if ($LASTEXITCODE -ne 0) { exit ${env:EXIT} }'], elevatedUser: 'vagrant', elevatedPassword: password, maxRetries: 2 }),
    new PackerWindowsRestartProvisioner({ restartTimeout: '30m', restartCheckCommand: 'powershell -command "& {Write-Output \'restarted.\'}"' }),
  ],
  postProcessors: [new PackerVagrantPostProcessor({ keepInputArtifact: false, output: 'windows_2019_{{.Provider}}.box', vagrantfileTemplate: 'vagrantfile-windows.template' })],
});

export const files = Object.fromEntries(['answer_files/2019/Autounattend.xml', 'scripts/enable-winrm.ps1', 'scripts/fixnetwork.ps1', 'files/setup.ini', 'scripts/vm-guest-tools.bat', 'scripts/enable-rdp.bat', 'vagrantfile-windows.template'].map(f => [f, '']));
export const vars = { winrm_password: 'vagrant' };
