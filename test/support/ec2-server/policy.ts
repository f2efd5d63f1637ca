/** Whether a policy, as `bake policy aws` prints it, allows a call: its actions, the tags that things must carry, the names that roles must have. What no statement allows is denied. */
import type { Call } from './front.js';
import { everything } from './network.js';
import type { Region } from './world.js';

export interface Statement { readonly Sid?: string; readonly Action: readonly string[]; readonly Resource: string | readonly string[]; readonly Condition?: { readonly Null?: { readonly [key: string]: string } } }
export interface Policy { readonly Statement: readonly Statement[] }

/** The first action that a call needs and the policy does not allow; undefined: it may be made. */
export function forbidden(policy: Policy, call: Call, region: Region): string | undefined {
  return needed(call).find(action => action.name !== 'sts:GetCallerIdentity' && !policy.Statement.some(s => s.Action.includes(action.name) && named(s, call) && holds(s, call, region, action.creating)))?.name;
}

interface Needed { readonly name: string; /** The call that makes what is tagged. */ readonly creating?: string }

/** What AWS asks for beside the call itself. */
export function needed(call: Call): Needed[] {
  const { action, input } = call, name = action.slice(action.indexOf(':') + 1), has = (key: string): boolean => Array.isArray(input[key]) && (input[key] as unknown[]).length > 0;
  return [
    { name: action },
    ...(action.startsWith('ec2:') && has('TagSpecifications') ? [{ name: 'ec2:CreateTags', creating: name }] : []),
    ...((name === 'RunInstances' && input['IamInstanceProfile'] !== undefined) || name === 'AddRoleToInstanceProfile' ? [{ name: 'iam:PassRole' }] : []),
    ...(name === 'CreateFleet' ? [{ name: 'ec2:RunInstances' }] : []),
    ...(name === 'CreateRole' && has('Tags') ? [{ name: 'iam:TagRole' }] : []), ...(name === 'CreateInstanceProfile' && has('Tags') ? [{ name: 'iam:TagInstanceProfile' }] : []),
  ];
}

function named({ Resource }: Statement, { input, action }: Call): boolean {
  if (Resource === '*' || !action.startsWith('iam:')) return true;
  const name = String(input['RoleName'] ?? input['InstanceProfileName']);
  return [Resource].flat().some(arn => name.startsWith(arn.slice(arn.lastIndexOf('/') + 1).replace(/\*$/, '')));
}

function holds({ Condition }: Statement, call: Call, region: Region, creating: string | undefined): boolean {
  return Object.entries(Condition?.Null ?? {}).every(([key, missing]) => {
    const is = key === 'ec2:CreateAction' ? creating !== undefined : key.startsWith('aws:ResourceTag/') && tagged(call, region, key.slice('aws:ResourceTag/'.length));
    return is === (missing === 'false');
  });
}

/** Whether all things that a call speaks of carry a tag. A thing that is not there carries none. */
function tagged({ input }: Call, region: Region, tag: string): boolean {
  const ids = ['InstanceId', 'InstanceIds', 'GroupId', 'VolumeId', 'SnapshotId', 'ImageId', 'LaunchTemplateId', 'ImportTaskId', 'KeyName', 'Resources'].flatMap(name => (input[name] ?? []) as string | string[]);
  const all = everything(region), keys = new Map([...region.keyPairs].map(([name, pair]) => [name, pair.Tags ?? []]));
  return ids.length > 0 && ids.every(id => (keys.get(id) ?? all.find(([known]) => known === id)?.[2] ?? []).some(t => t.Key === tag));
}
