/** A role and an instance profile for one run: what the instance may do on AWS while it is provisioned. */
import type { ResolvedOf } from '../../fields.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import type { IAMClient } from '@aws-sdk/client-iam';
import { type Maker, make } from './making.js';
import { newMark } from './marks.js';
import { isGone } from './refusals.js';
import { loadIam } from './sdk.js';
import type { Calls, Client, Session } from './session.js';

type IamModule = typeof import('@aws-sdk/client-iam');
export type PolicyDocument = NonNullable<ResolvedOf<AwsInstanceFields>['temporaryIamInstanceProfilePolicyDocument']>;

export const iamOf = (session: Session): Calls<IamModule> => session.service<IamModule>('iam', loadIam, (m, settings) => new m.IAMClient(settings) as IAMClient & Client);

export const policyName = 'imagebake';
/** Who may take the role: instances. */
export const trust = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'ec2.amazonaws.com' } }] });

export function policyJson(document: PolicyDocument): string {
  return JSON.stringify({ Version: document.version, Statement: document.statement.map(s => ({ Effect: s.effect, Action: s.action, Resource: s.resource })) });
}

/** Removes a role with its policy; one that is not there is gone. */
export async function removeRole(session: Session, name: string): Promise<void> {
  const iam = iamOf(session);
  await quiet(iam('DeleteRolePolicy', { RoleName: name, PolicyName: policyName }));
  await quiet(iam('DeleteRole', { RoleName: name }));
}
/** Removes an instance profile; the role in it is only taken out. */
export async function removeProfile(session: Session, name: string): Promise<void> {
  const iam = iamOf(session);
  await quiet(iam('RemoveRoleFromInstanceProfile', { InstanceProfileName: name, RoleName: name }));
  await quiet(iam('DeleteInstanceProfile', { InstanceProfileName: name }));
}
const quiet = async (call: Promise<unknown>): Promise<void> => { await call.catch(error => { if (!isGone(error)) throw error; }); };

/** Makes a role that instances may take, and the instance profile that they take it by. Returns the profile's name. */
export async function temporaryProfile(maker: Maker, document: PolicyDocument): Promise<string> {
  const iam = iamOf(maker.session), name = `imagebake-${newMark()}`, of = { name, called: name };
  await make(maker, 'role', of, async tags => {
    await iam('CreateRole', { RoleName: name, AssumeRolePolicyDocument: trust, Description: 'Made by imagebake for one build', Tags: tags() as { Key: string; Value: string }[] }, { once: true });
    return { id: name, value: undefined };
  });
  await iam('PutRolePolicy', { RoleName: name, PolicyName: policyName, PolicyDocument: policyJson(document) }, { fresh: true });
  await make(maker, 'instance-profile', of, async tags => {
    await iam('CreateInstanceProfile', { InstanceProfileName: name, Tags: tags() as { Key: string; Value: string }[] }, { once: true });
    return { id: name, value: undefined };
  });
  await iam('AddRoleToInstanceProfile', { InstanceProfileName: name, RoleName: name }, { fresh: true });
  return name;
}
