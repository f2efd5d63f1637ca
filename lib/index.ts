/** The public API: what programs import from 'imagebake'. */
export { acknowledge } from './constructs/acknowledge.js';
export { App, type AppProps } from './constructs/app.js';
export {
  DataSource, type DataSettings, PostProcessor, type PostProcessorFor, type PostProcessorSettings, Provisioner, type ProvisionerFor, ProvisionerGroup, type ProvisionerSettings, Source, type SourceSettings,
} from './constructs/component.js';
export { type BuildOutputs, ImageBuild, type ImageBuildProps, type NamesOf } from './constructs/image-build.js';
export { matrix } from './constructs/matrix.js';
export type { Finding, Policy, Report } from './constructs/policy.js';
export { local, member, SecretVariable, type SecretVariableProps, Variable, type VariableProps, type VariableRule, type VariableValue } from './constructs/variable.js';
export { hasLength, isBetween, isOneOf, matches } from './constructs/variable-rules.js';
export { types, type VariableType } from './constructs/variable-type.js';
export { base64Encode, formatDate, join, jsonEncode, lower, replace, sha256, split, trim, upper } from './functions.js';
export { BakeError, isBakeError } from './errors.js';
export type { Event, Listener } from './events.js';
export type { Plan, Target } from './plan.js';
export type { Problem } from './problems.js';
export { templateFile } from './template-file.js';
export { Duration, generated, type GeneratedFile, host, type Input, isotime, type Ref, Secret, type SecretText, Size, text, timestamp, uuid, when } from './values.js';

