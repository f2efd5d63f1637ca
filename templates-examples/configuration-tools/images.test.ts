import { fileURLToPath } from 'node:url';
import { AnsibleLocalProvisioner, ChefSoloProvisioner, PuppetMasterlessProvisioner, SaltMasterlessProvisioner, ShellProvisioner } from 'imagebake';
import { Template } from 'imagebake/testing';
import { test } from 'vitest';
import { app } from './images.js';

test('four builds, each by a tool of its own, all with the same release', () => {
  const template = Template.fromApp(app, { folder: fileURLToPath(new URL('.', import.meta.url)) }).hasNoProblems();
  template.hasProvisionersInOrder('by-ansible', [ShellProvisioner, [AnsibleLocalProvisioner, { extraArguments: ['-e', 'release=1.0.0 place=/srv/www'] }], ShellProvisioner]);
  template.hasProvisionersInOrder('by-puppet', [ShellProvisioner, [PuppetMasterlessProvisioner, { facter: { release: '1.0.0' } }], ShellProvisioner]);
  template.hasProvisionersInOrder('by-salt', [ShellProvisioner, SaltMasterlessProvisioner]);
  template.hasProvisionersInOrder('by-chef', [ShellProvisioner, [ChefSoloProvisioner, { runList: ['recipe[web]'] }], ShellProvisioner]);
});
