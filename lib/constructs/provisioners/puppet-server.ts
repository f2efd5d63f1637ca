import { combine, field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';
import { puppetFields, puppetOptionsWithout } from '../shared/puppet.js';

/** The kind of PuppetServerProvisioner. */
export const puppetServer = provisioner('puppet-server', combine(puppetFields, {
  /** Name of the server. Left out: as the guest's own configuration says. */
  puppetServer: field.string(),
  /** Name of the guest for the server. Left out: its host name. */
  puppetNode: field.string(),
  /** Folder with the guest's certificate for the server; it is sent, and removed afterwards. */
  clientCertPath: field.path({ kind: 'folder' }),
  /** Folder with the guest's private key; it is sent, and removed afterwards. */
  clientPrivateKeyPath: field.path({ kind: 'folder' }),
  /** Folder of the guest that everything is sent to. Left out: one of its own in /tmp, which is removed afterwards. */
  stagingDirectory: field.string({ packerName: 'staging_dir' }),
}));

/** Options of Packer that puppet-server does not have, and why. */
export const puppetServerWithout = puppetOptionsWithout;

type Props = PropsOf<typeof puppetServer.fields>;
export interface PuppetServerProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs the guest's Puppet agent once, against a server. */
export class PuppetServerProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof puppetServer, O | V> {
  constructor(props: PuppetServerProvisionerProps<O, V> = {}) { super(puppetServer, props); }
}
