import { copyOf } from './calls.js';
import { Refusal } from './front.js';
import { account, type World } from './world.js';

type Answer = (input: { readonly [name: string]: any }, world: World) => object;
const role = (world: World, name: string) => {
  const found = world.roles.get(name);
  if (!found) throw new Refusal('NoSuchEntity', `The role with name ${name} cannot be found.`, 404);
  return found;
};
const profile = (world: World, name: string) => {
  const found = world.profiles.get(name);
  if (!found) throw new Refusal('NoSuchEntity', `Instance Profile ${name} cannot be found.`, 404);
  return found;
};
const dates = { CreateDate: new Date(0), Path: '/' };

/** Who calls. */
export const builder = `arn:aws:iam::${account}:user/builder`;
/** What EC2 says in a refusal that only who may decode it can read. */
export function encodedRefusal(action: string, region: string): string {
  const why = { allowed: false, explicitDeny: false, matchedStatements: { items: [] }, failures: { items: [] }, context: { principal: { id: 'AIDATEST', arn: builder }, action, resource: `arn:aws:ec2:${region}:${account}:instance/*`, conditions: { items: [] } } };
  return `Encoded authorization failure message: ${Buffer.from(JSON.stringify(why)).toString('base64url')}`;
}

/** STS and IAM, as far as builds need them. */
export const identity: { readonly [action: string]: Answer } = {
  'sts:GetCallerIdentity': () => ({ Account: account, Arn: builder, UserId: 'AIDATEST' }),
  'sts:DecodeAuthorizationMessage': ({ EncodedMessage }) => ({ DecodedMessage: Buffer.from(EncodedMessage, 'base64url').toString() }),
  'sts:AssumeRole': ({ RoleArn, RoleSessionName, DurationSeconds, ExternalId, Tags, Policy }) => {
    void [DurationSeconds, ExternalId, Tags, Policy];
    return { Credentials: { AccessKeyId: `ASIA${String(RoleSessionName).replace(/\W/g, '').toUpperCase().slice(0, 12)}`, SecretAccessKey: 'taken', SessionToken: 'token', Expiration: new Date(Date.now() + 3_600_000) }, AssumedRoleUser: { Arn: `${RoleArn}/${RoleSessionName}`, AssumedRoleId: 'AROATEST' } };
  },
  'sts:AssumeRoleWithWebIdentity': ({ RoleArn, RoleSessionName, WebIdentityToken }) => ({
    Credentials: { AccessKeyId: `ASIAWEB${String(WebIdentityToken).toUpperCase()}`, SecretAccessKey: 'taken', SessionToken: 'token', Expiration: new Date(Date.now() + 3_600_000) }, AssumedRoleUser: { Arn: `${RoleArn}/${RoleSessionName}`, AssumedRoleId: 'AROATEST' },
  }),
  'iam:CreateRole': ({ RoleName, AssumeRolePolicyDocument, Description, Tags }, world) => {
    void Description;
    if (world.roles.has(RoleName)) throw new Refusal('EntityAlreadyExists', `Role with name ${RoleName} already exists.`, 409);
    world.roles.set(RoleName, { policies: new Map(), trust: AssumeRolePolicyDocument, tags: copyOf([...Tags ?? []]) });
    return { Role: { RoleName, RoleId: 'AROATEST', Arn: `arn:aws:iam::${account}:role/${RoleName}`, ...dates } };
  },
  'iam:ListRoles': (_input, world) => ({ IsTruncated: false, Roles: [...world.roles.keys()].map(RoleName => ({ RoleName, RoleId: 'AROATEST', Arn: `arn:aws:iam::${account}:role/${RoleName}`, ...dates })) }),
  'iam:ListRoleTags': ({ RoleName }, world) => ({ IsTruncated: false, Tags: role(world, RoleName).tags }),
  'iam:PutRolePolicy': ({ RoleName, PolicyName, PolicyDocument }, world) => { JSON.parse(PolicyDocument); role(world, RoleName).policies.set(PolicyName, PolicyDocument); return {}; },
  'iam:DeleteRolePolicy': ({ RoleName, PolicyName }, world) => { if (!role(world, RoleName).policies.delete(PolicyName)) throw new Refusal('NoSuchEntity', `The role policy with name ${PolicyName} cannot be found.`, 404); return {}; },
  'iam:DeleteRole': ({ RoleName }, world) => {
    if (role(world, RoleName).policies.size > 0 || [...world.profiles.values()].some(p => p.roles.includes(RoleName))) throw new Refusal('DeleteConflict', 'Cannot delete entity, must remove roles and policies first.', 409);
    world.roles.delete(RoleName);
    return {};
  },
  'iam:CreateInstanceProfile': ({ InstanceProfileName, Tags }, world) => {
    void [...Tags ?? []];
    if (world.profiles.has(InstanceProfileName)) throw new Refusal('EntityAlreadyExists', `Instance Profile ${InstanceProfileName} already exists.`, 409);
    world.profiles.set(InstanceProfileName, { roles: [] });
    return { InstanceProfile: { InstanceProfileName, InstanceProfileId: 'AIPATEST', Arn: `arn:aws:iam::${account}:instance-profile/${InstanceProfileName}`, Roles: [], ...dates } };
  },
  'iam:AddRoleToInstanceProfile': ({ InstanceProfileName, RoleName }, world) => { role(world, RoleName); profile(world, InstanceProfileName).roles.push(RoleName); return {}; },
  'iam:RemoveRoleFromInstanceProfile': ({ InstanceProfileName, RoleName }, world) => {
    const { roles } = profile(world, InstanceProfileName), at = roles.indexOf(RoleName);
    if (at < 0) throw new Refusal('NoSuchEntity', `The role ${RoleName} is not in the instance profile.`, 404);
    roles.splice(at, 1);
    return {};
  },
  'iam:DeleteInstanceProfile': ({ InstanceProfileName }, world) => {
    if (profile(world, InstanceProfileName).roles.length > 0) throw new Refusal('DeleteConflict', 'Cannot delete entity, must remove roles from instance profile first.', 409);
    world.profiles.delete(InstanceProfileName);
    return {};
  },
};
