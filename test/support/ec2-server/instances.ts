import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import type * as ec2 from '@aws-sdk/client-ec2';
import { byIds, calls, copyOf, fits, type Here, one, tagsFor } from './calls.js';
import { Refusal } from './front.js';
import { account, type InstanceState, newId, type Region, subnetsOf, vpcOf, type World } from './world.js';

const notFound = ['InvalidInstanceID.NotFound', 'instance ID'] as const;
let host = 0;
/** Every instance has an address of its own in 127/8, where a test may listen. */
const nextAddress = (): string => { host += 1; return `127.${50 + (process.pid % 200)}.${(host >> 8) & 255}.${host & 255 || 1}`; };

export function describeInstance(world: World, region: Region, id: string): ec2.Instance {
  const state = region.instances.get(id)!, phase = world.phase(state), shown = phase.state !== 'pending' && phase.state !== 'terminated';
  const { PublicIpAddress, PublicDnsName, ...rest } = state.instance;
  const codes: { readonly [state: string]: number } = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48, stopping: 64, stopped: 80 };
  return {
    ...rest, State: { Code: codes[phase.state]!, Name: phase.state as ec2.InstanceStateName }, ...(phase.reason === undefined ? {} : { StateReason: { Code: phase.code ?? 'Server.Test', Message: phase.reason }, StateTransitionReason: phase.reason }),
    ...(shown ? { PublicIpAddress, PublicDnsName } : {}),
    BlockDeviceMappings: phase.state === 'terminated' ? [] : state.devices.map(d => ({ DeviceName: d.name, Ebs: { VolumeId: d.volume, Status: 'attached', DeleteOnTermination: region.volumes.get(d.volume)?.deleteOnTermination ?? true } })),
  };
}

