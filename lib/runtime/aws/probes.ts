/**
 * Calls to come, as dry runs: whoever builds learns of a missing permission before anything is made, or a minute after, never after hours.
 * What is made is asked for beforehand; what is changed or removed can only be asked for where it is: a policy that goes by tags denies what has none.
 */
import type { Image, Instance, ResourceType, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { errors, messageOf } from '../../errors.js';
import { sshKeyPair } from '../communicators/ssh/key-pair.js';
import { newMark, specifications } from './marks.js';
import { awsCode, isDenied } from './refusals.js';
import type { Session } from './session.js';

const fail = errors('AWS', {
  ACTIONS_DENIED: {
    message: (who: string, actions: string) => `${who} may not do what this build needs: ${actions}.`,
    remedy: 'Allow these actions. `bake policy aws` prints the least policy for the program.',
  },
});
/** The error for what is forbidden. */
export async function denial(session: Session, forbidden: readonly string[]): Promise<Error> {
  const who = await session.sts('GetCallerIdentity', {}).then(me => me.Arn, () => undefined);
  return fail.ACTIONS_DENIED(who ?? 'Whoever builds', forbidden.join(', '));
}

/** What there is to ask with. */
export interface ProbeFacts {
  readonly image?: Image | undefined;
  /** The call that will start the instance. */
  readonly launch?: RunInstancesCommandInput | undefined;
  readonly vpcId?: string | undefined;
  readonly tags: { Key?: string | undefined; Value?: string | undefined }[];
  /** Where copies are to be. */
  readonly regions?: readonly string[];
  readonly instance?: Instance | undefined;
  readonly keyName?: string | undefined;
  readonly groupId?: string | undefined;
  /** An earlier image of ours, which stands for the one to come. */
  readonly earlier?: Image | undefined;
}
type Probe = (facts: ProbeFacts, session: Session) => { readonly [name: string]: unknown } | undefined;

const name = (): string => `imagebake-${newMark()}`;
const snapshotOf = (image: Image | undefined): string | undefined => image?.BlockDeviceMappings?.find(d => d.Ebs?.SnapshotId !== undefined)?.Ebs?.SnapshotId;
const with_ = <T>(value: T | undefined, input: (value: T) => object): { readonly [name: string]: unknown } | undefined => (value === undefined ? undefined : input(value) as { readonly [name: string]: unknown });
const onInstance = (more: (instance: Instance, id: string) => object): Probe => facts => with_(facts.instance, i => more(i, i.InstanceId!));
const onVolume = (more: (VolumeId: string, InstanceId: string, facts: ProbeFacts) => object): Probe => facts => with_(facts.instance?.BlockDeviceMappings?.[0]?.Ebs?.VolumeId, id => more(id, facts.instance!.InstanceId!, facts));
const onEarlier = (more: (id: string, facts: ProbeFacts) => object): Probe => facts => with_(facts.earlier?.ImageId, id => more(id, facts));

/** Of every call but those that look, what to ask with; undefined: the thing is not there (yet). */
export const probes: { readonly [action: string]: Probe } = {
  ImportKeyPair: facts => (facts.instance ? undefined : { KeyName: name(), PublicKeyMaterial: Buffer.from(sshKeyPair('dry run').publicKey), TagSpecifications: specifications(['key-pair'], facts.tags) }),
  CreateSecurityGroup: facts => (facts.instance ? undefined : { GroupName: name(), Description: 'dry run', ...(facts.vpcId === undefined ? {} : { VpcId: facts.vpcId }), TagSpecifications: specifications(['security-group'], facts.tags) }),
  RunInstances: facts => with_(facts.launch, launch => ({ ...launch, TagSpecifications: specifications<ResourceType>(['instance', 'volume', 'network-interface'], facts.tags) })),
  CreateLaunchTemplate: facts => with_(facts.launch, launch => ({ LaunchTemplateName: name(), LaunchTemplateData: { ImageId: launch.ImageId }, TagSpecifications: specifications(['launch-template'], facts.tags) })),
  CopyImage: (facts, session) => with_(facts.instance ? undefined : facts.image?.ImageId, SourceImageId => ({ SourceImageId, SourceRegion: session.region, Name: name(), TagSpecifications: specifications(['image', 'snapshot'], facts.tags) })),
  StopInstances: onInstance((_i, id) => ({ InstanceIds: [id] })),
  TerminateInstances: onInstance((_i, id) => ({ InstanceIds: [id] })),
  GetConsoleOutput: onInstance((_i, InstanceId) => ({ InstanceId })),
  GetPasswordData: onInstance((_i, InstanceId) => ({ InstanceId })),
  ModifyInstanceAttribute: onInstance((_i, InstanceId) => ({ InstanceId, EnaSupport: { Value: true } })),
  DeleteTags: onInstance((_i, id) => ({ Resources: [id], Tags: [{ Key: 'imagebake:dry-run' }] })),
  CreateImage: onInstance((_i, InstanceId) => ({ InstanceId, Name: name() })),
  CreateSnapshot: onVolume((VolumeId, _id, { tags }) => ({ VolumeId, TagSpecifications: specifications(['snapshot'], tags) })),
  DeleteVolume: onVolume(VolumeId => ({ VolumeId })),
  DetachVolume: onVolume((VolumeId, InstanceId) => ({ VolumeId, InstanceId })),
  AttachVolume: onVolume((VolumeId, InstanceId) => ({ VolumeId, InstanceId, Device: '/dev/sdz' })),
  // Needs a snapshot to ask with: the source image's, or the one of an earlier image.
  RegisterImage: facts => with_(facts.instance ? undefined : snapshotOf(facts.earlier) ?? snapshotOf(facts.image), SnapshotId => ({ Name: name(), RootDeviceName: '/dev/xvda', BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }], TagSpecifications: specifications(['image'], facts.tags) })),
  DeleteKeyPair: facts => with_(facts.keyName, KeyName => ({ KeyName })),
  DeleteSecurityGroup: facts => with_(facts.groupId, GroupId => ({ GroupId })),
  ModifyImageAttribute: onEarlier(ImageId => ({ ImageId, LaunchPermission: { Add: [{ UserId: '000000000000' }] } })),
  EnableImageDeprecation: onEarlier(ImageId => ({ ImageId, DeprecateAt: new Date(Date.now() + 86_400_000) })),
  EnableImageDeregistrationProtection: onEarlier(ImageId => ({ ImageId })),
  DisableImageDeregistrationProtection: onEarlier(ImageId => ({ ImageId })),
  DeregisterImage: onEarlier(ImageId => ({ ImageId })),
  EnableFastLaunch: onEarlier(ImageId => ({ ImageId })),
  ModifySnapshotAttribute: onEarlier((_id, { earlier }) => ({ SnapshotId: snapshotOf(earlier) ?? 'snap-none', Attribute: 'createVolumePermission', CreateVolumePermission: { Add: [{ UserId: '000000000000' }] } })),
  DeleteSnapshot: onEarlier((_id, { earlier }) => ({ SnapshotId: snapshotOf(earlier) ?? 'snap-none' })),
};

