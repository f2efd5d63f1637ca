import { App, ImageBuild, SecretVariable, text, Variable } from '../../../lib/index.js';
import { PackerChecksumPostProcessor, PackerShellProvisioner, PackerVagrantCloudPostProcessor, PackerVagrantPostProcessor, PackerVirtualboxOvfSource, PackerVmwareVmxSource } from '../../../lib/packer/index.js';

export const app = new App();
const version = new Variable(app, 'box_version', { default: '202601.0.0' });
const token = new SecretVariable(app, 'cloud_token', { description: 'Token of Vagrant Cloud' });
const login = { sshUsername: 'vagrant', sshPassword: 'vagrant', shutdownCommand: "echo 'vagrant' | sudo -S poweroff" };

new ImageBuild(app, 'dev', {
  sources: [
    new PackerVirtualboxOvfSource({ name: 'vbox', ...login, sourcePath: 'base/dev.ovf', vmName: 'dev', guestAdditionsMode: 'attach' }),
    new PackerVmwareVmxSource({ name: 'fusion', ...login, sourcePath: 'base/dev.vmx' }),
  ],
  provisioners: [
    new PackerShellProvisioner({ inline: ['sudo apt-get update'], override: { fusion: { inline: ['sudo apt-get install -y open-vm-tools'] } } }),
    new PackerShellProvisioner({ script: 'minimize.sh', except: ['fusion'] }),
  ],
  postProcessors: [[
    new PackerVagrantPostProcessor({ output: 'boxes/dev-{{.Provider}}.box', include: ['info.json'] }),
    new PackerVagrantCloudPostProcessor({ accessToken: token, boxTag: 'example/dev', version, versionDescription: text`Built as ${version}`, noRelease: true }),
  ], new PackerChecksumPostProcessor({ checksumTypes: ['sha1', 'sha256'], output: 'boxes/dev_{{.ChecksumType}}.checksum', only: ['vbox'] })],
});

export const files = { 'base/dev.ovf': '', 'base/dev.vmx': '', 'minimize.sh': '', 'info.json': '' };
export const vars = { cloud_token: 'x' };
export const asksNetwork = true;
