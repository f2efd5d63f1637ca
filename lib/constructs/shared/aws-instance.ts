import { field } from '../../fields.js';
import { atMostOne, exactlyOne, must, needs } from '../../rules.js';
import { Duration } from '../../values.js';
import { awsFilterFields, awsRules, awsWithout } from './aws.js';
import { winrmRules } from './winrm.js';

const sourceAmiFilter = {
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
};

const metadataOptions = {
  /**
   * Whether the instance can read its metadata.
   * @default 'enabled'
   */
  httpEndpoint: field.oneOf(['enabled', 'disabled'], { default: 'enabled' }),
  /**
   * `required` takes only requests of version 2, with a token.
   * @default 'required'
   */
  httpTokens: field.oneOf(['required', 'optional'], { default: 'required' }),
  /** How many hops an answer may travel: 2 for containers on the instance. */
  httpPutResponseHopLimit: field.integer({ min: 1, max: 64 }),
  /** Whether the instance's tags are among its metadata. */
  instanceMetadataTags: field.oneOf(['enabled', 'disabled']),
};

const subnetFilter = {
  /** EC2's filters of subnets: name and value. */
  filters: field.map(field.string(), { required: true }),
  /**
   * Takes the one with the most free addresses where several fit.
   * @default false
   */
  mostFree: field.boolean({ default: false }),
  /**
   * Takes any where several fit; else several are an error.
   * @default false
   */
  random: field.boolean({ default: false }),
};

const placement = {
  /** Dedicated host to run on. */
  hostId: field.string(),
  /** Resource group of dedicated hosts to run on. */
  hostResourceGroupArn: field.string(),
  /** Whether the hardware is shared. */
  tenancy: field.oneOf(['default', 'dedicated', 'host']),
};

const policyStatement = {
  /** What it is about: `s3:GetObject`. */
  action: field.list(field.string(), { required: true, packerName: 'Action' }),
  /**
   * Whether it allows or denies.
   * @default 'Allow'
   */
  effect: field.oneOf(['Allow', 'Deny'], { default: 'Allow', packerName: 'Effect' }),
  /** ARNs that it holds for. */
  resource: field.list(field.string(), { required: true, packerName: 'Resource' }),
};
const policyDocument = {
  /**
   * Version of the policy language.
   * @default '2012-10-17'
   */
  version: field.string({ default: '2012-10-17', packerName: 'Version' }),
  /** What the instance may do while it is provisioned. */
  statement: field.blocks(policyStatement, { required: true, packerName: 'Statement' }),
};

const licenseSpecification = {
  /** The licence configuration. */
  licenseConfigurationRequest: field.block({
    /** ARN of the licence configuration. */
    licenseConfigurationArn: field.string({ required: true }),
  }, { required: true }),
};

