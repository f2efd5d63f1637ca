import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Duration } from '../../values.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of WindowsRestartProvisioner. */
export const windowsRestart = provisioner('windows-restart', {
  /** Command that restarts the guest. Left out: `shutdown /r /f /t 0`. */
  restartCommand: field.sensitiveString(),
  /** Command that ends with 0 as soon as the guest is ready, tried again until it does. Left out: the guest is ready when it answers. */
  restartCheckCommand: field.string({ affects: 'none' }),
  /**
   * How long the guest may take to be back.
   * @default 5 minutes
   */
  restartTimeout: field.duration({ default: Duration.minutes(5), affects: 'none' }),
  /**
   * Waits until none of `registryKeys` is in the registry: Windows is done with its updates then.
   * @default false
   */
  checkRegistry: field.boolean({ default: false, affects: 'none' }),
  /** Keys of the registry that are there while Windows is not done. Left out: those of its updates that are pending. */
  registryKeys: field.list(field.string(), { affects: 'none' }),
});

type Props = PropsOf<typeof windowsRestart.fields>;
export interface WindowsRestartProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Restarts a Windows guest and waits until it is back: in another boot, by the time it booted. */
export class WindowsRestartProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof windowsRestart, O | V> {
  constructor(props: WindowsRestartProvisionerProps<O, V> = {}) { super(windowsRestart, props); }
}
