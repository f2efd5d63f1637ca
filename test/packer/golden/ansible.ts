import { App, ImageBuild, text, types, Variable } from '../../../lib/index.js';
import { PackerAnsibleLocalProvisioner, PackerAnsibleProvisioner, PackerDigitaloceanSource, PackerFileProvisioner, PackerShellLocalProvisioner, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const tags = new Variable(app, 'ansible_tags', { default: 'all' });
const token = new Variable(app, 'api_token', { sensitive: true, description: 'Token of DigitalOcean', type: types.string });

new ImageBuild(app, 'runner', {
  sources: [new PackerDigitaloceanSource({ apiToken: token, image: 'ubuntu-20-04-x64', region: 'fra1', size: 's-1vcpu-1gb', sshUsername: 'root', snapshotName: 'runner-{{timestamp}}', tags: ['build'] })],
  provisioners: [
    new PackerShellLocalProvisioner({ command: 'ansible-galaxy install -r requirements.yml -p roles', environmentVars: ['ANSIBLE_NOCOLOR=1'] }),
    new PackerShellProvisioner({ inline: ['until [ -e /var/lib/cloud/instance/boot-finished ]; do sleep 1; done'] }),
    new PackerAnsibleProvisioner({ playbookFile: 'playbook.yml', user: 'root', extraArguments: ['--tags', tags, '--extra-vars', '{"packages": ["git", "curl"]}'], ansibleEnvVars: ['ANSIBLE_HOST_KEY_CHECKING=False'], groups: ['runners'] }),
    new PackerFileProvisioner({ source: 'playbooks/', destination: '/tmp/playbooks' }),
    new PackerAnsibleLocalProvisioner({ playbookFile: 'local.yml', extraArguments: [text`--tags=${tags}`] }),
  ],
});

export const files = { 'playbook.yml': '[]', 'local.yml': '[]', 'requirements.yml': '[]', 'playbooks/a.yml': '[]' };
export const vars = { api_token: 'x' };
