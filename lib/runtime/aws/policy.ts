/** What a component does on AWS, as actions of IAM: for the least policy that allows a program, and for preflight. Told from the props as planned: whether they are set is enough. */
import type { Json } from '../../json.js';
import type { Plan } from '../../plan.js';
import { markTags } from './marks.js';

type Props = { readonly [name: string]: unknown };
/** `look`: reads. `make`: makes something new. `own`: changes or removes what carries our tags. `any`: changes what does not. */
export type Reach = 'look' | 'make' | 'own' | 'any';
type Needs = { readonly [action: string]: Reach };

const instance: Needs = {
  'sts:GetCallerIdentity': 'look', 'ec2:DescribeImages': 'look', 'ec2:DescribeInstances': 'look', 'ec2:DescribeVolumes': 'look', 'ec2:RunInstances': 'make', 'ec2:CreateTags': 'make',
  'ec2:TerminateInstances': 'own', 'ec2:DeleteVolume': 'own', 'ec2:GetConsoleOutput': 'own',
};
const keyPair: Needs = { 'ec2:ImportKeyPair': 'make', 'ec2:DeleteKeyPair': 'own', 'ec2:DescribeKeyPairs': 'look' };
const group: Needs = { 'ec2:CreateSecurityGroup': 'make', 'ec2:AuthorizeSecurityGroupIngress': 'own', 'ec2:DeleteSecurityGroup': 'own', 'ec2:DescribeSecurityGroups': 'look', 'ec2:DescribeVpcs': 'look' };
const role: Needs = {
  'iam:CreateRole': 'make', 'iam:PutRolePolicy': 'make', 'iam:DeleteRolePolicy': 'make', 'iam:DeleteRole': 'make', 'iam:CreateInstanceProfile': 'make', 'iam:AddRoleToInstanceProfile': 'make',
  'iam:RemoveRoleFromInstanceProfile': 'make', 'iam:DeleteInstanceProfile': 'make', 'iam:TagRole': 'make', 'iam:TagInstanceProfile': 'make', 'iam:PassRole': 'make',
};
const fleet: Needs = { 'ec2:CreateLaunchTemplate': 'make', 'ec2:DeleteLaunchTemplate': 'own', 'ec2:DescribeLaunchTemplates': 'look', 'ec2:CreateFleet': 'make' };
const image: Needs = { 'ec2:CreateImage': 'make', 'ec2:DescribeSnapshots': 'look', 'ec2:DeregisterImage': 'own', 'ec2:DeleteSnapshot': 'own', 'ec2:DeleteTags': 'own' };
const copy: Needs = { 'ec2:CopyImage': 'make' };
const keys: Needs = { 'kms:CreateGrant': 'any', 'kms:Decrypt': 'any', 'kms:DescribeKey': 'any', 'kms:GenerateDataKeyWithoutPlaintext': 'any', 'kms:ReEncryptFrom': 'any', 'kms:ReEncryptTo': 'any' };

const isSet = (value: unknown): boolean => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);

/** The actions of an instance that something is built on. */
function instanceNeeds(p: Props): Needs {
  const ssh = (p['ssh'] ?? {}) as Props, winrm = p['winrm'] as Props | undefined;
  return {
    ...instance,
    ...((winrm === undefined ? ['keypairName', 'privateKeyFile', 'password', 'agentAuth'].some(name => isSet(ssh[name])) : isSet(winrm['password'])) ? {} : { ...keyPair, ...(winrm === undefined ? {} : { 'ec2:GetPasswordData': 'own' as const }) }),
    ...(['securityGroupId', 'securityGroupIds', 'securityGroupFilter'].some(name => isSet(p[name])) ? (isSet(p['securityGroupFilter']) ? { 'ec2:DescribeSecurityGroups': 'look' as const } : {}) : group),
    ...(isSet(p['vpcFilter']) ? { 'ec2:DescribeVpcs': 'look' as const } : {}),
    ...(isSet(p['subnetFilter']) || isSet(p['subnetId']) ? { 'ec2:DescribeSubnets': 'look' as const } : {}),
    ...(isSet(p['temporaryIamInstanceProfilePolicyDocument']) ? role : isSet(p['iamInstanceProfile']) ? { 'iam:PassRole': 'make' as const } : {}),
    ...(isSet(p['spotInstanceTypes']) ? fleet : {}),
    ...(isSet(p['disableStopInstance']) || isSet(p['spotInstanceTypes']) || isSet(p['spotPrice']) ? {} : { 'ec2:StopInstances': 'own' as const }),
    ...(isSet(p['enaSupport']) || isSet(p['sriovSupport']) ? { 'ec2:ModifyInstanceAttribute': 'own' as const } : {}),
    ...(isSet(p['decodeAuthorizationMessages']) ? { 'sts:DecodeAuthorizationMessage': 'look' as const } : {}),
    ...(isSet(p['assumeRole']) ? { 'sts:AssumeRole': 'any' as const } : {}),
    ...(p['sshInterface'] === 'session_manager' ? { 'ssm:StartSession': 'any' as const, 'ssm:TerminateSession': 'any' as const } : {}),
  };
}

