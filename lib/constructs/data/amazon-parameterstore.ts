import type { Construct } from 'constructs';
import { combine, field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { DataSource, type DataSettings } from '../component.js';
import { awsFields, awsRules, awsWithout } from '../shared/aws.js';

/** The kind of AmazonParameterstoreData. */
export const amazonParameterstore = data('amazon-parameterstore', combine(awsFields, {
  /** Name of the parameter: `/images/base`, with `:version` or `:label` where a certain one is wanted. */
  name: field.string({ required: true }),
  /**
   * Decrypts a SecureString; goes with sensitive: true.
   * @default false
   */
  withDecryption: field.boolean({ default: false }),
}), {
  rules: awsRules,
  outputs: {
    /** Its value. */
    value: field.string({ required: true }),
    /** Its version, as text. */
    version: field.string({ required: true }),
    /** Its ARN. */
    arn: field.string({ required: true }),
  },
});
export const amazonParameterstoreWithout = awsWithout;

export interface AmazonParameterstoreDataProps extends PropsOf<typeof amazonParameterstore.fields>, DataSettings {}
/** Reads a parameter of the Systems Manager. A SecureString must be declared with `sensitive: true`. */
export class AmazonParameterstoreData extends DataSource<typeof amazonParameterstore> {
  constructor(scope: Construct, id: string, props: AmazonParameterstoreDataProps) { super(scope, id, amazonParameterstore, props); }
}
