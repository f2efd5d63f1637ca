import type { Construct } from 'constructs';
import { combine, field, type PropsOf } from '../../fields.js';
import { data } from '../../kinds.js';
import { type Ref, type SecretText } from '../../values.js';
import { DataSource, type DataSettings } from '../component.js';
import { awsFields, awsRules, awsWithout } from '../shared/aws.js';

/** The kind of AmazonSecretsmanagerData. */
export const amazonSecretsmanager = data('amazon-secretsmanager', combine(awsFields, {
  /** Name or ARN of the secret. */
  name: field.string({ required: true }),
  /** Which member to take, where the secret is a JSON object. Left out: the only one. */
  key: field.string(),
  /** Version to take, by its id. */
  versionId: field.string(),
  /**
   * Version to take, by its stage.
   * @default 'AWSCURRENT'
   */
  versionStage: field.string({ default: 'AWSCURRENT' }),
}), {
  rules: awsRules, lock: false,
  outputs: {
    /** The member that `key` names. */
    value: field.secret({ required: true }),
    /** The whole secret, as text. */
    secretString: field.secret({ required: true }),
    /** The whole secret in base64, where it is no text; else empty. */
    secretBinary: field.secret({ required: true }),
    /** Id of the version. */
    versionId: field.string({ required: true }),
  },
});
export const amazonSecretsmanagerWithout = awsWithout;

export interface AmazonSecretsmanagerDataProps extends PropsOf<typeof amazonSecretsmanager.fields>, Omit<DataSettings, 'lock' | 'sensitive'> {}
/** Reads a secret of the Secrets Manager. Its values are secrets: only fields that take secrets accept them, and they are written down nowhere. */
export class AmazonSecretsmanagerData extends DataSource<typeof amazonSecretsmanager> {
  declare readonly outputs: { readonly value: SecretText & Ref<string>; readonly secretString: SecretText & Ref<string>; readonly secretBinary: SecretText & Ref<string>; readonly versionId: Ref<string> };
  constructor(scope: Construct, id: string, props: AmazonSecretsmanagerDataProps) {
    super(scope, id, amazonSecretsmanager, props);
    const secret = <T extends { readonly $expr: unknown }>(ref: T): T & { readonly $secret: string } => ({ $secret: 'text', ...ref });
    Object.assign(this, { outputs: { value: secret(this.outputs.value), secretString: secret(this.outputs.secretString), secretBinary: secret(this.outputs.secretBinary), versionId: this.outputs.versionId } });
  }
}
