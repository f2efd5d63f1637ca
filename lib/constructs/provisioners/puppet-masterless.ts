import { combine, field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';
import { puppetFields, puppetOptionsWithout } from '../shared/puppet.js';

/** The kind of PuppetMasterlessProvisioner. */
export const puppetMasterless = provisioner('puppet-masterless', combine(puppetFields, {
  /** Manifest to apply, or a folder of manifests. */
  manifestFile: field.path({ required: true }),
  /** Folder that is sent as `manifests`, beside the manifest. (Puppet itself has had no --manifestdir since its version 4; `{{.ManifestDir}}` names it.) */
  manifestDir: field.path({ kind: 'folder' }),
  /** Folders of modules. */
  modulePaths: field.list(field.path({ kind: 'folder' })),
  /** Hiera's configuration. It is sent as `hiera.yaml`: what it names beside itself is relative to the folder that everything is sent to. */
  hieraConfigPath: field.path({ kind: 'file' }),
  /** Folders of data that Hiera's configuration names, sent beside it by their names. */
  hieraData: field.list(field.path({ kind: 'folder' }), { packerName: false }),
  /** Folder of the guest that everything is sent to. Left out: one of its own in /tmp, which is removed afterwards. */
  stagingDirectory: field.string(),
}));

/** Options of Packer that puppet-masterless does not have, and why. */
export const puppetMasterlessWithout = puppetOptionsWithout;

type Props = PropsOf<typeof puppetMasterless.fields>;
export interface PuppetMasterlessProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Applies a Puppet manifest inside the guest, with the Puppet that is installed there and without a server. */
export class PuppetMasterlessProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof puppetMasterless, O | V> {
  constructor(props: PuppetMasterlessProvisionerProps<O, V>) { super(puppetMasterless, props); }
}
