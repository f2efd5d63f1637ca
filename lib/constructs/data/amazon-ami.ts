import type { Construct } from 'constructs';
import { combine, field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { DataSource, type DataSettings } from '../component.js';
import { awsFields, awsRules, awsWithout } from '../shared/aws.js';

/** The kind of AmazonAmiData. */
export const amazonAmi = data('amazon-ami', combine(awsFields, {
  /** EC2's filters of images: `{ name: 'debian-12-amd64-*', 'root-device-type': 'ebs' }`; `*` and `?` are wild cards. */
  filters: field.map(field.string(), { required: true }),
  /** Whose images: account ids, `self`, `amazon`, `aws-marketplace`. */
  owners: field.list(field.string(), { required: true }),
  /**
   * Takes the newest where several fit; else several are an error.
   * @default false
   */
  mostRecent: field.boolean({ default: false }),
  /**
   * Takes images past their deprecation too.
   * @default false
   */
  includeDeprecated: field.boolean({ default: false }),
}), {
  rules: awsRules,
  outputs: {
    /** Id of the image. */
    id: field.string({ required: true }),
    /** Its name. */
    name: field.string({ required: true }),
    /** When it was made, in RFC 3339. */
    creationDate: field.string({ required: true }),
    /** The account that it belongs to. */
    owner: field.string({ required: true }),
    /** The name of a well-known owner, such as `amazon`; empty for others. */
    ownerName: field.string({ required: true }),
    /** Its tags, as far as this account sees them. */
    tags: field.map(field.string(), { required: true }),
  },
});
export const amazonAmiWithout = awsWithout;

export interface AmazonAmiDataProps extends PropsOf<typeof amazonAmi.fields>, DataSettings {}
/** Finds an image of EC2. Which one it was stands in images.lock, until `bake update` looks again. */
export class AmazonAmiData extends DataSource<typeof amazonAmi> {
  constructor(scope: Construct, id: string, props: AmazonAmiDataProps) { super(scope, id, amazonAmi, props); }
}
