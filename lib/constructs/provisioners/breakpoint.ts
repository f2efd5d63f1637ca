import { field, type PropsOf } from '../../fields.js';
import { provisioner } from '../../kinds.js';
import { Provisioner, type ProvisionerSettings } from '../component.js';

export const breakpoint = provisioner('breakpoint', {
  /** What to tell the person. */
  note: field.string({ affects: 'none' }),
  /**
   * Passes by without stopping.
   * @default false
   */
  disable: field.boolean({ default: false, affects: 'none' }),
});

type Props = PropsOf<typeof breakpoint.fields>;
export interface BreakpointProvisionerProps<O extends string = string, V extends string = string> extends Props, ProvisionerSettings<O, V, Props> {}
/** Stops until a person says to go on, so that the machine can be looked at. Without a terminal it passes by. */
export class BreakpointProvisioner<const O extends string = never, const V extends string = never> extends Provisioner<typeof breakpoint, O | V> {
  constructor(props: BreakpointProvisionerProps<O, V> = {}) { super(breakpoint, props); }
}
