import { App, Duration, hasLength, ImageBuild, matches, Secret, text, uuid, Variable, when } from '../../../lib/index.js';
import { PackerAmazonAmiData, PackerAmazonEbsSource, PackerAmazonSecretsmanagerData, PackerComponent, block, PackerShellLocalProvisioner, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const owner = new Variable(app, 'owner', { default: '136693071363', description: 'Account whose images are taken', validate: [matches(/^\d{12}$/), hasLength(12, 12)] });
const hardened = new Variable(app, 'hardened', { default: false });
const cidrs = new Variable(app, 'cidrs', { default: ['10.0.0.0/8'] });
const debian = new PackerAmazonAmiData(app, 'debian', { region: 'eu-central-1', owners: [owner], filters: { name: 'debian-12-amd64-*', 'virtualization-type': 'hvm' }, mostRecent: true });
const licence = new PackerAmazonSecretsmanagerData(app, 'licence', { name: 'licence', key: 'key', region: 'eu-central-1' });

new ImageBuild(app, 'web', {
  sources: [new PackerAmazonEbsSource({ region: 'eu-central-1', sourceAmi: debian.outputs.id, instanceType: when(hardened, 't3.large', 't3.small'), amiName: text`web-${uuid()}`, sshUsername: 'admin', temporarySecurityGroupSourceCidrs: cidrs })],
  provisioners: [
    new PackerShellProvisioner({ env: { LICENCE: licence.outputs.value, TOKEN: Secret.file('/run/secrets/token.txt') }, inline: ['./install.sh'] }),
    new PackerShellLocalProvisioner({ inline: ['./announce.sh'], pauseAfter: Duration.seconds(30) }),
    new PackerComponent('provisioner', 'acme-scan', { level: 3, report: block({ format: 'sarif' }) }, { plugin: { source: 'github.com/acme/scan', version: '~> 2' } }),
  ],
  errorCleanup: [new PackerShellProvisioner({ inline: ['journalctl -b > /tmp/journal.txt'] })],
});

export const needsNewer = true;
export const files = { 'install.sh': '', 'announce.sh': '' };
export const vars = { token: 'x' };
