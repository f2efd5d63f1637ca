import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atMostOne, exactlyOne } from '../../rules.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of AnsibleLocalProvisioner. */
export const ansibleLocal = provisioner('ansible-local', {
  /** Playbook to run. */
  playbookFile: field.path({ kind: 'file' }),
  /** Playbooks to run, one after the other. */
  playbookFiles: field.list(field.path({ kind: 'file' })),
  /** Folder that holds the playbooks and all they use: roles, templates, group_vars. What is in it is sent. */
  playbookDir: field.path({ kind: 'folder' }),
  /** Further folders of playbooks, for playbooks that import others; each is sent as `playbooks/<its name>`. */
  playbookPaths: field.list(field.path({ kind: 'folder' })),
  /** Roles, each a folder; sent as `roles/<its name>`. */
  rolePaths: field.list(field.path({ kind: 'folder' })),
  /** Collections, each a folder in whose `ansible_collections` they lie; sent as `collections/<its name>`. */
  collectionPaths: field.list(field.path({ kind: 'folder' })),
  /** Folder of variables of groups. */
  groupVars: field.path({ kind: 'folder' }),
  /** Folder of variables of hosts. */
  hostVars: field.path({ kind: 'folder' }),
  /** Inventory of your own, in which the guest is a host with a local connection. Left out: one is made, with the host 127.0.0.1. */
  inventoryFile: field.path({ kind: 'file' }),
  /** Groups that the guest is in, in the inventory that is made. */
  inventoryGroups: field.list(field.string()),
  /**
   * The program that runs playbooks, in words of a shell: `sudo ansible-playbook`.
   * @default 'ansible-playbook'
   */
  command: field.string({ default: 'ansible-playbook' }),
  /** More arguments for it. A secret is better off in `secretVars` or `environment`: arguments can be seen by others in the guest. */
  extraArguments: field.list(field.string()),
  /** Variables for the playbook, as `--extra-vars` has them; they are given by a file. */
  extraVars: field.json({ packerName: false }),
  /** Variables for the playbook that are secret; they are given by a file. */
  secretVars: field.map(field.sensitiveString(), { packerName: false }),
  /** Environment of Ansible. */
  environment: field.map(field.sensitiveString(), { packerName: false }),
  /** Roles and collections that the guest installs first, as for `ansible-galaxy install -r`. */
  galaxyFile: field.path({ kind: 'file' }),
  /**
   * The program that installs them, in words of a shell.
   * @default 'ansible-galaxy'
   */
  galaxyCommand: field.string({ default: 'ansible-galaxy' }),
  /**
   * Installs them anew where they are there.
   * @default false
   */
  galaxyForceInstall: field.boolean({ default: false }),
  /** Folder of the guest for roles. Left out: one that is removed afterwards. */
  galaxyRolesPath: field.string(),
  /** Folder of the guest for collections. Left out: one that is removed afterwards. */
  galaxyCollectionsPath: field.string(),
  /** Folder of the guest that everything is sent to. Left out: one of its own in /tmp, which is removed afterwards. */
  stagingDirectory: field.string(),
  /** Removes the folder afterwards. Left out: one that you name stays, one that is made goes. */
  cleanStagingDirectory: field.boolean(),
}, { rules: [exactlyOne('playbookFile', 'playbookFiles'), atMostOne('inventoryFile', 'inventoryGroups')] });

type Props = PropsOf<typeof ansibleLocal.fields>;
export interface AnsibleLocalProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs Ansible playbooks inside the guest, with the Ansible that is installed there. */
export class AnsibleLocalProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof ansibleLocal, O | V> {
  constructor(props: AnsibleLocalProvisionerProps<O, V>) { super(ansibleLocal, props); }
}
