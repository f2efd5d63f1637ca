import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atMostOne } from '../../rules.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of AnsibleProvisioner. */
export const ansible = provisioner('ansible', {
  /** Playbook to run. */
  playbookFile: field.path({ required: true, kind: 'file' }),
  /** Folder that holds the playbook and all it uses: roles, templates, group_vars. Ansible runs in it; a change in it makes the step run again. Left out: the program's folder, of which only the playbook counts. */
  directory: field.path({ kind: 'folder', packerName: false }),
  /**
   * The program that runs playbooks.
   * @default 'ansible-playbook'
   */
  command: field.string({ default: 'ansible-playbook' }),
  /** More arguments for it. A secret is better off in `extraVars` or `environment`: arguments can be seen by others on this computer. */
  extraArguments: field.list(field.string()),
  /** Variables for the playbook, as `--extra-vars` has them; they are given by a file. */
  extraVars: field.json({ packerName: false }),
  /** Variables for the playbook that are secret; they are given by a file. */
  secretVars: field.map(field.sensitiveString(), { packerName: false }),
  /** Environment of Ansible. */
  environment: field.map(field.sensitiveString(), { packerName: false }),
  /** User that Ansible logs in as. Left out: the user that steps run as. */
  user: field.string(),
  /**
   * Name of the guest in the inventory.
   * @default 'default'
   */
  hostAlias: field.string({ default: 'default' }),
  /** Variables of the guest in the inventory. */
  hostVars: field.json({ packerName: false }),
  /** Groups that the guest is in. */
  groups: field.list(field.string()),
  /** Groups that are there and empty. */
  emptyGroups: field.list(field.string()),
  /** Inventory of your own, in which the guest is `hostAlias`. Left out: one is made. */
  inventoryFile: field.path({ kind: 'file' }),
  /** Folder for the inventory that is made: with its group_vars and host_vars. The inventory is removed afterwards. */
  inventoryDirectory: field.path({ kind: 'folder' }),
  /** Line of the inventory that is made, with `{{ .HostAlias }}`, `{{ .Host }}`, `{{ .User }}`, `{{ .Port }}` and `{{ .Password }}`. Left out: one with all that is known of the guest. */
  inventoryFileTemplate: field.string(),
  /**
   * Leaves the inventory that is made in the folder of the run.
   * @default false
   */
  keepInventoryFile: field.boolean({ default: false, affects: 'none' }),
  /** Roles and collections to install first, as for `ansible-galaxy install -r`. */
  galaxyFile: field.path({ kind: 'file' }),
  /**
   * The program that installs them.
   * @default 'ansible-galaxy'
   */
  galaxyCommand: field.string({ default: 'ansible-galaxy' }),
  /**
   * Installs them anew where they are there.
   * @default false
   */
  galaxyForceInstall: field.boolean({ default: false }),
  /**
   * Installs them and what they need anew.
   * @default false
   */
  galaxyForceWithDeps: field.boolean({ default: false }),
  /** Folder for roles. Left out: one that is removed afterwards. */
  rolesPath: field.outputPath({ affects: 'none' }),
  /** Folder for collections. Left out: one that is removed afterwards. */
  collectionsPath: field.outputPath({ affects: 'none' }),
  /** More arguments for the ssh that Ansible runs. */
  sshExtraArgs: field.list(field.string(), { packerName: 'ansible_ssh_extra_args', affects: 'none' }),
}, { rules: [atMostOne('inventoryFile', 'inventoryDirectory'), atMostOne('inventoryFile', 'inventoryFileTemplate'), atMostOne('galaxyForceInstall', 'galaxyForceWithDeps')] });

const proxy = 'Ansible connects to the guest by itself; there is no proxy in between that could be set up.';
/** Options of Packer that ansible does not have, and why. */
export const ansibleWithout: { readonly [option: string]: string } = {
  ansible_env_vars: 'Write them as `environment`, a map.', skip_version_check: 'No version is checked.',
  ansible_winrm_use_http: 'It follows from how the guest is reached.', ansible_proxy_key_type: proxy, local_port: proxy, sftp_command: proxy, ssh_authorized_key_file: proxy, ssh_host_key_file: proxy, use_proxy: proxy, use_sftp: proxy,
};

type Props = PropsOf<typeof ansible.fields>;
export interface AnsibleProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs an Ansible playbook of this computer on the guest, over SSH, in a container or here. */
export class AnsibleProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof ansible, O | V> {
  constructor(props: AnsibleProvisionerProps<O, V>) { super(ansible, props); }
}
