import type { PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';
import { shellLocalFields, shellLocalRules } from '../shared/shell-local.js';

export const shellLocalProvisioner = provisioner('shell-local', shellLocalFields, { rules: shellLocalRules });

type Props = PropsOf<typeof shellLocalProvisioner.fields>;
export interface ShellLocalProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Runs a script on this computer, in the program's folder, while the machine is there. */
export class ShellLocalProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof shellLocalProvisioner, O | V> {
  constructor(props: ShellLocalProvisionerProps<O, V>) { super(shellLocalProvisioner, props); }
}