function imageNeeds(p: Props): Needs {
  const regions = isSet(p['amiRegions']), encrypted = isSet(p['encryptBoot']) || isSet(p['kmsKeyId']) || isSet(p['regionKmsKeyIds']);
  return {
    ...image,
    ...(regions || isSet(p['encryptBoot']) || isSet(p['skipSaveBuildRegion']) ? copy : {}), ...(encrypted ? keys : {}),
    ...(['amiUsers', 'amiGroups', 'amiOrgArns', 'amiOuArns', 'amiProductCodes', 'imdsSupport'].some(name => isSet(p[name])) ? { 'ec2:ModifyImageAttribute': 'own' as const } : {}),
    ...(isSet(p['snapshotUsers']) || isSet(p['snapshotGroups']) ? { 'ec2:ModifySnapshotAttribute': 'own' as const } : {}),
    ...(isSet(p['deprecateAt']) ? { 'ec2:EnableImageDeprecation': 'own' as const } : {}),
    ...(isSet(p['deregistrationProtection']) ? { 'ec2:EnableImageDeregistrationProtection': 'own' as const } : {}),
    ...(isSet(p['fastLaunch']) ? { 'ec2:EnableFastLaunch': 'own' as const, 'ec2:DescribeFastLaunchImages': 'look' as const } : {}),
    ...(isSet(p['forceDeregister']) ? { 'ec2:DeregisterImage': 'any' as const, 'ec2:DisableImageDeregistrationProtection': 'any' as const, ...(isSet(p['forceDeleteSnapshot']) ? { 'ec2:DeleteSnapshot': 'any' as const } : {}) } : {}),
    ...(isSet(p['retention']) ? { 'ec2:DescribeLaunchTemplateVersions': 'look' as const } : {}),
  };
}

const byKind: { readonly [kind: string]: (props: Props) => Needs } = {
  'data/amazon-ami': () => ({ 'ec2:DescribeImages': 'look' }),
  'data/amazon-parameterstore': () => ({ 'ssm:GetParameter': 'look' }),
  'data/amazon-secretsmanager': () => ({ 'secretsmanager:GetSecretValue': 'look' }),
  'post-processor/amazon-import': p => ({
    'ec2:DescribeImages': 'look', 's3:ListBucketMultipartUploads': 'look', 's3:PutObject': 'any', 's3:DeleteObject': 'any', 's3:AbortMultipartUpload': 'any', 'ec2:ImportImage': 'make', 'ec2:CreateTags': 'any', 'ec2:DescribeImportImageTasks': 'look',
    'ec2:CancelImportTask': 'own', 'ec2:DeregisterImage': 'any', 'ec2:DeleteSnapshot': 'any', 'ec2:DeleteTags': 'own', 'ec2:ModifyImageAttribute': 'any',
    ...(isSet(p['amiName']) || isSet(p['amiEncrypt']) ? copy : {}), ...(isSet(p['amiEncrypt']) ? keys : {}),
  }),
  'post-processor/ssm-parameter': () => ({ 'ssm:PutParameter': 'any', 'ec2:DescribeImages': 'look' }),
  'source/amazon-ebssurrogate': p => {
    const all = imageNeeds(p), { 'ec2:CreateImage': _create, ...rest } = all;
    return isSet(p['useCreateImage']) ? { ...instanceNeeds(p), ...all, 'ec2:DetachVolume': 'own', 'ec2:AttachVolume': 'own' } : { ...instanceNeeds(p), ...rest, 'ec2:CreateSnapshot': 'make', 'ec2:RegisterImage': 'make' };
  },
  'source/amazon-ebsvolume': p => {
    const volumes = (Array.isArray(p['ebsVolumes']) ? p['ebsVolumes'] : []) as readonly Props[];
    return {
      ...instanceNeeds(p), 'ec2:DeleteTags': 'own',
      // A volume that stays is ours already, and gets tags of its own.
      ...(volumes.every(v => v['deleteOnTermination'] === true) ? {} : { 'ec2:CreateTags': 'own' as const }),
      ...(volumes.some(v => isSet(v['snapshotVolume'])) ? { 'ec2:CreateSnapshot': 'make' as const, 'ec2:DescribeSnapshots': 'look' as const, 'ec2:DeleteSnapshot': 'own' as const } : {}),
      ...(volumes.some(v => isSet(v['snapshotUsers']) || isSet(v['snapshotGroups'])) ? { 'ec2:ModifySnapshotAttribute': 'own' as const } : {}),
    };
  },
  'source/amazon-ebs': p => ({ ...instanceNeeds(p), ...(p['skipCreateAmi'] === true ? {} : imageNeeds(p)) }),
};

