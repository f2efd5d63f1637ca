import { App, ImageBuild, SecretVariable, text, Variable } from '../../../lib/index.js';
import { PackerShellProvisioner, PackerVsphereIsoSource } from '../../../lib/packer/index.js';

export const app = new App();
const server = new Variable(app, 'vcenter_server', { default: 'vcenter.example' });
const datastore = new Variable(app, 'datastore', { default: 'nfs-1' });
const password = new SecretVariable(app, 'vcenter_password');

new ImageBuild(app, 'ubuntu', {
  sources: [
    new PackerVsphereIsoSource({
      vcenterServer: server, username: 'packer@vsphere.local', password, insecureConnection: true, datacenter: 'dc', cluster: 'build', datastore, folder: 'Templates', convertToTemplate: true,
      vmName: 'ubuntu-18.04', guestOsType: 'ubuntu64Guest', cpus: 2, ram: 4096, ramReserveAll: true, cpuHotPlug: true, diskControllerType: ['pvscsi'],
      storage: [{ diskSize: 32768, diskThinProvisioned: true }], networkAdapters: [{ network: 'VM Network', networkCard: 'vmxnet3' }],
      isoPaths: [text`[${datastore}] iso/ubuntu-18.04.3-server-amd64.iso`], floppyFiles: ['preseed.cfg'], sshUsername: 'jetbrains', sshPassword: 'jetbrains',
      bootCommand: ['<enter><wait><f6><wait><esc><wait>', '/install/vmlinuz', ' initrd=/install/initrd.gz', ' priority=critical', ' locale=en_US', ' file=/media/preseed.cfg', '<enter>'],
      configurationParameters: { 'disk.EnableUUID': 'true' }, notes: 'Built by Packer.\nDo not change by hand.',
    }),
  ],
  provisioners: [new PackerShellProvisioner({ inline: ['ls /'] })],
});

export const files = { 'preseed.cfg': '' };
export const vars = { vcenter_password: 'x' };
