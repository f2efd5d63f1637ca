import { combine, field, type PropsOf } from '../../fields.js';
import { source } from '../../kinds.js';
import { Source, type SourceSettings } from '../component.js';
import { awsFields } from '../shared/aws.js';
import { launchDeviceFields } from '../shared/aws-block-device.js';
import { awsImageFields, awsImageOutputs, awsImageRules, awsImageWithout } from '../shared/aws-image.js';
import { awsInstanceFields, awsInstanceRules, awsInstanceWithout } from '../shared/aws-instance.js';
import { sshFields } from '../shared/ssh.js';
import { winrmFields } from '../shared/winrm.js';

const regionLaunchTemplate = {
  /** Region that it is about. */
  region: field.string({ required: true }),
  /**
   * Whether instances start fast there.
   * @default true
   */
  enableFastLaunch: field.boolean({ default: true }),
  /** Launch template to use there, by id. */
  templateId: field.string(),
  /** Launch template to use there, by name. */
  templateName: field.string(),
  /** Version of the launch template. */
  templateVersion: field.integer({ min: 1 }),
};
const fastLaunch = {
  /** Whether Windows instances of the image start fast. */
  enableFastLaunch: field.boolean({ required: true }),
  /** How many instances prepare snapshots at once; at least 6. */
  maxParallelLaunches: field.integer({ min: 6 }),
  /** How many prepared snapshots are kept. */
  targetResourceCount: field.integer({ min: 1 }),
  /** Launch template to use, by id. */
  templateId: field.string(),
  /** Launch template to use, by name. */
  templateName: field.string(),
  /** Version of the launch template. */
  templateVersion: field.integer({ min: 1 }),
  /** Other launch templates, by region. */
  regionLaunchTemplates: field.blocks(regionLaunchTemplate),
};

/** The kind of AmazonEbsSource. */
export const amazonEbs = source('amazon-ebs', combine(sshFields, winrmFields, awsFields, awsInstanceFields, launchDeviceFields, awsImageFields, {
  /**
   * Provisions and makes no image: for trying out.
   * @default false
   */
  skipCreateAmi: field.boolean({ default: false, affects: 'capture' }),
  /**
   * Leaves the instance stores of the instance type out of the image.
   * @default false
   */
  noEphemeral: field.boolean({ default: false, affects: 'capture' }),
  /** What virtualization the source image must have. */
  amiVirtualizationType: field.oneOf(['hvm', 'paravirtual'], { affects: 'none' }),
  /** Lets Windows instances of the image start fast. */
  fastLaunch: field.block(fastLaunch, { affects: 'capture' }),
}), { rules: [...awsInstanceRules, ...awsImageRules], outputs: awsImageOutputs });

export const amazonEbsWithout = { ...awsInstanceWithout, ...awsImageWithout };

export interface AmazonEbsSourceProps<N extends string = string> extends PropsOf<typeof amazonEbs.fields>, SourceSettings<N> {}
/** Starts an EC2 instance, provisions it, and makes an AMI of its disks; in as many regions as asked for. */
export class AmazonEbsSource<const N extends string = 'amazon-ebs'> extends Source<typeof amazonEbs, N> {
  constructor(props: AmazonEbsSourceProps<N>) { super(amazonEbs, props); }
}
