/** Starts the instance: on demand or on the spot market, another type where EC2 has no capacity for the one wanted. */
import { readFile } from 'node:fs/promises';
import type { BlockDeviceMapping, Image, Instance, RequestLaunchTemplateData, ResourceType, RunInstancesCommandInput, _InstanceType } from '@aws-sdk/client-ec2';
import { errors, messageOf } from '../../errors.js';
import type { ResolvedOf } from '../../fields.js';
import type { AwsInstanceFields } from '../../constructs/shared/aws-instance.js';
import type { BlockDeviceFields, LaunchDeviceFields } from '../../constructs/shared/aws-block-device.js';
import { sleep } from '../retry.js';
import { requestFleet } from './fleet.js';
import { type Made, type Maker, make } from './making.js';
import { specifications } from './marks.js';
import type { Place } from './network.js';
import { awsCode, isCapacity } from './refusals.js';
import { awaitState } from './wait.js';

const fail = errors('EC2', {
  NO_CAPACITY: {
    message: (tried: string) => `EC2 has no instance for this build just now. ${tried}`,
    remedy: 'Name other types (fallbackInstanceTypes, spotInstanceTypes), leave the availability zone to EC2, raise spotPrice, or build on demand.',
  },
});

type Props = ResolvedOf<AwsInstanceFields & LaunchDeviceFields>;
export interface LaunchFacts {
  readonly image: Image & { readonly ImageId: string };
  readonly place: Place;
  readonly groups: readonly string[];
  readonly keyName: string | undefined;
  readonly profile: string | undefined;
}
export type Running = Made<{ readonly instance: Instance; readonly spot: boolean }>;

/** How long a new instance profile may take to be known to EC2, in milliseconds. */
const profileBudget = 120_000;

/** Starts an instance and waits until it runs. Throws EC2_NO_CAPACITY where none is to be had. */
export async function startInstance(maker: Maker, props: Props, facts: LaunchFacts): Promise<Running> {
  const common = await launchData(props, facts), { ctx } = maker;
  const running = props.spotInstanceTypes !== undefined && props.spotInstanceTypes.length > 0
    ? await spotInstance(maker, props, facts, common) : await demandInstance(maker, props, common);
  const { id } = running, signal = ctx.signal;
  const instance = await awaitState({
    what: `Instance ${id}`, access: maker.session.access, signal, note: message => ctx.note(message), budget: 900_000, wanted: ['running'], failed: ['shutting-down', 'terminated', 'stopping', 'stopped'],
    look: async () => {
      const seen = (await maker.session.ec2('DescribeInstances', { InstanceIds: [id] })).Reservations?.[0]?.Instances?.[0];
      return seen === undefined ? undefined : { state: seen.State?.Name ?? 'unknown', reason: seen.StateReason?.Message ?? seen.StateTransitionReason, value: seen };
    },
  });
  return { ...running, value: { instance, spot: running.value.spot } };
}

/** One type after the other, until EC2 has one. */
async function demandInstance(maker: Maker, props: Props, common: Launch): Promise<Running> {
  const tried: string[] = [];
  for (const type of [props.instanceType!, ...props.fallbackInstanceTypes ?? []]) {
    try {
      return await make(maker, 'instance', { name: `imagebake ${maker.owner.target}` }, async (tags, mark) => {
        const answer = await whileProfileSettles(maker, () => maker.session.ec2('RunInstances', { ...runInput(props, common, type as _InstanceType), ClientToken: mark, TagSpecifications: [...instanceTags(props, tags), ...(props.spotPrice === undefined ? [] : specifications<ResourceType>(['spot-instances-request'], tags(props.spotTags)))] }, { fresh: true }));
        const instance = answer.Instances![0]!;
        maker.ctx.note(`Instance ${instance.InstanceId} (${type}) in ${maker.session.region}.`);
        return { id: instance.InstanceId!, value: { instance, spot: props.spotPrice !== undefined } };
      });
    } catch (error) {
      if (!isCapacity(awsCode(error))) throw error;
      tried.push(`${type}: ${messageOf(error)}.`);
      maker.ctx.note(`No ${type} just now: ${messageOf(error)}`);
    }
  }
  throw fail.NO_CAPACITY(tried.join(' '));
}

async function spotInstance(maker: Maker, props: Props, facts: LaunchFacts, common: Launch): Promise<Running> {
  return make(maker, 'instance', { name: `imagebake ${maker.owner.target}` }, async (tags, mark) => {
    const { InstanceInitiatedShutdownBehavior: _never, ...template } = common;
    const found = await requestFleet(maker, props, facts, {
      ...template as RequestLaunchTemplateData, TagSpecifications: [...instanceTags(props, tags), ...specifications<ResourceType>(['spot-instances-request'], tags(props.spotTags))],
    }, mark, tags);
    if ('refused' in found) throw fail.NO_CAPACITY(found.refused);
    const instance = (await maker.session.ec2('DescribeInstances', { InstanceIds: [found.id] }).catch(() => undefined))?.Reservations?.[0]?.Instances?.[0] ?? { InstanceId: found.id };
    maker.ctx.note(`Spot instance ${found.id} (${found.type}) in ${maker.session.region}.`);
    return { id: found.id, value: { instance, spot: true } };
  });
}

