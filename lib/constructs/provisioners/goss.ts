import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atMostOne } from '../../rules.js';
import { Duration } from '../../values.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of GossProvisioner. */
export const goss = provisioner('goss', {
  /** Files and folders of tests, each sent by its name. */
  tests: field.list(field.path(), { required: true }),
  /** The file to begin with, by its path inside the folder that everything is sent to. Left out: the one test file where there is one, else `goss.yaml`. */
  gossFile: field.string(),
  /** File of variables for the tests. */
  varsFile: field.path({ kind: 'file' }),
  /** Variables for the tests. They stand in goss' command line. */
  varsInline: field.map(field.string()),
  /** Environment of goss. Secrets are allowed. */
  varsEnv: field.map(field.sensitiveString()),
  /** How results are written: `rspecish`, `documentation`, `tap`, `junit`, `json` … Left out: as goss does. */
  format: field.string({ affects: 'none' }),
  /** Options of the format: `verbose`, `perfdata`, `pretty`. */
  formatOptions: field.string({ affects: 'none' }),
  /** How long failing tests are tried again. Left out: not at all. */
  retryTimeout: field.duration({ affects: 'none' }),
  /**
   * Wait between two tries.
   * @default 1 second
   */
  sleep: field.duration({ default: Duration.seconds(1), affects: 'none' }),
  /**
   * Goes on where tests fail.
   * @default false
   */
  inspect: field.boolean({ default: false, affects: 'none' }),
  /**
   * Runs goss by sudo, unless it is root who is logged in.
   * @default false
   */
  useSudo: field.boolean({ default: false }),
  /** A goss program of this computer to send, instead of one that the guest fetches. */
  binary: field.path({ kind: 'file', packerName: false, affects: 'none' }),
  /**
   * Version to fetch.
   * @default '0.4.9'
   */
  version: field.string({ default: '0.4.9', affects: 'none' }),
  /** Architecture to fetch, as goss names it: `amd64`, `arm64`. Left out: the guest's own. */
  arch: field.string({ affects: 'none' }),
  /** Address to fetch from. Left out: goss' releases on GitHub. */
  url: field.url({ affects: 'none' }),
  /** User for that address. */
  username: field.string({ affects: 'none' }),
  /** Password for that address. */
  password: field.secret({ affects: 'none' }),
  /**
   * Fetches without looking at the server's certificate.
   * @default false
   */
  skipSsl: field.boolean({ default: false, affects: 'none' }),
  /** Where the goss program lies in the guest, and stays. Left out: in a folder that is removed afterwards. */
  downloadPath: field.string(),
  /**
   * Installs nothing: goss is where the guest finds its programs, or at `downloadPath`.
   * @default false
   */
  skipInstall: field.boolean({ default: false }),
  /** Folder of the guest that the tests are sent to, and stay in. Left out: one of its own in /tmp, which is removed afterwards. */
  remotePath: field.string(),
}, { rules: [atMostOne('binary', 'url'), atMostOne('binary', 'skipInstall')] });

/** Options of Packer's goss plugin that goss does not have, and why. */
export const gossWithout: { readonly [option: string]: string } = {
  remote_folder: 'remotePath says where the tests lie.', skip_download: 'skipInstall with a downloadPath says it.', target_os: 'goss runs in Unix guests here.',
};

type Props = PropsOf<typeof goss.fields>;
export interface GossProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Tests the guest with goss; the build fails where a test does. */
export class GossProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof goss, O | V> {
  constructor(props: GossProvisionerProps<O, V>) { super(goss, props); }
}
