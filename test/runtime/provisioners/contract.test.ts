import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import {
  AnsibleLocalProvisioner, ChefSoloProvisioner, CloudInitWaitProvisioner, Duration, FileProvisioner, GossProvisioner, PackagesProvisioner, type ProvisionerFor, PuppetMasterlessProvisioner, PuppetServerProvisioner,
  RebootProvisioner, SaltMasterlessProvisioner, SealProvisioner, ShellLocalProvisioner, ShellProvisioner, SleepProvisioner,
} from '../../../lib/index.js';
import { provisionerContract } from '../../contracts/provisioner-driver.js';

const inFolder = (make: () => ProvisionerFor<never>) => (folder: string) => {
  mkdirSync(join(folder, 'tree'));
  writeFileSync(join(folder, 'tree/file'), 'x');
  writeFileSync(join(folder, 'file'), 'x');
  return make() as never;
};
const guestTools: { readonly [type: string]: () => ProvisionerFor<never> } = {
  shell: () => new ShellProvisioner({ inline: ['true'], startRetryTimeout: Duration.seconds(0) }),
  packages: () => new PackagesProvisioner({ install: ['x'] }),
  seal: () => new SealProvisioner(),
  'ansible-local': () => new AnsibleLocalProvisioner({ playbookFile: 'file', rolePaths: ['tree'] }),
  'puppet-masterless': () => new PuppetMasterlessProvisioner({ manifestFile: 'file', modulePaths: ['tree'] }),
  'puppet-server': () => new PuppetServerProvisioner(),
  'salt-masterless': () => new SaltMasterlessProvisioner({ localStateTree: 'tree' }),
  'chef-solo': () => new ChefSoloProvisioner({ cookbookPaths: ['tree'], runList: ['x'] }),
  goss: () => new GossProvisioner({ tests: ['file'] }),
};
describe.each(Object.keys(guestTools))('%s keeps the contract of provisioners:', type => provisionerContract({ provisioner: inFolder(guestTools[type]!) }));
describe('cloud-init-wait keeps the contract of provisioners:', () => provisionerContract({ provisioner: inFolder(() => new CloudInitWaitProvisioner({})), unixOnly: false }));
describe('file keeps the contract of provisioners:', () => provisionerContract({ provisioner: inFolder(() => new FileProvisioner({ source: 'file', destination: '/tmp/x' })), unixOnly: false }));
describe('reboot keeps the contract of provisioners:', () => provisionerContract({ provisioner: inFolder(() => new RebootProvisioner({ timeout: Duration.seconds(1) })), unixOnly: false }));
describe('sleep keeps the contract of provisioners:', () => provisionerContract({ provisioner: inFolder(() => new SleepProvisioner({ duration: Duration.milliseconds(1) })), inGuest: false }));
describe('shell-local keeps the contract of provisioners:', () => provisionerContract({ provisioner: inFolder(() => new ShellLocalProvisioner({ inline: ['true'] })), inGuest: false }));
