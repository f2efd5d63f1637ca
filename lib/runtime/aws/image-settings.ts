/** What is set on an image once it is there: who may use it, its life, how instances of it behave. */
import type { CreateVolumePermission, LaunchPermission } from '@aws-sdk/client-ec2';
import type { ResolvedOf } from '../../fields.js';
import type { AwsImageFields } from '../../constructs/shared/aws-image.js';
import type { amazonEbs } from '../../constructs/sources/amazon-ebs.js';
import { defined } from './instance.js';
import type { Maker } from './making.js';
import type { Session } from './session.js';
import { awaitState } from './wait.js';

type FastLaunch = NonNullable<ResolvedOf<typeof amazonEbs.fields>['fastLaunch']>;
type Settings = ResolvedOf<AwsImageFields> & { readonly fastLaunch?: FastLaunch };

/** Sets all that the source says on one image. Returns the ids of its snapshots. */
export async function settle(session: Session, id: string, props: Settings, maker: Maker): Promise<readonly string[]> {
  const image = (await session.ec2('DescribeImages', { ImageIds: [id] })).Images?.[0];
  const snapshots = (image?.BlockDeviceMappings ?? []).flatMap(d => d.Ebs?.SnapshotId ?? []);
  const launch: LaunchPermission[] = [
    ...(props.amiUsers ?? []).map(UserId => ({ UserId })), ...(props.amiGroups ?? []).map(Group => ({ Group: Group as 'all' })),
    ...(props.amiOrgArns ?? []).map(OrganizationArn => ({ OrganizationArn })), ...(props.amiOuArns ?? []).map(OrganizationalUnitArn => ({ OrganizationalUnitArn })),
  ];
  if (launch.length > 0) await session.ec2('ModifyImageAttribute', { ImageId: id, LaunchPermission: { Add: launch } });
  if (props.amiProductCodes !== undefined && props.amiProductCodes.length > 0) await session.ec2('ModifyImageAttribute', { ImageId: id, Attribute: 'productCodes', OperationType: 'add', ProductCodes: [...props.amiProductCodes] });
  await shareSnapshots(session, snapshots, props);
  if (props.imdsSupport !== undefined) await session.ec2('ModifyImageAttribute', { ImageId: id, ImdsSupport: { Value: props.imdsSupport } });
  if (props.deprecateAt !== undefined) await session.ec2('EnableImageDeprecation', { ImageId: id, DeprecateAt: new Date(props.deprecateAt) });
  if (props.fastLaunch !== undefined) await fastLaunch(session, id, props.fastLaunch, maker);
  if (props.deregistrationProtection?.enabled) await session.ec2('EnableImageDeregistrationProtection', { ImageId: id, WithCooldown: props.deregistrationProtection.withCooldown });
  return snapshots;
}

export async function shareSnapshots(session: Session, snapshots: readonly string[], { snapshotUsers = [], snapshotGroups = [] }: { readonly snapshotUsers?: readonly string[]; readonly snapshotGroups?: readonly string[] }): Promise<void> {
  const volumes: CreateVolumePermission[] = [...snapshotUsers.map(UserId => ({ UserId })), ...snapshotGroups.map(Group => ({ Group: Group as 'all' }))];
  if (volumes.length === 0) return;
  await Promise.all(snapshots.map(SnapshotId => session.ec2('ModifySnapshotAttribute', { SnapshotId, Attribute: 'createVolumePermission', CreateVolumePermission: { Add: volumes } })));
}

async function fastLaunch(session: Session, id: string, settings: FastLaunch, maker: Maker): Promise<void> {
  const own = settings.regionLaunchTemplates?.find(t => t.region === session.region);
  if (!settings.enableFastLaunch || own?.enableFastLaunch === false) return;
  const { templateId, templateName, templateVersion } = own ?? settings;
  await session.ec2('EnableFastLaunch', defined({
    ImageId: id, ResourceType: 'snapshot', MaxParallelLaunches: settings.maxParallelLaunches,
    SnapshotConfiguration: settings.targetResourceCount === undefined ? undefined : { TargetResourceCount: settings.targetResourceCount },
    LaunchTemplate: templateId === undefined && templateName === undefined ? undefined
      : { Version: String(templateVersion ?? '$Default'), ...defined({ LaunchTemplateId: templateId, LaunchTemplateName: templateName }) },
  }));
  await awaitState({
    what: `Fast launch of ${id} in ${session.region}`, access: session.access, signal: maker.ctx.signal, note: message => maker.ctx.note(message), budget: 3 * 3_600_000, wanted: ['enabled'], failed: ['enabling-failed', 'disabled', 'disabling'],
    look: async () => {
      const state = (await session.ec2('DescribeFastLaunchImages', { ImageIds: [id] })).FastLaunchImages?.[0];
      return state === undefined ? undefined : { state: state.State ?? 'unknown', reason: state.StateTransitionReason, value: undefined };
    },
  });
}