function launch(input: ec2.RunInstancesCommandInput, here: Here, spot: boolean): InstanceState {
  const { world, region, launched } = here, image = one(input.ImageId, region.images, 'InvalidAMIID.NotFound', 'image id');
  if (world.phase(image).state !== 'available') throw new Refusal('InvalidAMIID.Unavailable', `The image ID '${input.ImageId}' is not available`);
  if (!/^[a-z]\w*\.\w+$/.test(input.InstanceType ?? '')) throw new Refusal('InvalidParameterValue', `Invalid value '${input.InstanceType}' for InstanceType.`);
  if (input.KeyName !== undefined && !region.keyPairs.has(input.KeyName)) throw new Refusal('InvalidKeyPair.NotFound', `The key pair '${input.KeyName}' does not exist`);
  const network = input.NetworkInterfaces?.[0];
  if (network && (input.SubnetId !== undefined || input.SecurityGroupIds !== undefined)) throw new Refusal('InvalidParameterCombination', 'Network interfaces and an instance-level subnet ID may not be specified on the same request');
  const subnet = network?.SubnetId ?? input.SubnetId, groups = network?.Groups ?? input.SecurityGroupIds ?? ['sg-default'];
  if (subnet !== undefined && !subnetsOf(region.name).some(s => s.id === subnet)) throw new Refusal('InvalidSubnetID.NotFound', `The subnet ID '${subnet}' does not exist`);
  for (const group of groups) one(group, region.groups, 'InvalidGroup.NotFound', 'security group');
  const profile = input.IamInstanceProfile?.Name ?? input.IamInstanceProfile?.Arn;
  if (profile !== undefined && !world.profiles.has(profile)) throw new Refusal('InvalidParameterValue', `Value (${profile}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name`);
  if (world.exhausted.has(input.InstanceType!)) throw new Refusal('InsufficientInstanceCapacity', `We currently do not have sufficient ${input.InstanceType} capacity in the Availability Zone you requested.`, 500);
  const types = ['instance', 'volume', 'network-interface', 'spot-instances-request'], id = newId('i'), address = nextAddress();
  const wanted = new Map((image.image.BlockDeviceMappings ?? []).map(d => [d.DeviceName!, d] as const));
  for (const device of input.BlockDeviceMappings ?? []) {
    if (device.NoDevice !== undefined) wanted.delete(device.DeviceName!);
    else wanted.set(device.DeviceName!, { ...device, Ebs: { ...wanted.get(device.DeviceName!)?.Ebs, ...device.Ebs } });
  }
  const devices = [...wanted.values()].flatMap(device => {
    if (device.Ebs === undefined) return [];
    const volume = newId('vol'), size = device.Ebs.VolumeSize ?? region.snapshots.get(device.Ebs.SnapshotId ?? '')?.snapshot.VolumeSize ?? 8;
    region.volumes.set(volume, {
      life: [{ state: 'in-use' }], since: world.now(), attachedTo: id, deleteOnTermination: device.Ebs.DeleteOnTermination ?? true, device: device.DeviceName!,
      volume: { VolumeId: volume, Size: size, VolumeType: device.Ebs.VolumeType ?? 'gp2', Encrypted: device.Ebs.Encrypted ?? false, SnapshotId: device.Ebs.SnapshotId, KmsKeyId: device.Ebs.KmsKeyId, Iops: device.Ebs.Iops, Throughput: device.Ebs.Throughput, Tags: tagsFor(input.TagSpecifications, 'volume', types) },
    });
    return [{ name: device.DeviceName!, volume }];
  });
  const state: InstanceState = {
    life: world.lives.run, since: world.now(), devices, image: input.ImageId!, protectedFromTermination: input.DisableApiTermination ?? false,
    instance: {
      InstanceId: id, ImageId: input.ImageId, InstanceType: input.InstanceType, KeyName: input.KeyName, SubnetId: subnet, VpcId: vpcOf(region.name), PrivateIpAddress: address, PublicIpAddress: address,
      PublicDnsName: `${id}.example.test`, PrivateDnsName: `${id}.internal.test`, Architecture: 'x86_64', RootDeviceName: '/dev/xvda', LaunchTime: new Date(world.now()), EbsOptimized: input.EbsOptimized,
      SecurityGroups: groups.map(GroupId => ({ GroupId, GroupName: region.groups.get(GroupId)!.GroupName })), Tags: tagsFor(input.TagSpecifications, 'instance', types),
      MetadataOptions: { HttpTokens: input.MetadataOptions?.HttpTokens ?? 'optional', HttpEndpoint: input.MetadataOptions?.HttpEndpoint ?? 'enabled', HttpPutResponseHopLimit: input.MetadataOptions?.HttpPutResponseHopLimit, InstanceMetadataTags: input.MetadataOptions?.InstanceMetadataTags },
      ...(spot ? { InstanceLifecycle: 'spot' as const } : {}), Placement: { AvailabilityZone: input.Placement?.AvailabilityZone ?? `${region.name}a`, Tenancy: input.Placement?.Tenancy ?? 'default', HostId: input.Placement?.HostId, HostResourceGroupArn: input.Placement?.HostResourceGroupArn },
      EnclaveOptions: { Enabled: input.EnclaveOptions?.Enabled ?? false },
      IamInstanceProfile: profile === undefined ? undefined : { Arn: `arn:aws:iam::${account}:instance-profile/${profile}` },
    },
  };
  // Read, so that a test sees what was sent; nothing follows from them here.
  void [input.UserData, input.InstanceInitiatedShutdownBehavior, input.CreditSpecification?.CpuCredits, input.CapacityReservationSpecification, input.LicenseSpecifications, network?.AssociatePublicIpAddress, network?.DeleteOnTermination, network?.DeviceIndex, input.MinCount, input.MaxCount];
  region.instances.set(id, state);
  launched(id, region);
  return state;
}

function change(world: World, region: Region, ids: readonly string[] | undefined, life: ec2.InstanceStateName, phases: InstanceState['life'], from: readonly string[]): ec2.InstanceStateChange[] {
  return byIds(ids, region.instances, ...notFound).map(([id, state]) => {
    const before = world.phase(state).state;
    if (before !== 'terminated' && before !== life && !from.includes(before)) throw new Refusal('IncorrectInstanceState', `The instance '${id}' is not in a state from which it can be changed: ${before}.`);
    if (from.includes(before)) { state.life = phases; state.since = world.now(); void state.stopGuest?.(); delete state.stopGuest; }
    return { InstanceId: id, PreviousState: { Name: before as ec2.InstanceStateName }, CurrentState: { Name: world.phase(state).state as ec2.InstanceStateName } };
  });
}

