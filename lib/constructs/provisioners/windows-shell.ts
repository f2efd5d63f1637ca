import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { exactlyOne, must } from '../../rules.js';
import { Duration } from '../../values.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of WindowsShellProvisioner. */
export const windowsShell = provisioner('windows-shell', {
  /** Commands, run together as one batch file; the first that ends with a code other than `validExitCodes` ends it, unless they have blocks, labels or continued lines. */
  inline: field.list(field.string()),
  /** A batch file. */
  script: field.path({ kind: 'file' }),
  /** Batch files, run one after the other. */
  scripts: field.list(field.path({ kind: 'file' })),
  /** Variables that the batch file sees. Secrets are allowed: none stands in a command line of the guest. */
  environment: field.map(field.sensitiveString(), { packerName: 'env' }),
  /** How a batch file is run, in words of cmd.exe: `{{.Path}}` stands for it, `{{.Vars}}` for commands that set its variables. Left out: by cmd.exe, with its variables set. */
  executeCommand: field.sensitiveString(),
  /** Path of the batch file in the guest. Left out: a new name in `C:/Windows/Temp`. */
  remotePath: field.string(),
  /**
   * Sends batch files as they are. Else their Unix line ends become those of Windows.
   * @default false
   */
  binary: field.boolean({ default: false }),
  /**
   * Exit codes that count as success.
   * @default [0]
   */
  validExitCodes: field.list(field.integer({ min: 0, max: 4294967295 }), { default: [0], affects: 'none' }),
  /**
   * How long a guest that is not there when the batch file is to start may take to come back.
   * @default 5 minutes
   */
  startRetryTimeout: field.duration({ default: Duration.minutes(5), affects: 'none' }),
}, {
  rules: [
    exactlyOne('inline', 'script', 'scripts'),
    must(['remotePath', 'scripts'], 'remotePath is for one batch file', (isSet, valueOf) => isSet('remotePath') && Array.isArray(valueOf('scripts')) && (valueOf('scripts') as readonly unknown[]).length > 1
      ? 'has a remotePath, which is the path of one batch file, and several scripts' : undefined),
  ],
});

/** Options of Packer that windows-shell does not have, and why. */
export const windowsShellWithout: { readonly [option: string]: string } = {
  environment_vars: 'Write them as `environment`, a map: it has no trouble with quotes.',
  env_var_format: 'Variables reach a batch file without a format: quotes, percent signs and all other characters arrive unchanged.',
};

type Props = PropsOf<typeof windowsShell.fields>;
export interface WindowsShellProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs commands or batch files in a Windows guest by cmd.exe. */
export class WindowsShellProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof windowsShell, O | V> {
  constructor(props: WindowsShellProvisionerProps<O, V>) { super(windowsShell, props); }
}
