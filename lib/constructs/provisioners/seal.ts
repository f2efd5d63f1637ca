import type { PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';
import { type SealFields, sealFields } from '../shared/seal.js';

/** The kind of SealProvisioner. */
export const seal = provisioner('seal', sealFields as SealFields, { packerType: false });

type Props = PropsOf<typeof seal.fields>;
export interface SealProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Removes what makes the guest this one machine: host keys, machine id, logs, histories, cloud-init's state. The last step, for images that many machines start from. */
export class SealProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof seal, O | V> {
  constructor(props: SealProvisionerProps<O, V> = {}) { super(seal, props); }
}