/** Calls that cannot be asked for, and why. */
export const withoutProbe: { readonly [action: string]: string } = {
  CreateTags: 'It goes with the call that makes the thing, and is asked for with it.',
  AuthorizeSecurityGroupIngress: 'It follows the making of its group at once, before the instance.',
  CreateFleet: 'It needs a launch template, and is made at once after it.', DeleteLaunchTemplate: 'It follows the fleet at once.',
  ImportImage: 'Of amazon-import; it comes first.', CancelImportTask: 'It needs a task that runs.',
};

/** Asks for every call of `actions` (`ec2:RunInstances`) that there are facts for. `looked`: those made already. Returns the actions that are not allowed, and what else was said. */
export async function probe(session: Session, actions: readonly string[], facts: ProbeFacts, looked: readonly string[] = []): Promise<{ readonly forbidden: readonly string[]; readonly said: readonly { readonly action: string; readonly error: unknown }[] }> {
  const asked = actions.filter(a => a.startsWith('ec2:') && !looked.includes(a)).flatMap(action => {
    const call = action.slice(4), input = call.startsWith('Describe') ? (facts.instance ? undefined : {}) : probes[call]?.(facts, session);
    const where = call === 'CopyImage' ? (facts.regions ?? []).map(region => session.in(region)) : [session];
    return input === undefined ? [] : where.map(async s => {
      try { await s.ec2(call as 'RunInstances', { ...input, DryRun: true } as never, { tries: 3 }); } catch (error) { return { action, error }; }
      return undefined;
    });
  });
  const answers = (await Promise.all(asked)).filter(a => a !== undefined);
  return {
    forbidden: [...new Set(answers.filter(a => isDenied(a.error)).map(a => a.action))].sort(),
    said: answers.filter(a => !isDenied(a.error) && awsCode(a.error) !== 'DryRunOperation'),
  };
}
export const saidOf = ({ action, error }: { readonly action: string; readonly error: unknown }): string => `A dry run of ${action} says: ${messageOf(error)}`;