const table = {
  /** Image to start from: `ami-…`. */
  sourceAmi: field.string(),
  /** How the image to start from is found. What it found is written down with the result. */
  sourceAmiFilter: field.block(sourceAmiFilter),
  /** Image of another build to start from; it is built first. */
  from: field.image('amazon-ebs'),

  /** Type of the instance: `t3.small`. */
  instanceType: field.string({ affects: 'machine' }),
  /** Types to try, in this order, where EC2 has no capacity for instanceType just now. */
  fallbackInstanceTypes: field.list(field.string(), { affects: 'none', packerName: false }),
  /** Types for a spot instance, the most wanted first; takes the place of instanceType. */
  spotInstanceTypes: field.list(field.string(), { affects: 'machine' }),
  /** The most to pay an hour for a spot instance, in dollars; `auto` is the on-demand price. With instanceType it asks for a spot instance of that type. */
  spotPrice: field.string({ affects: 'none' }),
  /** How EC2 chooses among spotInstanceTypes. Left out: by capacity, in the order given. */
  spotAllocationStrategy: field.oneOf(['price-capacity-optimized', 'capacity-optimized', 'capacity-optimized-prioritized', 'diversified', 'lowest-price'], { affects: 'none' }),

  /** VPC to run in. Left out: the subnet's, else the account's default. */
  vpcId: field.string({ affects: 'none' }),
  /** How the VPC is found; exactly one must fit. */
  vpcFilter: field.block(awsFilterFields, { affects: 'none' }),
  /** Subnet to run in. */
  subnetId: field.string({ affects: 'none' }),
  /** How the subnet is found. */
  subnetFilter: field.block(subnetFilter, { affects: 'none' }),
  /** Availability zone to run in. Left out: EC2's choice. */
  availabilityZone: field.string({ affects: 'none' }),
  /** Whether the instance gets a public address. Left out: as the subnet says. */
  associatePublicIpAddress: field.boolean({ affects: 'none' }),
  /** Security group to run in, instead of a temporary one. */
  securityGroupId: field.string({ affects: 'none' }),
  /** Security groups to run in, instead of a temporary one. */
  securityGroupIds: field.list(field.string(), { affects: 'none' }),
  /** How the security groups are found; all that fit are used. */
  securityGroupFilter: field.block(awsFilterFields, { affects: 'none' }),
  /** Where the temporary security group lets connections in from, in CIDR notation. Left out: this computer's address only. */
  temporarySecurityGroupSourceCidrs: field.list(field.string(), { affects: 'none' }),
  /**
   * Lets connections in from this computer's address, where no CIDRs are given.
   * @default true
   */
  temporarySecurityGroupSourcePublicIp: field.boolean({ default: true, affects: 'none' }),
  /**
   * Service that answers with the address it is asked from, as text.
   * @default 'https://checkip.amazonaws.com'
   */
  publicAddressUrl: field.url({ default: 'https://checkip.amazonaws.com', affects: 'none', packerName: false }),

  /** How the instance is reached. Left out: the public name or address where it has one, else the private address. */
  sshInterface: field.oneOf(['public_ip', 'private_ip', 'public_dns', 'private_dns', 'session_manager'], { affects: 'none' }),
  /** Port of this computer for the session manager's tunnel. Left out: a free one. */
  sessionManagerPort: field.integer({ min: 1, max: 65535, affects: 'none' }),
  /**
   * How long a Windows instance may take to tell the password that EC2 made for it, where winrm has none.
   * @default 20 minutes
   */
  windowsPasswordTimeout: field.duration({ default: Duration.minutes(20), affects: 'none' }),
  /** Waited before the session manager is asked for a tunnel. */
  pauseBeforeSsm: field.duration({ affects: 'none' }),

  /** User data: what cloud-init reads at the first boot. */
  userData: field.sensitiveString(),
  /** File with user data. */
  userDataFile: field.path({ kind: 'file' }),
  /** Instance profile of the account, for what the instance does on AWS. */
  iamInstanceProfile: field.string({ affects: 'none' }),
  /** What the instance may do on AWS: a role and profile are made for this run. */
  temporaryIamInstanceProfilePolicyDocument: field.block(policyDocument, { affects: 'none' }),
  /** How the instance reads its metadata. Left out: version 2 only. */
  metadataOptions: field.block(metadataOptions, { affects: 'none' }),
  /** Optimizes the instance for EBS. */
  ebsOptimized: field.boolean({ affects: 'none' }),
  /** Lets the instance use more than its share of processor time, at a price. */
  enableUnlimitedCredits: field.boolean({ affects: 'none' }),
  /** Enables Nitro Enclaves on the instance. */
  enableNitroEnclave: field.boolean({ affects: 'machine' }),
  /** Where the instance is placed. */
  placement: field.block(placement, { affects: 'none' }),
  /** Whether a capacity reservation is used: `open` or `none`. */
  capacityReservationPreference: field.oneOf(['open', 'none'], { affects: 'none' }),
  /** Capacity reservation to run in. */
  capacityReservationId: field.string({ affects: 'none' }),
  /** Resource group of capacity reservations to run in. */
  capacityReservationGroupArn: field.string({ affects: 'none' }),
  /** Licence configurations of the instance. */
  licenseSpecifications: field.blocks(licenseSpecification, { affects: 'none' }),
  /**
   * What a shutdown from inside does to the instance.
   * @default 'stop'
   */
  shutdownBehavior: field.oneOf(['stop', 'terminate'], { default: 'stop', affects: 'none' }),
  /**
   * Does not stop the instance: a provisioner or its own shutdown does, and it is only waited for.
   * @default false
   */
  disableStopInstance: field.boolean({ default: false, affects: 'none' }),
  /** Sets enhanced networking (ENA) on what is built. Left out: as the source image. */
  enaSupport: field.boolean({ affects: 'capture' }),
  /** Sets enhanced networking (SR-IOV) on what is built. Left out: as the source image. */
  sriovSupport: field.boolean({ affects: 'capture' }),

  /** Tags of the instance and what is made with it while the build runs. */
  runTags: field.map(field.string(), { affects: 'none' }),
  /** Tags of the instance's volumes while the build runs. Left out: runTags. */
  runVolumeTags: field.map(field.string(), { affects: 'none' }),
  /** Tags of the spot request. */
  spotTags: field.map(field.string(), { affects: 'none' }),
  /** Tags of the fleet that a spot instance is asked for with. */
  fleetTags: field.map(field.string(), { affects: 'none' }),
  /**
   * How long what the build makes on AWS may exist. After this `bake gc` removes it, from any computer.
   * @default 1 day
   */
  expiresAfter: field.duration({ default: Duration.days(1), affects: 'none', packerName: false }),
};
type Table = typeof table;
/** The instance that an image or a volume is made with: what it starts from, type, network, access, disks. */
export interface AwsInstanceFields extends Table {}
export const awsInstanceFields: AwsInstanceFields = table;

