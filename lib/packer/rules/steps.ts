/** What provisioners, and the post-processors and data sources that need no platform, refuse to start without. */
import { atLeastOne, exactlyOne, needs } from '../../rules.js';
import { required, type RuleTable } from './required.js';

const commands = [exactlyOne('inline', 'script', 'scripts')];

export const stepRules: RuleTable = {
  'provisioner/ansible': required('playbookFile'),
  'provisioner/ansible-local': [exactlyOne('playbookFile', 'playbookFiles')],
  'provisioner/chef-client': required('serverUrl'),
  'provisioner/file': [...required('destination'), exactlyOne('content', 'source', 'sources')],
  'provisioner/goss': required('tests'),
  'provisioner/hcp-sbom': [exactlyOne('source', 'autoGenerate')],
  'provisioner/inspec': required('profile'),
  'provisioner/powershell': [...commands, needs('elevatedPassword', 'elevatedUser')],
  'provisioner/puppet-masterless': required('manifestFile'),
  'provisioner/salt-masterless': required('localStateTree'),
  'provisioner/shell': commands,
  'provisioner/shell-local': [exactlyOne('inline', 'script', 'scripts', 'command')],
  'provisioner/sleep': required('duration'),
  'provisioner/windows-shell': commands,
  'post-processor/artifice': required('files'),
  'post-processor/shell-local': [exactlyOne('inline', 'script', 'scripts', 'command')],
  'data/http': required('url'),
  'data/null': required('input'),
  'data/vsphere-virtualmachine': [atLeastOne('name', 'nameRegex', 'tag')],
};
