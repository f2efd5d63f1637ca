import { field } from '../../fields.js';

const table = {
  /**
   * How puppet is run: a template in words of a shell. Both kinds know `{{.WorkingDir}}`, `{{.FacterVars}}`, `{{.Sudo}}`, `{{.PuppetBinDir}}`, `{{.Debug}}` and `{{.ExtraArguments}}`; puppet-masterless
   * also `{{.ManifestFile}}`, `{{.ManifestDir}}`, `{{.ModulePath}}` and `{{.HieraConfigPath}}`; puppet-server also `{{.PuppetServer}}`, `{{.PuppetNode}}`, `{{.ClientCertPath}}` and
   * `{{.ClientPrivateKeyPath}}`. Left out: what Packer does, without colours and with the output on the console.
   */
  executeCommand: field.sensitiveString(),
  /** More arguments for puppet, in words of a shell. */
  extraArguments: field.list(field.string()),
  /** Facts for the manifest. Secrets are allowed: they are in the environment of puppet, and in no command line. */
  facter: field.map(field.sensitiveString()),
  /** Folder of the guest with the puppet program. Left out: `/opt/puppetlabs/bin` where it is there, else where the guest finds it. */
  puppetBinDir: field.string(),
  /**
   * Runs puppet as the user who is logged in. Else by sudo, unless that user is root.
   * @default false
   */
  preventSudo: field.boolean({ default: false }),
  /**
   * Takes every exit code for success. Else puppet has succeeded with 0 (nothing to do) and 2 (changes made); 1, 4 and 6 are failures.
   * @default false
   */
  ignoreExitCodes: field.boolean({ default: false, affects: 'none' }),
  /** Folder of the guest in which puppet is run. Left out: the one that everything is sent to. */
  workingDirectory: field.string(),
  /** Removes the folder that everything was sent to. Left out: one that you name stays, one that is made goes. */
  cleanStagingDirectory: field.boolean(),
};
type Table = typeof table;
/** What the two ways to run Puppet have in common. */
export interface PuppetFields extends Table {}
export const puppetFields: PuppetFields = table;

const windows = 'Puppet runs in Unix guests here.';
/** Options of Packer that the two do not have, and why. */
export const puppetOptionsWithout: { readonly [option: string]: string } = { guest_os_type: windows, elevated_user: windows, elevated_password: windows };
