/**
 * Fields (by kind; members of groups and blocks with a dot) whose default is Packer's default too: an export leaves them out where the
 * program does. Every other default is written into the template, since Packer would take another value.
 */
const ssh = [
  'ssh.agentAuth', 'ssh.disableAgentForwarding', 'ssh.port', 'ssh.timeout', 'ssh.handshakeAttempts', 'ssh.keepAliveInterval', 'ssh.pty', 'ssh.fileTransferMethod', 'ssh.bastionPort',
  'ssh.bastionAgentAuth', 'ssh.bastionInteractive', 'ssh.proxyPort',
];
const winrm = ['winrm.timeout', 'winrm.useSsl', 'winrm.insecure'];
const amazonInstance = [
  'insecureSkipTlsVerify', 'decodeAuthorizationMessages', 'shutdownBehavior', 'disableStopInstance', 'sourceAmiFilter.mostRecent', 'sourceAmiFilter.includeDeprecated', 'subnetFilter.mostFree', 'subnetFilter.random',
  'metadataOptions.httpEndpoint', 'windowsPasswordTimeout',
];
const amazonImage = ['skipAmiRunTags', 'forceDeregister', 'forceDeleteSnapshot', 'skipSaveBuildRegion', 'deregistrationProtection.withCooldown'];
const shellLocal = ['validExitCodes'];

export const sameDefaults: { readonly [kind: string]: readonly string[] } = {
  'source/qemu': [
    ...ssh, ...winrm, 'shutdown.timeout', 'useBackingFile', 'netDevice', 'diskInterface', 'format', 'diskCompression', 'communicator', 'boot.wait', 'boot.keygroupInterval', 'http.networkProtocol', 'vnc.bindAddress',
    'skipNatMapping', 'efi.boot', 'efi.dropEfivars', 'usePflash', 'vtpm', 'useTpm1', 'useDefaultDisplay', 'disableVnc', 'isoSkipCache',
  ],
  'source/null': [...ssh, ...winrm],
  'source/docker': ['privileged', 'pty', 'fixUploadOwner'],
  'source/amazon-ebs': [
    ...ssh, ...winrm, ...amazonInstance, ...amazonImage, 'skipCreateAmi', 'noEphemeral', 'fastLaunch.regionLaunchTemplates.enableFastLaunch',
  ],
  'source/amazon-ebssurrogate': [...ssh, ...winrm, ...amazonInstance, ...amazonImage, 'amiArchitecture', 'useCreateImage', 'launchBlockDeviceMappings.omitFromArtifact'],
  'source/amazon-ebsvolume': [...ssh, ...winrm, ...amazonInstance, 'ebsVolumes.snapshotVolume'],
  'provisioner/ansible': ['command', 'hostAlias', 'keepInventoryFile', 'galaxyCommand', 'galaxyForceInstall', 'galaxyForceWithDeps'],
  'provisioner/ansible-local': ['command', 'galaxyCommand', 'galaxyForceInstall'],
  'provisioner/chef-solo': ['skipInstall', 'preventSudo'],
  'provisioner/goss': ['inspect', 'useSudo', 'sleep', 'skipSsl', 'skipInstall'],
  'provisioner/puppet-masterless': ['preventSudo', 'ignoreExitCodes'],
  'provisioner/puppet-server': ['preventSudo', 'ignoreExitCodes'],
  'provisioner/salt-masterless': ['logLevel', 'noExitOnFailure', 'disableSudo', 'skipBootstrap'],
  'provisioner/breakpoint': ['disable'],
  'provisioner/powershell': ['executionPolicy', 'usePwsh', 'binary', 'validExitCodes', 'startRetryTimeout', 'skipClean'],
  'provisioner/windows-shell': ['binary', 'validExitCodes', 'startRetryTimeout'],
  'provisioner/windows-restart': ['restartTimeout', 'checkRegistry'],
  'provisioner/shell': ['useEnvVarFile', 'remoteFolder', 'binary', 'validExitCodes', 'expectDisconnect', 'startRetryTimeout', 'skipClean'],
  'provisioner/shell-local': shellLocal,
  'post-processor/shell-local': shellLocal,
  'post-processor/checksum': ['checksumTypes', 'output'],
  'post-processor/manifest': ['output', 'stripPath', 'stripTime'],
  'post-processor/docker-tag': ['tags'],
  'post-processor/vagrant': ['output'],
  'post-processor/amazon-import': ['insecureSkipTlsVerify', 'decodeAuthorizationMessages', 'skipClean', 'architecture', 'amiEncrypt'],
  'data/http': ['method'],
  'data/amazon-ami': ['insecureSkipTlsVerify', 'decodeAuthorizationMessages', 'mostRecent', 'includeDeprecated'],
  'data/amazon-parameterstore': ['insecureSkipTlsVerify', 'decodeAuthorizationMessages', 'withDecryption'],
  'data/amazon-secretsmanager': ['insecureSkipTlsVerify', 'decodeAuthorizationMessages', 'versionStage'],
};
