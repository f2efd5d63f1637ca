import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atMostOne, must } from '../../rules.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of SaltMasterlessProvisioner. */
export const saltMasterless = provisioner('salt-masterless', {
  /** Folder of states. */
  localStateTree: field.path({ required: true, kind: 'folder' }),
  /** Folder of pillars. */
  localPillarRoots: field.path({ kind: 'folder' }),
  /** Where the states lie in the guest, and stay. Left out: in a folder that is removed afterwards; `/srv/salt` where there is a `minionConfig`, which says where they are looked for. */
  remoteStateTree: field.string(),
  /** Where the pillars lie in the guest, and stay. Left out: in a folder that is removed afterwards; `/srv/pillar` where there is a `minionConfig`. */
  remotePillarRoots: field.string(),
  /** States to apply. Left out: the highstate, which is what `top.sls` says. */
  customState: field.string(),
  /** Configuration of the minion; it becomes `/etc/salt/minion` in the guest, and stays. */
  minionConfig: field.path({ kind: 'file' }),
  /** Grains; they become `/etc/salt/grains` in the guest, and stay. */
  grainsFile: field.path({ kind: 'file' }),
  /**
   * Installs nothing: Salt is there already. Else Salt is installed by its own bootstrap script, unless the guest has it.
   * @default false
   */
  skipBootstrap: field.boolean({ default: false }),
  /** Arguments of the bootstrap script, in words of a shell. */
  bootstrapArgs: field.string(),
  /** A bootstrap script of this computer, instead of the newest one, which the guest fetches from Salt's project. */
  bootstrapScript: field.path({ kind: 'file', packerName: false }),
  /** More arguments for salt-call, in words of a shell. */
  saltCallArgs: field.string(),
  /** Folder of the guest with the program salt-call. */
  saltBinDir: field.string(),
  /**
   * What salt-call writes to its log on the terminal.
   * @default 'info'
   */
  logLevel: field.oneOf(['all', 'garbage', 'trace', 'debug', 'info', 'warning', 'error', 'quiet'], { default: 'info', affects: 'none' }),
  /**
   * Goes on where states have failed.
   * @default false
   */
  noExitOnFailure: field.boolean({ default: false, affects: 'none' }),
  /**
   * Runs Salt as the user who is logged in. Else by sudo, unless that user is root.
   * @default false
   */
  disableSudo: field.boolean({ default: false }),
  /** Folder of the guest that everything is sent to. Left out: one of its own in /tmp, which is removed afterwards. */
  tempConfigDir: field.string(),
}, {
  rules: [
    atMostOne('minionConfig', 'remoteStateTree'), atMostOne('minionConfig', 'remotePillarRoots'),
    must(['bootstrapScript', 'skipBootstrap'], 'bootstrapScript without skipBootstrap', (isSet, valueOf) => isSet('bootstrapScript') && valueOf('skipBootstrap') === true ? 'has a bootstrapScript, and skips the bootstrap' : undefined),
  ],
});

/** Options of Packer that salt-masterless does not have, and why. */
export const saltMasterlessWithout: { readonly [option: string]: string } = {
  formulas: 'Check formulas out beside your states, where a digest knows them: what is fetched while the image is built changes from one day to the next.', guest_os_type: 'Salt runs in Unix guests here.',
};

type Props = PropsOf<typeof saltMasterless.fields>;
export interface SaltMasterlessProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Applies Salt states inside the guest, without a master. */
export class SaltMasterlessProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof saltMasterless, O | V> {
  constructor(props: SaltMasterlessProvisionerProps<O, V>) { super(saltMasterless, props); }
}
