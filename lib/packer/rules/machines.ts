/** What the builders for hypervisors, containers and machines that are there already refuse to start without. */
import { atLeastOne, atMostOne, exactlyOne, must, type Rule } from '../../rules.js';
import { iso, loginUser, required, type RuleTable } from './required.js';

const vcenter: readonly Rule[] = [...required('vcenterServer', 'username', 'password', 'vmName'), atLeastOne('host', 'cluster'), loginUser];
const parallelsTools: Rule = must(['parallelsToolsMode', 'parallelsToolsFlavor'], 'parallelsToolsFlavor, unless parallelsToolsMode is disable', (isSet, valueOf) =>
  isSet('parallelsToolsFlavor') || valueOf('parallelsToolsMode') === 'disable' ? undefined : `needs parallelsToolsFlavor, or parallelsToolsMode: 'disable'`);
const proxmoxIso: readonly Rule[] = [...required('node'), atLeastOne('bootIso', 'isoUrl', 'isoUrls', 'isoFile'), loginUser];
/** How the null builder gets into a machine that is there. */
const nullAuth: Rule = must<string>(['communicator', 'sshHost', 'sshUsername', 'sshPassword', 'sshPrivateKeyFile', 'sshAgentAuth', 'winrmHost'], 'a host, a user and a way to log in, by the communicator', (isSet, valueOf) => {
  const communicator = isSet('communicator') ? valueOf('communicator') : 'ssh';
  if (communicator === 'ssh') {
    const missing = ['sshHost', 'sshUsername'].filter(f => !isSet(f));
    if (missing.length > 0) return `needs ${missing.join(' and ')}, or communicator: 'none'`;
    return ['sshPassword', 'sshPrivateKeyFile', 'sshAgentAuth'].some(isSet) ? undefined : 'needs one of sshPassword, sshPrivateKeyFile, sshAgentAuth';
  }
  if (communicator !== 'winrm') return undefined;
  const missing = ['winrmHost', 'winrmUsername', 'winrmPassword'].filter(f => !isSet(f));
  return missing.length > 0 ? `needs ${missing.join(' and ')}, as its communicator is winrm` : undefined;
});

export const machineRules: RuleTable = {
  'source/docker': [atLeastOne('image', 'build'), exactlyOne('commit', 'discard', 'exportPath')],
  'source/file': [...required('target'), exactlyOne('content', 'source')],
  'source/hyperv-iso': [...iso, loginUser],
  'source/hyperv-vmcx': [exactlyOne('cloneFromVmcxPath', 'cloneFromVmName'), loginUser],
  'source/lxd': required('image'),
  'source/null': [nullAuth],
  'source/parallels-iso': [...iso, parallelsTools, loginUser],
  'source/parallels-pvm': [...required('sourcePath'), parallelsTools, loginUser],
  'source/proxmox': proxmoxIso,
  'source/proxmox-iso': proxmoxIso,
  'source/proxmox-clone': [...required('node'), exactlyOne('cloneVm', 'cloneVmId'), loginUser],
  'source/qemu': [...iso, loginUser],
  'source/vagrant': [exactlyOne('sourcePath', 'globalId')],
  'source/virtualbox-iso': [...iso, loginUser],
  'source/virtualbox-ovf': [...required('sourcePath'), loginUser],
  'source/virtualbox-vm': [...required('vmName'), loginUser],
  'source/vmware-iso': [...iso, loginUser],
  'source/vmware-vmx': [...required('sourcePath'), loginUser],
  'source/vsphere-iso': [...vcenter, atMostOne('isoUrl', 'isoUrls')],
  'source/vsphere-clone': [...vcenter, ...required('template')],
  'source/vsphere-supervisor': required('className', 'storageClass'),
  'post-processor/docker-import': required('repository'),
  'post-processor/docker-save': required('path'),
  'post-processor/docker-tag': required('repository'),
  'post-processor/vagrant-cloud': required('boxTag', 'version'),
  'post-processor/vagrant-registry': required('boxTag', 'version'),
  'post-processor/vsphere': required('cluster', 'datacenter', 'host', 'password', 'username', 'vmName'),
  'post-processor/vsphere-template': required('host', 'username', 'password'),
};