type Tags = (more?: { readonly [key: string]: string }) => { Key?: string | undefined; Value?: string | undefined }[];
function instanceTags(props: Props, tags: Tags): { ResourceType: ResourceType; Tags: ReturnType<Tags> }[] {
  return [...specifications<ResourceType>(['instance', 'network-interface'], tags()), ...specifications<ResourceType>(['volume'], tags(props.runVolumeTags))];
}

/** IAM's news take a while to reach EC2. */
async function whileProfileSettles<T>(maker: Maker, work: () => Promise<T>): Promise<T> {
  for (let waited = 0, pause = maker.session.access.polling?.delay ?? 2000; ; waited += pause) {
    try { return await work(); } catch (error) {
      if (awsCode(error) !== 'InvalidParameterValue' || !/iam instance profile/i.test(messageOf(error)) || waited > profileBudget) throw error;
    }
    await sleep(pause, maker.ctx.signal);
  }
}

type Launch = Omit<RunInstancesCommandInput, 'MinCount' | 'MaxCount' | 'InstanceType' | 'TagSpecifications' | 'ClientToken'>;

export function runInput(props: Pick<Props, 'spotPrice'>, common: Launch, type: _InstanceType): RunInstancesCommandInput {
  return {
    ...common, InstanceType: type, MinCount: 1, MaxCount: 1,
    ...(props.spotPrice === undefined ? {} : { InstanceMarketOptions: { MarketType: 'spot', SpotOptions: { SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate', ...(props.spotPrice === 'auto' ? {} : { MaxPrice: props.spotPrice }) } } }),
  };
}

/** What RunInstances and a launch template have in common. */
export async function launchData(props: Props, { image, place, groups, keyName, profile }: LaunchFacts): Promise<Launch> {
  const userData = props.userData ?? (props.userDataFile === undefined ? undefined : await readFile(props.userDataFile));
  const placement = { AvailabilityZone: props.availabilityZone, HostId: props.placement?.hostId, HostResourceGroupArn: props.placement?.hostResourceGroupArn, Tenancy: props.placement?.tenancy };
  const metadata = props.metadataOptions;
  return defined({
    ImageId: image.ImageId,
    KeyName: keyName,
    UserData: userData === undefined ? undefined : Buffer.from(userData).toString('base64'),
    IamInstanceProfile: profile === undefined ? undefined : profile.startsWith('arn:') ? { Arn: profile } : { Name: profile },
    BlockDeviceMappings: props.launchBlockDeviceMappings?.map(blockDevice),
    EbsOptimized: props.ebsOptimized,
    InstanceInitiatedShutdownBehavior: props.shutdownBehavior,
    Placement: Object.values(placement).some(v => v !== undefined) ? defined(placement) : undefined,
    MetadataOptions: defined({
      HttpEndpoint: metadata?.httpEndpoint, HttpTokens: metadata?.httpTokens ?? 'required', HttpPutResponseHopLimit: metadata?.httpPutResponseHopLimit, InstanceMetadataTags: metadata?.instanceMetadataTags,
    }),
    CreditSpecification: props.enableUnlimitedCredits === undefined ? undefined : { CpuCredits: props.enableUnlimitedCredits ? 'unlimited' : 'standard' },
    EnclaveOptions: props.enableNitroEnclave === undefined ? undefined : { Enabled: props.enableNitroEnclave },
    CapacityReservationSpecification: reservation(props),
    LicenseSpecifications: props.licenseSpecifications?.map(l => ({ LicenseConfigurationArn: l.licenseConfigurationRequest.licenseConfigurationArn })),
    ...(props.associatePublicIpAddress === undefined
      ? { SubnetId: place.subnetId, SecurityGroupIds: [...groups] }
      : { NetworkInterfaces: [defined({ DeviceIndex: 0, AssociatePublicIpAddress: props.associatePublicIpAddress, SubnetId: place.subnetId, Groups: [...groups], DeleteOnTermination: true })] }),
  }) as Launch;
}

function reservation(props: Props): Launch['CapacityReservationSpecification'] {
  const { capacityReservationPreference: preference, capacityReservationId: id, capacityReservationGroupArn: group } = props;
  if (preference === undefined && id === undefined && group === undefined) return undefined;
  return defined({
    CapacityReservationPreference: id === undefined && group === undefined ? preference : undefined,
    CapacityReservationTarget: id === undefined && group === undefined ? undefined : defined({ CapacityReservationId: id, CapacityReservationResourceGroupArn: group }),
  });
}

/** A disk as EC2 takes it. Sizes are whole GiB. */
export function blockDevice(device: ResolvedOf<BlockDeviceFields>): BlockDeviceMapping {
  if (device.noDevice) return { DeviceName: device.deviceName, NoDevice: '' };
  if (device.virtualName?.startsWith('ephemeral')) return { DeviceName: device.deviceName, VirtualName: device.virtualName };
  return {
    DeviceName: device.deviceName,
    Ebs: defined({
      DeleteOnTermination: device.deleteOnTermination ?? true, VolumeSize: device.volumeSize === undefined ? undefined : Math.ceil(device.volumeSize.$size / 1024 ** 3), VolumeType: device.volumeType as never,
      Iops: device.iops, Throughput: device.throughput, Encrypted: device.encrypted, KmsKeyId: device.kmsKeyId, SnapshotId: device.snapshotId,
    }),
  };
}

export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as never;
}