// Sources
export { amazonEbs, AmazonEbsSource, type AmazonEbsSourceProps } from './constructs/sources/amazon-ebs.js';
export { amazonEbsSurrogate, AmazonEbsSurrogateSource, type AmazonEbsSurrogateSourceProps } from './constructs/sources/amazon-ebssurrogate.js';
export { amazonEbsVolume, AmazonEbsVolumeSource, type AmazonEbsVolumeSourceProps } from './constructs/sources/amazon-ebsvolume.js';
export { sourceImage } from './constructs/shared/aws-image.js';
export { docker, DockerSource, type DockerSourceProps } from './constructs/sources/docker.js';
export { fileSource, FileSource, type FileSourceProps } from './constructs/sources/file.js';
export { waitForScreen, type ScreenStep } from './constructs/shared/boot.js';
export { qemu, QemuSource, type QemuSourceProps } from './constructs/sources/qemu.js';
export { nullSource, NullSource, type NullSourceProps } from './constructs/sources/null.js';
// Provisioners
export { ansible, AnsibleProvisioner, type AnsibleProvisionerProps } from './constructs/provisioners/ansible.js';
export { ansibleLocal, AnsibleLocalProvisioner, type AnsibleLocalProvisionerProps } from './constructs/provisioners/ansible-local.js';
export { chefSolo, ChefSoloProvisioner, type ChefSoloProvisionerProps } from './constructs/provisioners/chef-solo.js';
export { goss, GossProvisioner, type GossProvisionerProps } from './constructs/provisioners/goss.js';
export { puppetMasterless, PuppetMasterlessProvisioner, type PuppetMasterlessProvisionerProps } from './constructs/provisioners/puppet-masterless.js';
export { puppetServer, PuppetServerProvisioner, type PuppetServerProvisionerProps } from './constructs/provisioners/puppet-server.js';
export { saltMasterless, SaltMasterlessProvisioner, type SaltMasterlessProvisionerProps } from './constructs/provisioners/salt-masterless.js';
export { breakpoint, BreakpointProvisioner, type BreakpointProvisionerProps } from './constructs/provisioners/breakpoint.js';
export { file, FileProvisioner, type FileProvisionerProps } from './constructs/provisioners/file.js';
export { cloudInitWait, CloudInitWaitProvisioner, type CloudInitWaitProvisionerProps } from './constructs/provisioners/cloud-init-wait.js';
export { packages, PackagesProvisioner, type PackagesProvisionerProps } from './constructs/provisioners/packages.js';
export { powershell, PowershellProvisioner, type PowershellProvisionerProps } from './constructs/provisioners/powershell.js';
export { windowsRestart, WindowsRestartProvisioner, type WindowsRestartProvisionerProps } from './constructs/provisioners/windows-restart.js';
export { windowsShell, WindowsShellProvisioner, type WindowsShellProvisionerProps } from './constructs/provisioners/windows-shell.js';
export { reboot, RebootProvisioner, type RebootProvisionerProps } from './constructs/provisioners/reboot.js';
export { seal, SealProvisioner, type SealProvisionerProps } from './constructs/provisioners/seal.js';
export { shell, ShellProvisioner, type ShellProvisionerProps } from './constructs/provisioners/shell.js';
export { shellLocalProvisioner, ShellLocalProvisioner, type ShellLocalProvisionerProps } from './constructs/provisioners/shell-local.js';
export { sleepProvisioner, SleepProvisioner, type SleepProvisionerProps } from './constructs/provisioners/sleep.js';
// Post-processors
export { amazonImport, AmazonImportPostProcessor, type AmazonImportPostProcessorProps } from './constructs/post-processors/amazon-import.js';
export { ssmParameter, SsmParameterPostProcessor, type SsmParameterPostProcessorProps } from './constructs/post-processors/ssm-parameter.js';
export { checksum, ChecksumPostProcessor, type ChecksumPostProcessorProps } from './constructs/post-processors/checksum.js';
export { compress, CompressPostProcessor, type CompressPostProcessorProps } from './constructs/post-processors/compress.js';
export { manifest, ManifestPostProcessor, type ManifestPostProcessorProps } from './constructs/post-processors/manifest.js';
export { shellLocalPostProcessor, ShellLocalPostProcessor, type ShellLocalPostProcessorProps } from './constructs/post-processors/shell-local.js';
export { dockerImport, DockerImportPostProcessor, type DockerImportPostProcessorProps } from './constructs/post-processors/docker-import.js';
export { dockerPush, DockerPushPostProcessor, type DockerPushPostProcessorProps } from './constructs/post-processors/docker-push.js';
export { dockerSave, DockerSavePostProcessor, type DockerSavePostProcessorProps } from './constructs/post-processors/docker-save.js';
export { dockerTag, DockerTagPostProcessor, type DockerTagPostProcessorProps } from './constructs/post-processors/docker-tag.js';
export { vagrant, VagrantPostProcessor, type VagrantPostProcessorProps } from './constructs/post-processors/vagrant.js';
// Data sources
export { amazonAmi, AmazonAmiData, type AmazonAmiDataProps } from './constructs/data/amazon-ami.js';
export { amazonParameterstore, AmazonParameterstoreData, type AmazonParameterstoreDataProps } from './constructs/data/amazon-parameterstore.js';
export { amazonSecretsmanager, AmazonSecretsmanagerData, type AmazonSecretsmanagerDataProps } from './constructs/data/amazon-secretsmanager.js';
export { commandData, CommandData, type CommandDataProps } from './constructs/data/command.js';
export { environmentData, EnvironmentData, type EnvironmentDataProps } from './constructs/data/environment.js';
export { fileData, FileData, type FileDataProps } from './constructs/data/file.js';
export { gitData, GitData, type GitDataProps } from './constructs/data/git.js';
export { httpData, HttpData, type HttpDataProps } from './constructs/data/http.js';

import { appRunner } from './constructs/app.js';
import { variableLookup } from './constructs/variable.js';
import { givenNames, readVariable, runProgram, valueRefused } from './program.js';
appRunner.run = runProgram;
variableLookup.read = readVariable;
variableLookup.given = givenNames;
variableLookup.refused = valueRefused;
