import { App, ImageBuild, Secret, text, Variable } from '../../../lib/index.js';
import { PackerProxmoxCloneSource, PackerProxmoxIsoSource, PackerPuppetMasterlessProvisioner, PackerPuppetServerProvisioner, PackerSaltMasterlessProvisioner, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const role = new Variable(app, 'role', { default: 'app' });
const api = { proxmoxUrl: 'https://proxmox.example:8006/api2/json', username: 'build@pve', password: Secret.env('PROXMOX_PASSWORD'), insecureSkipTlsVerify: true, node: 'pve', sshUsername: 'debian' };

new ImageBuild(app, 'app', {
  sources: [
    new PackerProxmoxCloneSource({ ...api, cloneVm: 'debian-template', vmName: 'app', cores: 2, memory: 2048, networkAdapters: [{ bridge: 'vmbr0', model: 'virtio' }], cloudInit: true, cloudInitStoragePool: 'local-lvm' }),
    new PackerProxmoxIsoSource({
      ...api, isoFile: 'local:iso/debian-10.iso', vmName: 'app-iso', unmountIso: true, sshPassword: 'debian', sshTimeout: '30m', httpDirectory: 'http', bootCommand: ['<esc><wait>', 'auto url=http://{{ .HTTPIP }}:{{ .HTTPPort }}/preseed.cfg<enter>'],
      disks: [{ type: 'scsi', diskSize: '20G', storagePool: 'local-lvm', storagePoolType: 'lvm' }], networkAdapters: [{ bridge: 'vmbr0', model: 'virtio' }], templateDescription: text`The role ${role}`,
    }),
  ],
  provisioners: [
    new PackerShellProvisioner({ inline: ['wget -qO /tmp/puppet.deb https://apt.puppet.com/puppet7-release-buster.deb', 'sudo dpkg -i /tmp/puppet.deb', 'sudo apt-get update', 'sudo apt-get install -y puppet-agent'] }),
    new PackerPuppetMasterlessProvisioner({ manifestFile: 'manifests/site.pp', modulePaths: ['modules'], hieraConfigPath: 'hiera.yaml', facter: { role }, except: ['proxmox-iso'] }),
    new PackerPuppetServerProvisioner({ puppetServer: 'puppet.example', puppetNode: 'app', extraArguments: ['--pluginsync'], only: ['proxmox-iso'] }),
    new PackerSaltMasterlessProvisioner({ localStateTree: 'salt', minionConfig: 'minion' }),
  ],
});

export const files = { 'manifests/site.pp': '', 'modules/a/x': '', 'hiera.yaml': '', 'http/preseed.cfg': '', 'salt/top.sls': '', minion: '' };
export const vars = { proxmox_password: 'x' };
