import type * as ec2 from '@aws-sdk/client-ec2';
import { byIds, calls, copyOf, fits, type Here, one, tagsFor } from './calls.js';
import { Refusal } from './front.js';
import { account, type ImageState, newId, type Region, type World } from './world.js';

const noImage = ['InvalidAMIID.NotFound', 'image id'] as const, noSnapshot = ['InvalidSnapshot.NotFound', 'snapshot'] as const, noVolume = ['InvalidVolume.NotFound', 'volume'] as const;

export function describeImage(world: World, state: ImageState): ec2.Image {
  const { state: name, reason } = world.phase(state);
  // As EC2 does: an image that is still being made names no snapshots.
  const mappings = name === 'available' ? state.image.BlockDeviceMappings : state.image.BlockDeviceMappings?.map(({ Ebs, ...d }) => (Ebs === undefined ? d : { ...d, Ebs: { ...Ebs, SnapshotId: undefined } }));
  return { ...state.image, BlockDeviceMappings: mappings, State: name as ec2.ImageState, ...(reason === undefined ? {} : { StateReason: { Code: 'Client.Test', Message: reason } }) };
}

/** Refuses a name that is taken or is no name. */
function checkName(region: Region, name: string | undefined): void {
  if (!/^[A-Za-z0-9()[\] ./\-'@_]{3,128}$/.test(name ?? '')) throw new Refusal('InvalidAMIName.Malformed', 'AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and some others.');
  const other = [...region.images.values()].find(i => i.image.Name === name && i.image.OwnerId === account);
  if (other) throw new Refusal('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI ${other.image.ImageId}`);
}

function addSnapshot({ world }: Here, region: Region, from: Partial<ec2.Snapshot>, tags: ec2.Tag[]): string {
  const id = newId('snap');
  region.snapshots.set(id, { life: world.lives.snapshot, since: world.now(), permissions: [], snapshot: { SnapshotId: id, OwnerId: account, StartTime: new Date(world.now()), Encrypted: false, ...from, Tags: tags } });
  return id;
}

function addImage(here: Here, region: Region, image: ec2.Image, life: ImageState['life']): string {
  const id = newId('ami');
  region.images.set(id, { life, since: here.world.now(), permissions: [], productCodes: [], image: { ImageId: id, OwnerId: account, CreationDate: here.world.date(), Public: false, Architecture: 'x86_64', VirtualizationType: 'hvm', RootDeviceType: 'ebs', ...image } });
  return id;
}

export const storage = calls({
  DescribeImages({ ImageIds, Owners, Filters, IncludeDeprecated }, { world, region }) {
    const found = byIds(ImageIds, region.images, ...noImage).map(([, s]) => describeImage(world, s)).filter(i => {
      if (Owners !== undefined && !Owners.some(o => o === i.OwnerId || (o === 'self' && i.OwnerId === account))) return false;
      if (IncludeDeprecated !== true && ImageIds === undefined && i.OwnerId !== account && i.DeprecationTime !== undefined && Date.parse(i.DeprecationTime) < world.now()) return false;
      return fits(Filters, { name: i.Name, state: i.State, 'root-device-type': i.RootDeviceType, 'virtualization-type': i.VirtualizationType, architecture: i.Architecture, 'owner-id': i.OwnerId, 'image-id': i.ImageId }, i.Tags);
    });
    return { Images: found };
  },
  async CreateImage(input, here) {
    const { world, region } = here, instance = one(input.InstanceId, region.instances, 'InvalidInstanceID.NotFound', 'instance ID'), state = world.phase(instance).state;
    if (state !== 'stopped' && state !== 'running') throw new Refusal('IncorrectState', `The instance '${input.InstanceId}' is ${state}.`);
    checkName(region, input.Name);
    const { NoReboot } = input;
    if (state === 'running' && !NoReboot) await here.rebooted(input.InstanceId!, region);
    const types = ['image', 'snapshot'], changes = new Map((input.BlockDeviceMappings ?? []).map(d => [d.DeviceName!, d] as const)), mappings: ec2.BlockDeviceMapping[] = [];
    for (const { name, volume } of instance.devices) {
      const change = changes.get(name), { volume: disk, deleteOnTermination } = region.volumes.get(volume)!;
      changes.delete(name);
      if (change?.NoDevice !== undefined) continue;
      const snapshot = addSnapshot(here, region, { VolumeId: volume, VolumeSize: disk.Size, Encrypted: disk.Encrypted ?? false, KmsKeyId: disk.KmsKeyId }, tagsFor(input.TagSpecifications, 'snapshot', types));
      mappings.push({ DeviceName: name, Ebs: { SnapshotId: snapshot, VolumeSize: disk.Size, VolumeType: disk.VolumeType, DeleteOnTermination: deleteOnTermination, Encrypted: disk.Encrypted ?? false, ...change?.Ebs } });
    }
    for (const more of changes.values()) if (more.NoDevice === undefined) mappings.push(copyOf(more));
    const id = addImage(here, region, {
      Name: input.Name, Description: input.Description, RootDeviceName: '/dev/xvda', EnaSupport: instance.ena ?? true, ...(instance.sriov === undefined ? {} : { SriovNetSupport: instance.sriov }), BlockDeviceMappings: mappings, SourceImageId: instance.image, SourceInstanceId: input.InstanceId,
      Tags: tagsFor(input.TagSpecifications, 'image', types),
    }, world.lives.image);
    if (instance.disk !== undefined) region.images.get(id)!.disk = instance.disk;
    return { ImageId: id };
  },
  RegisterImage(input, here) {
    const { world, region } = here, types = ['image', 'snapshot'];
    checkName(region, input.Name);
    if (!input.BlockDeviceMappings?.some(d => d.DeviceName === input.RootDeviceName)) throw new Refusal('InvalidBlockDeviceMapping', 'There is no mapping for the root device.');
    for (const { Ebs } of input.BlockDeviceMappings) if (Ebs?.SnapshotId !== undefined && world.phase(one(Ebs.SnapshotId, region.snapshots, ...noSnapshot)).state !== 'completed') throw new Refusal('InvalidSnapshot', `Snapshot is in invalid state - ${world.phase(region.snapshots.get(Ebs.SnapshotId)!).state}`);
    const id = addImage(here, region, {
      Name: input.Name, Description: input.Description, Architecture: input.Architecture, VirtualizationType: input.VirtualizationType as ec2.VirtualizationType, RootDeviceName: input.RootDeviceName, EnaSupport: input.EnaSupport, SriovNetSupport: input.SriovNetSupport,
      BootMode: input.BootMode as ec2.BootModeValues, TpmSupport: input.TpmSupport, ImdsSupport: input.ImdsSupport, BlockDeviceMappings: copyOf(input.BlockDeviceMappings), Tags: tagsFor(input.TagSpecifications, 'image', types),
    }, [{ state: 'available' }]);
    void input.UefiData;
    return { ImageId: id };
  },
  CopyImage(input, here) {
    const { world, region } = here, known = region.tokens.get(input.ClientToken ?? '');
    if (known !== undefined) { copyOf(input); return { ImageId: known }; }
    const source = world.region(input.SourceRegion!), from = source.images.get(input.SourceImageId!);
    if (from === undefined) throw new Refusal('InvalidAMIID.NotFound', `The image id '[${input.SourceImageId}]' does not exist`);
    if (world.phase(from).state !== 'available') throw new Refusal('InvalidAMIID.Unavailable', `The image ${input.SourceImageId} is not available.`);
    if (input.KmsKeyId !== undefined && input.Encrypted !== true) throw new Refusal('InvalidParameterDependency', 'The parameter KmsKeyId requires the parameter Encrypted to be set.');
    checkName(region, input.Name);
    const types = ['image', 'snapshot'];
    const mappings = (from.image.BlockDeviceMappings ?? []).map(device => {
      if (device.Ebs?.SnapshotId === undefined) return copyOf(device);
      const old = source.snapshots.get(device.Ebs.SnapshotId)!, encrypted = input.Encrypted ?? old.snapshot.Encrypted ?? false;
      const snapshot = addSnapshot(here, region, { VolumeSize: old.snapshot.VolumeSize, Encrypted: encrypted, ...(encrypted ? { KmsKeyId: input.KmsKeyId ?? 'alias/aws/ebs' } : {}) }, tagsFor(input.TagSpecifications, 'snapshot', types));
      return { ...device, Ebs: { ...device.Ebs, SnapshotId: snapshot, Encrypted: encrypted } };
    });
    void input.SnapshotCopyCompletionDurationMinutes;
    const { ImageId: _id, Tags: _tags, Description: _d, Name: _n, CreationDate: _c, OwnerId: _o, Public: _p, ...rest } = from.image;
    const id = addImage(here, region, { ...rest, Name: input.Name, Description: input.Description, BlockDeviceMappings: mappings, SourceImageId: input.SourceImageId, SourceImageRegion: input.SourceRegion, Tags: tagsFor(input.TagSpecifications, 'image', types) }, world.lives.copy[region.name] ?? world.lives.image);
    if (input.ClientToken !== undefined) region.tokens.set(input.ClientToken, id);
    return { ImageId: id };
  },
  DeregisterImage({ ImageId, DeleteAssociatedSnapshots }, { region }) {
    const { image } = one(ImageId, region.images, ...noImage);
    if (image.OwnerId !== account) throw new Refusal('AuthFailure', 'Not authorized for images.');
    if (image.DeregistrationProtection?.startsWith('enabled')) throw new Refusal('OperationNotPermitted', `The image ${ImageId} is protected against deregistration.`);
    region.images.delete(ImageId!);
    if (DeleteAssociatedSnapshots) for (const d of image.BlockDeviceMappings ?? []) region.snapshots.delete(d.Ebs?.SnapshotId ?? '');
    return {};
  },
  ModifyImageAttribute({ ImageId, LaunchPermission, ImdsSupport, Attribute, OperationType, ProductCodes }, { region }) {
    const state = one(ImageId, region.images, ...noImage);
    state.permissions.push(...(LaunchPermission?.Add ?? []).map(p => ({ ...p })));
    if (ImdsSupport?.Value !== undefined) state.image.ImdsSupport = ImdsSupport.Value as 'v2.0';
    if (Attribute === 'productCodes' && OperationType === 'add') state.productCodes.push(...ProductCodes ?? []);
    return {};
  },
  EnableImageDeprecation({ ImageId, DeprecateAt }, { world, region }) {
    const state = one(ImageId, region.images, ...noImage);
    if (DeprecateAt!.getTime() < world.now()) throw new Refusal('InvalidParameterValue', 'The deprecation date must be in the future.');
    state.image.DeprecationTime = DeprecateAt!.toISOString();
    return { Return: true };
  },
  EnableImageDeregistrationProtection({ ImageId, WithCooldown }, { region }) {
    const state = one(ImageId, region.images, ...noImage);
    state.image.DeregistrationProtection = WithCooldown ? 'enabled-with-cooldown' : 'enabled-without-cooldown';
    return { Return: state.image.DeregistrationProtection };
  },
  DisableImageDeregistrationProtection({ ImageId }, { region }) {
    one(ImageId, region.images, ...noImage).image.DeregistrationProtection = 'disabled';
    return { Return: 'disabled' };
  },
  EnableFastLaunch({ ImageId, ResourceType, SnapshotConfiguration, LaunchTemplate, MaxParallelLaunches }, { world, region }) {
    one(ImageId, region.images, ...noImage);
    region.fastLaunch.set(ImageId!, { enabled: world.now() + 60_000, settings: copyOf({ ResourceType, SnapshotConfiguration, LaunchTemplate, MaxParallelLaunches }) });
    return { ImageId, State: 'enabling' };
  },
  DescribeFastLaunchImages: ({ ImageIds }, { world, region }) => ({
    FastLaunchImages: byIds(ImageIds, region.fastLaunch, ...noImage).map(([ImageId, f]) => ({ ImageId, State: f.enabled < world.now() ? 'enabled' as const : 'enabling' as const })),
  }),
  CreateSnapshot({ VolumeId, Description, TagSpecifications }, here) {
    const { volume } = one(VolumeId, here.region.volumes, ...noVolume);
    const id = addSnapshot(here, here.region, { VolumeId, Description, VolumeSize: volume.Size, Encrypted: volume.Encrypted ?? false, KmsKeyId: volume.KmsKeyId }, tagsFor(TagSpecifications, 'snapshot', ['snapshot']));
    return { ...here.region.snapshots.get(id)!.snapshot, State: 'pending' };
  },
  DescribeSnapshots({ SnapshotIds, OwnerIds, Filters }, { world, region }) {
    const found = byIds(SnapshotIds, region.snapshots, ...noSnapshot).filter(([, s]) => (OwnerIds === undefined || OwnerIds.some(o => o === s.snapshot.OwnerId || (o === 'self' && s.snapshot.OwnerId === account))) && fits(Filters, { 'volume-id': s.snapshot.VolumeId, status: world.phase(s).state }, s.snapshot.Tags));
    return { Snapshots: found.map(([, s]) => { const { state, reason } = world.phase(s); return { ...s.snapshot, State: state as ec2.SnapshotState, Progress: state === 'completed' ? '100%' : '42%', ...(reason === undefined ? {} : { StateMessage: reason }) }; }) };
  },
  DeleteSnapshot({ SnapshotId }, { region }) {
    one(SnapshotId, region.snapshots, ...noSnapshot);
    const user = [...region.images.values()].find(i => i.image.BlockDeviceMappings?.some(d => d.Ebs?.SnapshotId === SnapshotId));
    if (user) throw new Refusal('InvalidSnapshot.InUse', `The snapshot ${SnapshotId} is currently in use by ${user.image.ImageId}`);
    region.snapshots.delete(SnapshotId!);
    return {};
  },
  ModifySnapshotAttribute({ SnapshotId, Attribute, CreateVolumePermission }, { region }) {
    if (Attribute !== 'createVolumePermission') throw new Refusal('InvalidParameterValue', `Attribute ${Attribute}`);
    one(SnapshotId, region.snapshots, ...noSnapshot).permissions.push(...(CreateVolumePermission?.Add ?? []).map(p => ({ ...p })));
    return {};
  },
  DescribeVolumes({ VolumeIds, Filters }, { world, region }) {
    const found = byIds(VolumeIds, region.volumes, ...noVolume).filter(([id, v]) => world.volumeThere(region, id) && fits(Filters, { 'attachment.instance-id': v.attachedTo, status: world.phase(v).state }, v.volume.Tags));
    return { Volumes: found.map(([VolumeId, v]) => ({ ...v.volume, VolumeId, State: (v.attachedTo === undefined ? 'available' : 'in-use') as ec2.VolumeState, Attachments: v.attachedTo === undefined ? [] : [{ InstanceId: v.attachedTo, Device: v.device, State: 'attached', DeleteOnTermination: v.deleteOnTermination }] })) };
  },
  DetachVolume({ VolumeId, InstanceId }, { world, region }) {
    const volume = one(VolumeId, region.volumes, ...noVolume), instance = one(InstanceId, region.instances, 'InvalidInstanceID.NotFound', 'instance ID');
    if (volume.attachedTo !== InstanceId) throw new Refusal('IncorrectState', `Volume '${VolumeId}' is in the 'available' state.`);
    if (volume.device === instance.instance.RootDeviceName && world.phase(instance).state !== 'stopped') throw new Refusal('OperationNotPermitted', 'Unable to detach root volume');
    delete volume.attachedTo;
    instance.devices.splice(instance.devices.findIndex(d => d.volume === VolumeId), 1);
    return { VolumeId, InstanceId, State: 'detaching' };
  },
  AttachVolume({ VolumeId, InstanceId, Device }, { region }) {
    const volume = one(VolumeId, region.volumes, ...noVolume), instance = one(InstanceId, region.instances, 'InvalidInstanceID.NotFound', 'instance ID');
    if (volume.attachedTo !== undefined) throw new Refusal('VolumeInUse', `${VolumeId} is already attached to an instance`);
    if (instance.devices.some(d => d.name === Device)) throw new Refusal('InvalidParameterValue', `Invalid value '${Device}' for unixDevice. Attachment point ${Device} is already in use`);
    // As EC2 does: what is attached later does not go with the instance.
    Object.assign(volume, { attachedTo: InstanceId, device: Device, deleteOnTermination: false });
    instance.devices.unshift({ name: Device!, volume: VolumeId! });
    return { VolumeId, InstanceId, Device, State: 'attaching' };
  },
  DeleteVolume({ VolumeId }, { world, region }) {
    const volume = one(VolumeId, region.volumes, ...noVolume);
    if (!world.volumeThere(region, VolumeId!)) throw new Refusal('InvalidVolume.NotFound', `The volume '${VolumeId}' does not exist.`);
    if (volume.attachedTo !== undefined) throw new Refusal('VolumeInUse', `Volume ${VolumeId} is currently attached to ${volume.attachedTo}`);
    region.volumes.delete(VolumeId!);
    return {};
  },
  ImportImage(input, here) {
    const { world, region } = here, id = newId('import-ami');
    region.importTasks.set(id, { life: world.lives.importTask, since: world.now(), task: { ImportTaskId: id, Description: input.Description, Tags: tagsFor(input.TagSpecifications, 'import-image-task', ['import-image-task', 'image']), SnapshotDetails: (input.DiskContainers ?? []).map(d => ({ Format: d.Format, UserBucket: { S3Bucket: d.UserBucket?.S3Bucket, S3Key: d.UserBucket?.S3Key } })), Architecture: input.Architecture, Platform: input.Platform, LicenseType: input.LicenseType, Encrypted: input.Encrypted, KmsKeyId: input.KmsKeyId } });
    void [input.RoleName, input.BootMode, input.ClientToken];
    return { ImportTaskId: id, Status: 'active', Progress: '1' };
  },
  DescribeImportImageTasks({ ImportTaskIds, Filters }, here) {
    const { world, region } = here;
    return { ImportImageTasks: byIds(ImportTaskIds, region.importTasks, 'InvalidConversionTaskId.Malformed', 'import task').filter(([, t]) => fits(Filters, {}, t.task.Tags)).map(([, t]) => {
      const { state, reason } = world.phase(t);
      if (state === 'completed' && t.image === undefined) {
        const snapshot = addSnapshot(here, region, { VolumeSize: 8, Encrypted: t.task.Encrypted ?? false, Description: 'imported' }, []);
        t.image = addImage(here, region, { Name: t.task.ImportTaskId, RootDeviceName: '/dev/sda1', Architecture: 'x86_64', BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: snapshot, VolumeSize: 8 } }], Tags: [] }, [{ state: 'available' }]);
      }
      return { ...t.task, Status: state, StatusMessage: reason, Progress: '42', ...(t.image === undefined ? {} : { ImageId: t.image }) };
    }) };
  },
  CancelImportTask({ ImportTaskId }, { world, region }) {
    const task = one(ImportTaskId, region.importTasks, 'InvalidConversionTaskId.Malformed', 'import task');
    if (world.phase(task).state === 'active') { task.life = [{ state: 'deleted' }]; task.since = world.now(); }
    return { ImportTaskId, State: 'deleted', PreviousState: 'active' };
  },
});
