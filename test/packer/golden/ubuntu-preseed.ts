import { App, Duration, host, ImageBuild, isOneOf, text, Variable } from '../../../lib/index.js';
import { PackerQemuSource, PackerShellProvisioner, PackerVagrantPostProcessor, PackerVirtualboxIsoSource } from '../../../lib/packer/index.js';

export const app = new App();
const mirror = new Variable(app, 'mirror', { default: 'http://releases.ubuntu.com', description: 'Where the installer comes from' });
const cpus = new Variable<number>(app, 'cpus', { default: 2 });
const headless = new Variable(app, 'headless', { default: true, description: 'Whether the machine has no window' });
const compression = new Variable(app, 'compression', { default: 6, description: 'How hard the box is packed', validate: [isOneOf(1, 6, 9)] });

const installer = {
  isoUrl: text`${mirror}/18.04/ubuntu-18.04.6-server-amd64.iso`, isoChecksum: 'sha256:f5cbb8104348f0097a8e513b10173a07dbc6684595e331cb06f93f385d0aecf6',
  sshUsername: 'vagrant', sshPassword: 'vagrant', sshTimeout: Duration.minutes(60), shutdownCommand: "echo 'vagrant' | sudo -S shutdown -P now",
  httpDirectory: 'http', bootWait: '5s', headless, diskSize: 65536,
  bootCommand: [
    '<enter><wait><f6><wait><esc><wait>', ...Array.from({ length: 4 }, () => '<bs><bs><bs><bs><bs><bs><bs><bs><bs><bs>'),
    '/install/vmlinuz noapic initrd=/install/initrd.gz ', text`preseed/url=http://${host.httpAddress}/preseed.cfg `,
    'debian-installer=en_US auto locale=en_US kbd-chooser/method=us ', 'hostname=ubuntu fb=false debconf/frontend=noninteractive <enter>',
  ],
} as const;

new ImageBuild(app, 'ubuntu', {
  description: 'Ubuntu from its installer, for two hypervisors',
  sources: [
    new PackerQemuSource({ ...installer, diskSize: '65536M', accelerator: 'kvm', cpus, memory: 1024, format: 'qcow2', outputDirectory: 'output/qemu', qemuargs: [['-display', 'none']] }),
    new PackerVirtualboxIsoSource({
      ...installer, guestOsType: 'Ubuntu_64', guestAdditionsPath: 'VBoxGuestAdditions_{{.Version}}.iso', hardDriveInterface: 'sata', virtualboxVersionFile: '.vbox_version', outputDirectory: 'output/virtualbox',
      vboxmanage: [['modifyvm', '{{ .Name }}', '--memory', '1024'], ['modifyvm', '{{.Name}}', '--cpus', text`${cpus}`]],
    }),
  ],
  provisioners: [
    new PackerShellProvisioner({
      scripts: ['scripts/update.sh', 'scripts/vagrant.sh'], environmentVars: ['HOME_DIR=/home/vagrant', 'DEBIAN_FRONTEND=noninteractive'], expectDisconnect: true, pauseBefore: Duration.seconds(10),
      executeCommand: "echo 'vagrant' | {{ .Vars }} sudo -S -E sh -eux '{{ .Path }}'",
    }),
    new PackerShellProvisioner({ script: 'scripts/virtualbox.sh', only: ['virtualbox-iso'] }),
    new PackerShellProvisioner({ inline: ['rm -rf /tmp/*\nfor log in /var/log/*.log; do\n  : > "${log}"\ndone\n'] }),
  ],
  postProcessors: [new PackerVagrantPostProcessor({ output: 'builds/ubuntu-{{.Provider}}.box', compressionLevel: compression })],
});

export const files = { 'http/preseed.cfg': '', 'scripts/update.sh': '', 'scripts/vagrant.sh': '', 'scripts/virtualbox.sh': '' };
