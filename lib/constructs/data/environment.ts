import type { Construct } from 'constructs';
import { field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { DataSource, type DataSettings } from '../component.js';

export const environmentData = data('environment', {
  /** Name of the variable. */
  name: field.string({ required: true }),
  /** Taken where it is not set; without one, that is an error. */
  default: field.string(),
}, {
  packerType: false, lock: false,
  outputs: {
    /** Its value. */
    value: field.string({ required: true }),
  },
});

export interface EnvironmentDataProps extends PropsOf<typeof environmentData.fields>, DataSettings {}
/** Reads an environment variable of the process that builds. For secrets there is `Secret.env`. */
export class EnvironmentData extends DataSource<typeof environmentData> {
  constructor(scope: Construct, id: string, props: EnvironmentDataProps) { super(scope, id, environmentData, props); }
}
