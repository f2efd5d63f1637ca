import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

export const sleepProvisioner = provisioner('sleep', {
  /** How long to wait. */
  duration: field.duration({ required: true, affects: 'none' }),
});

type Props = PropsOf<typeof sleepProvisioner.fields>;
export interface SleepProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Waits. */
export class SleepProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof sleepProvisioner, O | V> {
  constructor(props: SleepProvisionerProps<O, V>) { super(sleepProvisioner, props); }
}