const saves = (kind: string): boolean => kind === 'source/amazon-ebs' || kind === 'source/amazon-ebssurrogate';

/** The actions of a component; none where it has nothing to do with AWS. */
export function actionsOf({ kind, props }: { readonly kind: string; readonly props: object }): Needs { return byKind[kind]?.(props as Props) ?? {}; }

/** The least policy that lets a plan run: what is changed or removed must carry our tag. */
export function policyFor(plan: Plan): Json {
  const reach = new Map<string, Reach>();
  // Who may tag what is ours may tag what is being made as well.
  const orderOf = (action: string): readonly Reach[] => (action === 'ec2:CreateTags' ? ['look', 'make', 'own', 'any'] : ['look', 'own', 'make', 'any']);
  // What saves a machine as an image, and removes that again, where a step or a build asks for it.
  const saved = plan.targets.filter(t => saves(t.source.kind) && [t, ...t.provisioners].some(of => of.settings.checkpoint === 'always')).map(() => image);
  const components = [...plan.data, ...plan.targets.flatMap(t => [t.source, ...t.provisioners, ...t.errorCleanup, ...t.postProcessors.flat()])];
  for (const needs of [...components.map(actionsOf), ...saved]) for (const [action, wide] of Object.entries(needs)) {
    const order = orderOf(action);
    if (order.indexOf(wide) >= order.indexOf(reach.get(action) ?? 'look')) reach.set(action, wide);
  }
  const of = (...wanted: Reach[]): string[] => [...reach].filter(([, r]) => wanted.includes(r)).map(([action]) => action).sort();
  const statements: Json[] = [];
  const say = (Sid: string, Action: string[], more: { readonly [key: string]: Json } = {}): void => { if (Action.length > 0) statements.push({ Sid, Effect: 'Allow', Action, Resource: '*', ...more }); };
  say('Look', of('look'));
  say('Make', of('make', 'any').filter(a => !a.startsWith('iam:') && a !== 'ec2:CreateTags'));
  if (reach.get('ec2:CreateTags') === 'any') say('Tag', ['ec2:CreateTags']);
  else if (reach.has('ec2:CreateTags')) say('TagWhatIsMade', ['ec2:CreateTags'], { Condition: { Null: { 'ec2:CreateAction': 'false' } } });
  say('ChangeAndRemoveOurs', of('own'), { Condition: { Null: { [`aws:ResourceTag/${markTags.run}`]: 'false' } } });
  const iam = of('make', 'any').filter(a => a.startsWith('iam:'));
  if (iam.length > 0) statements.push({ Sid: 'RoleOfTheInstance', Effect: 'Allow', Action: iam, Resource: iam.includes('iam:CreateRole') ? ['arn:aws:iam::*:role/imagebake-*', 'arn:aws:iam::*:instance-profile/imagebake-*'] : '*' });
  return { Version: '2012-10-17', Statement: statements };
}
