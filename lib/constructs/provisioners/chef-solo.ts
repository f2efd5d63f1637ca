import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atLeastOne, atMostOne, must, needs } from '../../rules.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of ChefSoloProvisioner. */
export const chefSolo = provisioner('chef-solo', {
  /** Recipes and roles to run. */
  runList: field.list(field.string()),
  /** Attributes. */
  json: field.json({ packerName: false }),
  /** The same as text in JSON; secrets are allowed. */
  jsonString: field.sensitiveString(),
  /** Folders of cookbooks, each sent. */
  cookbookPaths: field.list(field.path({ kind: 'folder' })),
  /** Folders of cookbooks that are in the guest already. */
  remoteCookbookPaths: field.list(field.string()),
  /** Folder of roles. */
  rolesPath: field.path({ kind: 'folder' }),
  /** Folder of data bags. */
  dataBagsPath: field.path({ kind: 'folder' }),
  /** File with the secret of encrypted data bags. It is sent for the time of the step, and only root and who is logged in may read it. */
  encryptedDataBagSecretPath: field.path({ kind: 'file' }),
  /** Folder of environments. */
  environmentsPath: field.path({ kind: 'folder' }),
  /** Environment to run in. */
  chefEnvironment: field.string(),
  /**
   * Says yes to Chef's licence: `accept`, `accept-silent`, `accept-no-persist`.
   * @default 'accept-silent'
   */
  chefLicense: field.string({ default: 'accept-silent' }),
  /** Template of solo.rb. It knows `{{.CookbookPaths}}` (a list in Ruby, without its brackets), `{{.RolesPath}}`, `{{.DataBagsPath}}`, `{{.EncryptedDataBagSecretPath}}`, `{{.EnvironmentsPath}}`, each with a `{{.Has…}}`, `{{.ChefEnvironment}}` and `{{.ChefLicense}}`. Left out: one with all that is given. */
  configTemplate: field.path({ kind: 'file' }),
  /** How Chef is run: a template in words of a shell that knows `{{.ConfigPath}}`, `{{.JsonPath}}` and `{{.Sudo}}`. Left out: `{{if .Sudo}}sudo {{end}}chef-solo --no-color -c {{.ConfigPath}} -j {{.JsonPath}}`. */
  executeCommand: field.sensitiveString(),
  /** How Chef is installed: a template that knows `{{.Sudo}}` and `{{.Version}}`. Left out: by the script of Chef's project, unless the guest has chef-solo. */
  installCommand: field.sensitiveString(),
  /** Version of Chef to install. Left out: the newest. */
  version: field.string(),
  /**
   * Installs nothing: Chef is there already.
   * @default false
   */
  skipInstall: field.boolean({ default: false }),
  /**
   * Runs Chef as the user who is logged in. Else by sudo, unless that user is root.
   * @default false
   */
  preventSudo: field.boolean({ default: false }),
  /** Folder of the guest that everything is sent to. Left out: one of its own in /tmp, which is removed afterwards. */
  stagingDirectory: field.string(),
}, {
  rules: [
    atMostOne('json', 'jsonString'), atLeastOne('runList', 'json', 'jsonString', 'configTemplate'), needs('chefEnvironment', 'environmentsPath'),
    must(['cookbookPaths', 'remoteCookbookPaths', 'configTemplate'], 'cookbookPaths, remoteCookbookPaths or a configTemplate', isSet =>
      isSet('cookbookPaths') || isSet('remoteCookbookPaths') || isSet('configTemplate') ? undefined : 'has no cookbooks: it needs cookbookPaths, remoteCookbookPaths or a configTemplate that names some'),
  ],
});

/** Options of Packer that chef-solo does not have, and why. */
export const chefSoloWithout: { readonly [option: string]: string } = { guest_os_type: 'Chef runs in Unix guests here.' };

type Props = PropsOf<typeof chefSolo.fields>;
export interface ChefSoloProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs Chef inside the guest, without a server. Tested against a stand-in that checks what it is given: Chef itself is in no package registry that the tests can use. */
export class ChefSoloProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof chefSolo, O | V> {
  constructor(props: ChefSoloProvisionerProps<O, V>) { super(chefSolo, props); }
}
