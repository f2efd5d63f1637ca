import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { exactlyOne, must, needs } from '../../rules.js';
import { Duration } from '../../values.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of PowershellProvisioner. */
export const powershell = provisioner('powershell', {
  /** Commands, run together as one script; the first error ends it, and so does a program that ends with a code other than `validExitCodes`. */
  inline: field.list(field.string()),
  /** A script file. */
  script: field.path({ kind: 'file' }),
  /** Script files, run one after the other. */
  scripts: field.list(field.path({ kind: 'file' })),
  /** Variables that the script sees. Secrets are allowed: none stands in a command line of the guest. */
  environment: field.map(field.sensitiveString(), { packerName: 'env' }),
  /** How a script is run, in words of cmd.exe: `{{.Path}}` stands for the script, `{{.Vars}}` for a script that sets its variables (`. {{.Vars}}`). Left out: it is run by the PowerShell that we speak to. */
  executeCommand: field.sensitiveString(),
  /** The same for scripts that run as `elevatedUser`. */
  elevatedExecuteCommand: field.sensitiveString(),
  /** Runs the script as this user, with all of its rights, by a scheduled task: for what Windows refuses to who comes over the network (Windows Update, drives of the network). `SYSTEM` needs no password. */
  elevatedUser: field.string(),
  /** Password of `elevatedUser`. */
  elevatedPassword: field.secret(),
  /**
   * Which scripts PowerShell runs; `none`: as the guest has it set.
   * @default 'bypass'
   */
  executionPolicy: field.oneOf(['bypass', 'allsigned', 'default', 'remotesigned', 'restricted', 'undefined', 'unrestricted', 'none'], { default: 'bypass' }),
  /**
   * Runs scripts by PowerShell 7 (`pwsh`), which must be in the guest.
   * @default false
   */
  usePwsh: field.boolean({ default: false }),
  /** Path of the script in the guest. Left out: a new name in `C:/Windows/Temp`. */
  remotePath: field.string(),
  /** Path of the script that sets variables, where `executeCommand` reads one. Left out: a new name in `C:/Windows/Temp`. */
  remoteEnvVarPath: field.string(),
  /**
   * Sends script files as they are. Else text gets the mark by which PowerShell knows UTF-8.
   * @default false
   */
  binary: field.boolean({ default: false }),
  /**
   * Exit codes that count as success.
   * @default [0]
   */
  validExitCodes: field.list(field.integer({ min: 0, max: 4294967295 }), { default: [0], affects: 'none' }),
  /**
   * After each statement of `inline`, a program's exit code that is not one of `validExitCodes` ends the script. False: only the last one counts.
   * @default true
   */
  checkExitCodes: field.boolean({ default: true, packerName: false }),
  /** Shows each line of the script before it is run (1), and what variables become (2): Set-PSDebug -Trace. */
  debugMode: field.integer({ min: 0, max: 2, affects: 'none' }),
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
    exactlyOne('inline', 'script', 'scripts'), needs('elevatedPassword', 'elevatedUser'), needs('elevatedExecuteCommand', 'elevatedUser'),
    must(['elevatedUser', 'executeCommand'], 'elevatedExecuteCommand with elevatedUser', isSet => isSet('elevatedUser') && isSet('executeCommand') ? 'has executeCommand, which is not used with elevatedUser: write elevatedExecuteCommand' : undefined),
    must(['remotePath', 'scripts'], 'remotePath is for one script', (isSet, valueOf) => isSet('remotePath') && Array.isArray(valueOf('scripts')) && (valueOf('scripts') as readonly unknown[]).length > 1
      ? 'has a remotePath, which is the path of one script, and several scripts' : undefined),
  ],
});

/** Options of Packer that powershell does not have, and why. */
export const powershellWithout: { readonly [option: string]: string } = {
  environment_vars: 'Write them as `environment`, a map: it has no trouble with quotes.',
  env_var_format: 'Variables reach a script without a format: quotes, newlines and all other characters arrive unchanged.',
  elevated_env_var_format: 'As env_var_format.',
  pause_after: 'Every provisioner has it: pauseAfter.',
};

type Props = PropsOf<typeof powershell.fields>;
export interface PowershellProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs commands or scripts in a Windows guest by PowerShell. */
export class PowershellProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof powershell, O | V> {
  constructor(props: PowershellProvisionerProps<O, V>) { super(powershell, props); }
}