/** As EC2 does it, with the RSA key that the instance was started with. */
function encrypted(text: string, publicKey: string): string {
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'), parts: Buffer[] = [];
  for (let at = 0; at < blob.length; at += 4 + blob.readUInt32BE(at)) parts.push(blob.subarray(at + 4, at + 4 + blob.readUInt32BE(at)));
  if (parts[0]?.toString() !== 'ssh-rsa') throw new Refusal('InvalidKeyPair.Format', 'Only an RSA key pair decrypts a password.');
  const key = createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: parts[1]!.toString('base64url'), n: parts[2]!.toString('base64url') } });
  return `\r\n${publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text)).toString('base64')}\r\n`;
}

export const instances = calls({
  RunInstances(input, here) {
    const { region, world } = here, known = region.tokens.get(input.ClientToken ?? '');
    if (known !== undefined) return { ReservationId: 'r-again', Instances: [describeInstance(world, region, known)] };
    const market = input.InstanceMarketOptions, spot = market?.MarketType === 'spot';
    if (spot && market.SpotOptions?.MaxPrice !== undefined && Number(market.SpotOptions.MaxPrice) < 0.001) throw new Refusal('SpotMaxPriceTooLow', `Your Spot request price of ${market.SpotOptions.MaxPrice} is lower than the minimum required Spot request fulfillment price of 0.001.`);
    void [market?.SpotOptions?.SpotInstanceType, market?.SpotOptions?.InstanceInterruptionBehavior];
    const { instance } = launch(input, here, spot);
    if (input.ClientToken !== undefined) region.tokens.set(input.ClientToken, instance.InstanceId!);
    return { ReservationId: newId('r'), OwnerId: account, Instances: [describeInstance(world, region, instance.InstanceId!)] };
  },
  DescribeInstances({ InstanceIds, Filters }, { world, region }) {
    const found = byIds(InstanceIds, region.instances, ...notFound).filter(([id, s]) => { const i = describeInstance(world, region, id); return fits(Filters, { 'image-id': i.ImageId, 'instance-state-name': world.phase(s).state, 'instance-id': id }, i.Tags); });
    return { Reservations: found.map(([id]) => ({ ReservationId: 'r-1', Instances: [describeInstance(world, region, id)] })) };
  },
  StopInstances({ InstanceIds }, { world, region }) {
    for (const id of InstanceIds ?? []) if (region.instances.get(id)?.instance.InstanceLifecycle === 'spot') throw new Refusal('UnsupportedOperation', `You can't stop the Spot Instance '${id}' because it is associated with a one-time Spot Instance request.`);
    return { StoppingInstances: change(world, region, InstanceIds, 'stopped', world.lives.stop, ['running', 'pending']) };
  },
  TerminateInstances({ InstanceIds }, { world, region }) {
    for (const id of InstanceIds ?? []) if (region.instances.get(id)?.protectedFromTermination) throw new Refusal('OperationNotPermitted', `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`);
    return { TerminatingInstances: change(world, region, InstanceIds, 'shutting-down', world.lives.terminate, ['pending', 'running', 'stopping', 'stopped']) };
  },
  ModifyInstanceAttribute({ InstanceId, EnaSupport, SriovNetSupport, DisableApiTermination }, { world, region }) {
    const state = one(InstanceId, region.instances, ...notFound);
    if ((EnaSupport !== undefined || SriovNetSupport !== undefined) && world.phase(state).state !== 'stopped') throw new Refusal('IncorrectInstanceState', `The instance '${InstanceId}' must be stopped.`);
    if (EnaSupport !== undefined) state.ena = EnaSupport.Value === true;
    if (SriovNetSupport?.Value !== undefined) state.sriov = SriovNetSupport.Value;
    if (DisableApiTermination?.Value !== undefined) state.protectedFromTermination = DisableApiTermination.Value;
    return {};
  },
  GetConsoleOutput({ InstanceId, Latest }, { region }) {
    one(InstanceId, region.instances, ...notFound);
    return { InstanceId, Output: Buffer.from(`[    0.000000] Linux version of the test (latest: ${Latest ?? false})\nCloud-init finished.\n`).toString('base64') };
  },
  GetPasswordData({ InstanceId }, { world, region }) {
    const state = one(InstanceId, region.instances, ...notFound), known = world.now() - state.since > 5_000;
    return { InstanceId, Timestamp: new Date(world.now()), PasswordData: world.windowsPassword === undefined || !known ? '' : encrypted(world.windowsPassword, region.keyPairs.get(state.instance.KeyName ?? '')?.publicKey ?? '') };
  },
  CreateLaunchTemplate({ LaunchTemplateName, LaunchTemplateData, TagSpecifications, ClientToken }, { region }) {
    const known = region.tokens.get(ClientToken ?? ''), data = copyOf(LaunchTemplateData!);
    if (known !== undefined) return { LaunchTemplate: region.templates.get(known)!.template };
    if ([...region.templates.values()].some(t => t.template.LaunchTemplateName === LaunchTemplateName)) throw new Refusal('InvalidLaunchTemplateName.AlreadyExistsException', 'Launch template name already in use.');
    const template = { LaunchTemplateId: newId('lt'), LaunchTemplateName, LatestVersionNumber: 1, DefaultVersionNumber: 1, Tags: tagsFor(TagSpecifications, 'launch-template', ['launch-template']) };
    region.templates.set(template.LaunchTemplateId, { template, data });
    if (ClientToken !== undefined) region.tokens.set(ClientToken, template.LaunchTemplateId);
    return { LaunchTemplate: template };
  },
  DescribeLaunchTemplates: ({ Filters }, { region }) => ({ LaunchTemplates: [...region.templates.values()].map(t => t.template).filter(t => fits(Filters, {}, t.Tags)) }),
  DescribeLaunchTemplateVersions: ({ Versions, Filters }, { region }) => {
    void [...Versions ?? []];
    const { CapacityReservationSpecification: _a, ...none } = {} as ec2.ResponseLaunchTemplateData;
    return { LaunchTemplateVersions: [...region.templates.values()].filter(t => fits(Filters, { 'image-id': t.data.ImageId }, [])).map(t => ({ LaunchTemplateId: t.template.LaunchTemplateId, VersionNumber: 1, LaunchTemplateData: { ...none, ImageId: t.data.ImageId } })) };
  },
  DeleteLaunchTemplate({ LaunchTemplateId }, { region }) {
    const { template } = one(LaunchTemplateId, region.templates, 'InvalidLaunchTemplateId.NotFound', 'launch template');
    region.templates.delete(LaunchTemplateId!);
    return { LaunchTemplate: template };
  },
  CreateFleet(input, here) {
    const { region } = here, config = input.LaunchTemplateConfigs?.[0], known = region.tokens.get(input.ClientToken ?? '');
    if (known !== undefined) return { FleetId: 'fleet-again', Instances: [{ InstanceIds: [known], InstanceType: region.instances.get(known)!.instance.InstanceType }] };
    if (input.Type !== 'instant' || input.TargetCapacitySpecification?.TotalTargetCapacity !== 1 || input.TargetCapacitySpecification.DefaultTargetCapacityType !== 'spot') throw new Refusal('InvalidParameterValue', 'The test server makes instant fleets of one spot instance.');
    const { data } = one(config?.LaunchTemplateSpecification?.LaunchTemplateId, region.templates, 'InvalidLaunchTemplateId.NotFound', 'launch template');
    void [config?.LaunchTemplateSpecification?.Version, input.SpotOptions?.AllocationStrategy];
    tagsFor(input.TagSpecifications, 'fleet', ['fleet', 'instance', 'volume']);
    const errors: ec2.CreateFleetError[] = [];
    for (const override of [...config?.Overrides ?? []].sort((a, b) => (a.Priority ?? 0) - (b.Priority ?? 0))) {
      try {
        const { instance } = launch({ ...data as ec2.RunInstancesCommandInput, InstanceType: override.InstanceType, ...(override.SubnetId === undefined ? {} : { SubnetId: override.SubnetId }), MinCount: 1, MaxCount: 1 }, here, true);
        if (input.ClientToken !== undefined) region.tokens.set(input.ClientToken, instance.InstanceId!);
        void [override.MaxPrice, override.AvailabilityZone];
        return { FleetId: newId('fleet'), Instances: [{ InstanceIds: [instance.InstanceId!], InstanceType: override.InstanceType, Lifecycle: 'spot' }], Errors: errors };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        errors.push({ ErrorCode: error.code, ErrorMessage: error.message, LaunchTemplateAndOverrides: { Overrides: { InstanceType: override.InstanceType } } });
      }
    }
    return { FleetId: newId('fleet'), Instances: [], Errors: errors };
  },
  DescribeSpotInstanceRequests: () => ({ SpotInstanceRequests: [] }),
});
