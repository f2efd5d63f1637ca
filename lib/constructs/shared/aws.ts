import { field } from '../../fields.js';
import { needs } from '../../rules.js';

const assumeRole = {
  /** ARN of the role. */
  roleArn: field.string({ required: true }),
  /** Name of the session, as CloudTrail shows it. Left out: `imagebake` and the run's id. */
  sessionName: field.string(),
  /** What the role's owner asks for besides. */
  externalId: field.string(),
  /** How long the role is held; it is taken again when it ends. Left out: the role's own, an hour at most. */
  duration: field.duration({ packerName: 'duration_seconds', packerUnit: 'seconds' }),
  /** Policy, as JSON, that narrows the role for this build. */
  policy: field.string(),
  /** ARNs of policies that narrow the role for this build. */
  policyArns: field.list(field.string()),
  /** Tags of the session. */
  tags: field.map(field.string()),
  /** Keys of tags that go on to roles which this one takes. */
  transitiveTagKeys: field.list(field.string()),
};
type AssumeRoleTable = typeof assumeRole;
/** A role to take: `assumeRole: { roleArn }`. */
export interface AssumeRoleFields extends AssumeRoleTable {}

const polling = {
  /** The pause between two looks. Left out: two seconds at first, then longer, up to fifteen. */
  delay: field.duration({ packerName: 'delay_seconds', packerUnit: 'seconds' }),
  /** How often is looked before the wait counts as failed. Left out: each wait has its own budget of time. */
  maxAttempts: field.integer({ min: 1 }),
};

const access = {
  /** Profile of the AWS configuration files. Left out: the standard chain (environment, profile, SSO, web identity, container, instance). */
  profile: field.string({ affects: 'none' }),
  /** Access key id; goes with secretKey. Rather leave it out: the standard chain finds credentials. */
  accessKey: field.secret({ affects: 'none' }),
  /** Secret access key; goes with accessKey. */
  secretKey: field.secret({ affects: 'none' }),
  /** Session token of temporary credentials; goes with accessKey. */
  token: field.secret({ affects: 'none' }),
  /** Credentials file, where it is not `~/.aws/credentials`. It is read by the run and never part of the plan. */
  sharedCredentialsFile: field.string({ affects: 'none' }),
  /** Code of the MFA device that the profile names. */
  mfaCode: field.sensitiveString({ affects: 'none' }),
  /** Role to take with the credentials found. */
  assumeRole: field.block(assumeRole as AssumeRoleFields, { affects: 'none' }),
  /** EC2 endpoint, where it is not Amazon's own. `AWS_ENDPOINT_URL` and the configuration files do the same for all services. */
  customEndpointEc2: field.url({ affects: 'none' }),
  /**
   * Takes any certificate of the endpoint. Anyone between can read and change what is said.
   * @default false
   */
  insecureSkipTlsVerify: field.boolean({ default: false, affects: 'none' }),
  /** How often a call is tried again after throttling, a server's fault or a lost connection. Left out: for two minutes. A refusal is never tried again. */
  maxRetries: field.integer({ min: 0, affects: 'none' }),
  /**
   * Has EC2's coded refusals decoded (needs `sts:DecodeAuthorizationMessage`).
   * @default false
   */
  decodeAuthorizationMessages: field.boolean({ default: false, affects: 'none' }),
  /** How often is looked while something is waited for. */
  polling: field.block(polling, { packerName: 'aws_polling', affects: 'none' }),
};
type AccessTable = typeof access;
/** As whom AWS is spoken to: credentials, endpoint, patience. */
export interface AwsAccessFields extends AccessTable {}
export const awsAccessFields: AwsAccessFields = access;

const region = {
  /** Region to work in: `eu-central-1`. */
  region: field.string({ required: true }),
};
type RegionTable = typeof region;
/** Where AWS is and as whom it is spoken to. */
export interface AwsFields extends RegionTable, AwsAccessFields {}
export const awsFields: AwsFields = { ...region, ...access };

const filter = {
  /** EC2's filters: name and value; `*` and `?` are wild cards. */
  filters: field.map(field.string(), { required: true }),
};
type FilterTable = typeof filter;
/** What to look for: `{ filters: { 'tag:Name': 'builders' } }`. */
export interface AwsFilterFields extends FilterTable {}
export const awsFilterFields: AwsFilterFields = filter;

/** What must hold between them. */
export const awsRules = [needs('accessKey', 'secretKey'), needs('secretKey', 'accessKey'), needs('token', 'accessKey')];

/** Packer's options for access that are not here, and why. */
export const awsWithout: { readonly [option: string]: string } = {
  skip_credential_validation: 'Preflight asks who is building; it costs one call.', skip_metadata_api_check: 'AWS_EC2_METADATA_DISABLED says it.',
  vault_aws_engine: 'Credentials of Vault come through credential_process of an AWS profile, or through accessKey.',
};
