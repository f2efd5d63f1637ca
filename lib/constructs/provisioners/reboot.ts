import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Duration } from '../../values.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of RebootProvisioner. */
export const reboot = provisioner('reboot', {
  /** Command that reboots the guest. Left out: `systemctl reboot`, `reboot` or `shutdown -r now`, as root. */
  command: field.sensitiveString(),
  /**
   * How long the guest may take to be back.
   * @default 10 minutes
   */
  backWithin: field.duration({ default: Duration.minutes(10), affects: 'none' }),
}, { packerType: false });

type Props = PropsOf<typeof reboot.fields>;
export interface RebootProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Reboots the guest and waits until it is back: in another boot, by its boot id. */
export class RebootProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof reboot, O | V> {
  constructor(props: RebootProvisionerProps<O, V> = {}) { super(reboot, props); }
}