/** What must hold between them. */
export const awsInstanceRules = [
  exactlyOne('sourceAmi', 'sourceAmiFilter', 'from'), exactlyOne('instanceType', 'spotInstanceTypes'), atMostOne('userData', 'userDataFile'),
  needs('fallbackInstanceTypes', 'instanceType'), ...awsRules,
  atMostOne('vpcId', 'vpcFilter'), atMostOne('subnetId', 'subnetFilter'), atMostOne('securityGroupId', 'securityGroupIds', 'securityGroupFilter'),
  atMostOne('iamInstanceProfile', 'temporaryIamInstanceProfilePolicyDocument'),
  ...winrmRules,
  must(['ssh', 'winrm'], 'ssh or winrm names the user that the image lets in', isSet => (isSet('ssh') || isSet('winrm') ? undefined : `needs ssh: { username }: the user that the image lets in ('admin', 'ubuntu', 'ec2-user' …), or winrm: { username: 'Administrator' } for Windows`)),
  must(['ssh'], 'EC2 takes ed25519 and rsa keys', (_isSet, valueOf) => (typeof valueOf('ssh') === 'object' && (valueOf('ssh') as { temporaryKeyPairType?: unknown } | null)?.temporaryKeyPairType === 'ecdsa' ? "has ssh.temporaryKeyPairType 'ecdsa', which EC2 does not take" : undefined)),
  must(['sshInterface', 'iamInstanceProfile', 'temporaryIamInstanceProfilePolicyDocument'], 'the session manager needs a profile of the instance', (isSet, valueOf) =>
    valueOf('sshInterface') === 'session_manager' && !isSet('iamInstanceProfile') && !isSet('temporaryIamInstanceProfilePolicyDocument')
      ? 'goes through the session manager, which needs iamInstanceProfile (or a temporary one)' : undefined),
];

/** Packer's options for instances that are not here, and why. */
export const awsInstanceWithout: { readonly [option: string]: string } = {
  block_duration_minutes: 'AWS has no spot instances of a fixed duration any more.', spot_price_auto_product: 'AWS does not need it any more.', enable_t2_unlimited: 'An old name of enable_unlimited_credits.',
  ...awsWithout, tenancy: 'placement says it.', skip_profile_validation: 'A profile that is not there is said before anything is made.',
  'subnet_filter.filter': 'The map of filters says the same.', 'vpc_filter.filter': 'The map of filters says the same.', 'security_group_filter.filter': 'The map of filters says the same.',
};
