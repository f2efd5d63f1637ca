import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

/** The kind of CloudInitWaitProvisioner. */
export const cloudInitWait = provisioner('cloud-init-wait', {
  /**
   * Goes on with a warning when cloud-init had errors that it could recover from (`degraded done`).
   * @default true
   */
  allowDegraded: field.boolean({ default: true, affects: 'none' }),
}, { packerType: false });

type Props = PropsOf<typeof cloudInitWait.fields>;
export interface CloudInitWaitProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Waits until cloud-init is done with the guest's first boot; its errors are the step's. A guest without cloud-init has nothing to wait for. */
export class CloudInitWaitProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof cloudInitWait, O | V> {
  constructor(props: CloudInitWaitProvisionerProps<O, V> = {}) { super(cloudInitWait, props); }
}
