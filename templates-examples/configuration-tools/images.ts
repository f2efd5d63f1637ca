// One web server four times: set up by Ansible, Puppet, Salt and Chef, each inside the machine and without a server of its own.
import { AnsibleLocalProvisioner, App, ChefSoloProvisioner, DockerSource, ImageBuild, PuppetMasterlessProvisioner, SaltMasterlessProvisioner, ShellProvisioner, text, Variable } from 'imagebake';

export const app = new App();
const release = new Variable(app, 'release', { default: '1.0.0', description: 'Release that the page shows' });
const sources = [new DockerSource({ image: 'debian:12', commit: true })];
const install = (...packages: readonly string[]) => new ShellProvisioner({ name: 'install', inline: ['apt-get update', `apt-get install -y --no-install-recommends ${packages.join(' ')}`] });
const check = new ShellProvisioner({ name: 'check', inline: ['grep "release $RELEASE" /srv/www/index.html'], environment: { RELEASE: release } });

new ImageBuild(app, 'by-ansible', {
  sources, provisioners: [install('ansible'), new AnsibleLocalProvisioner({ playbookDir: 'ansible', playbookFile: 'ansible/site.yml', extraArguments: ['-e', text`release=${release} place=/srv/www`] }), check],
});
new ImageBuild(app, 'by-puppet', {
  sources, provisioners: [install('puppet-agent'), new PuppetMasterlessProvisioner({ manifestFile: 'puppet/site.pp', modulePaths: ['puppet/modules'], facter: { release } }), check],
});
new ImageBuild(app, 'by-salt', {
  // Salt is installed by its own bootstrap script, which the guest fetches.
  sources, provisioners: [install('curl', 'ca-certificates'), new SaltMasterlessProvisioner({ localStateTree: 'salt/states', localPillarRoots: 'salt/pillar', bootstrapArgs: '-X stable' })],
});
new ImageBuild(app, 'by-chef', {
  sources, provisioners: [install('curl', 'ca-certificates'), new ChefSoloProvisioner({ cookbookPaths: ['chef/cookbooks'], runList: ['recipe[web]'], jsonString: text`{ "web": { "release": "${release}" } }` }), check],
});

await app.run(import.meta);
