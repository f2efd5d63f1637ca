import { combine, field, type PropsOf } from '../../fields.js';
import { postProcessor } from '../../kinds.js';
import { PostProcessor, type PostProcessorSettings } from '../component.js';
import { awsAccessFields, awsRules } from '../shared/aws.js';

/** The kind of SsmParameterPostProcessor. */
export const ssmParameter = postProcessor('ssm-parameter', combine(awsAccessFields, {
  /** Name of the parameter: `/images/web`. */
  parameter: field.string({ required: true, affects: 'capture' }),
  /** Regions to write it in. Left out: every region that the image is in. */
  regions: field.list(field.string(), { affects: 'capture' }),
  /** Description of the parameter. */
  description: field.string({ affects: 'capture' }),
  /**
   * Replaces the value of a parameter that is there.
   * @default true
   */
  overwrite: field.boolean({ default: true, affects: 'capture' }),
  /**
   * Says to AWS that the value is the id of an image, which it then checks.
   * @default true
   */
  checked: field.boolean({ default: true, affects: 'capture' }),
}), {
  packerType: false, rules: awsRules,
  outputs: {
    /** Name of the parameter. */
    parameter: field.string({ required: true }),
    /** Its version, by region. */
    versions: field.map(field.integer(), { required: true }),
  },
});

export interface SsmParameterPostProcessorProps<O extends string = string> extends PropsOf<typeof ssmParameter.fields>, PostProcessorSettings<O> {}
/** Writes the id of an AMI into a parameter of the Systems Manager, in each region that the image is in: what others start from by name. */
export class SsmParameterPostProcessor<const O extends string = never> extends PostProcessor<typeof ssmParameter, O> {
  constructor(props: SsmParameterPostProcessorProps<O>) { super(ssmParameter, props); }
}
