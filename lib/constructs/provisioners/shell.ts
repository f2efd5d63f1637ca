import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { atMostOne, exactlyOne, must } from '../../rules.js';
import { Duration } from '../../values.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of ShellProvisioner. */
export const shell = provisioner('shell', {
  /** Commands, run together as one script; the first that fails ends it (`set -e`, and pipefail where the shell has it). */
  inline: field.list(field.string()),
  /** A script file. */
  script: field.path({ kind: 'file' }),
  /** Script files, run one after the other. */
  scripts: field.list(field.path({ kind: 'file' })),
  /** Variables that the script sees. Secrets are allowed: no variable of a shell script stands in a command line of the guest. */
  environment: field.map(field.sensitiveString(), { packerName: 'env' }),
  /**
   * First line of the script that is made of `inline`. One of your own is taken as it is: say `-e` yourself.
   * @default '/bin/sh -e'
   */
  inlineShebang: field.string(),
  /**
   * How a script is run, in words of a shell: `{{.Path}}` stands for the script, `{{.EnvVarFile}}` for a file that sets its variables, `{{.Vars}}` for Packer's own variables
   * (those of `environment` reach a shell script by themselves). Left out: the script's first line says what reads it, and nothing needs to be executable.
   * `{{ if … }}`, `{{ else }}`, `{{ end }}` are understood as in Packer. A password for sudo is a Secret in the text: text`echo ${Secret.env('PASSWORD')} | sudo -S sh {{.Path}}`.
   */
  executeCommand: field.sensitiveString(),
  /**
   * Leaves `{{.Vars}}` empty and expects `executeCommand` to read `{{.EnvVarFile}}`.
   * @default false
   */
  useEnvVarFile: field.boolean({ default: false }),
  /**
   * Folder of the guest that scripts are put into while they run.
   * @default '/tmp'
   */
  remoteFolder: field.string({ default: '/tmp' }),
  /** Name of the script in that folder. Left out: `script_` and a number that is new each time. */
  remoteFile: field.string(),
  /** Path of the script in the guest, instead of a folder and a name. */
  remotePath: field.string(),
  /**
   * Sends scripts as they are. Else their Windows line ends become Unix ones.
   * @default false
   */
  binary: field.boolean({ default: false }),
  /**
   * Exit codes that count as success.
   * @default [0]
   */
  validExitCodes: field.list(field.integer({ min: 0, max: 255 }), { default: [0], affects: 'none' }),
  /**
   * The script may cut the connection. It has succeeded when the guest comes back from a reboot, or has kept the script's exit status; what is lost without either is a failure.
   * @default false
   */
  expectDisconnect: field.boolean({ default: false, affects: 'none' }),
  /**
   * The script may reboot the guest: like `expectDisconnect`, and a reboot that is on its way when the script ends is waited for.
   * @default false
   */
  mayReboot: field.boolean({ default: false, affects: 'none', packerName: false }),
  /**
   * How long a guest that is not there when the script is to start may take to come back.
   * @default 5 minutes
   */
  startRetryTimeout: field.duration({ default: Duration.minutes(5), affects: 'none' }),
  /**
   * Leaves the scripts in the guest.
   * @default false
   */
  skipClean: field.boolean({ default: false }),
}, {
  rules: [
    exactlyOne('inline', 'script', 'scripts'), atMostOne('remotePath', 'remoteFile'),
    must(['remotePath', 'scripts'], 'remotePath is for one script', (isSet, valueOf) => isSet('remotePath') && Array.isArray(valueOf('scripts')) && (valueOf('scripts') as readonly unknown[]).length > 1
      ? 'has a remotePath, which is the path of one script, and several scripts' : undefined),
  ],
});

/** Options of Packer that shell does not have, and why. */
export const shellWithout: { readonly [option: string]: string } = {
  environment_vars: 'Write them as `environment`, a map: it has no trouble with quotes.',
  env_var_format: 'Variables reach a script without a format: quotes, newlines and all other characters arrive unchanged.',
  pause_after: 'Every provisioner has it: pauseAfter.',
};

type Props = PropsOf<typeof shell.fields>;
export interface ShellProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs commands or scripts in the guest. */
export class ShellProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof shell, O | V> {
  constructor(props: ShellProvisionerProps<O, V>) { super(shell, props); }
}
