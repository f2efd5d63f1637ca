/** The driver of AmazonEbsSurrogateSource; what it shares with the other components of Amazon lies in runtime/aws. */
import type { BlockDeviceMapping } from '@aws-sdk/client-ec2';
import type { amazonEbsSurrogate } from '../../constructs/sources/amazon-ebssurrogate.js';
import type { Resolved } from '../../kinds.js';
import { imageBuilder } from '../aws/image-builder.js';
import { description } from '../aws/images.js';
import { blockDevice, defined } from '../aws/instance.js';
import { make } from '../aws/making.js';
import { tagsOf } from '../aws/marks.js';
import { makeSnapshot, volumeAt } from '../aws/snapshots.js';
import { swapRoot } from '../aws/swap-root.js';
import type { SourceDriver } from '../driver.js';

type Props = Resolved<typeof amazonEbsSurrogate>;

export default imageBuilder<Props>('source/amazon-ebssurrogate', (host, props, plan, maker) => async (name, until, tags) => {
  if (props.useCreateImage) {
    const root = await swapRoot(maker, host.instance, props.amiRootDevice.sourceDeviceName);
    return make<string>(maker, 'image', { name, until }, async (_tags, mark) => {
      const { ImageId } = await maker.session.ec2('CreateImage', defined({ InstanceId: host.id, Name: name, Description: description(plan), NoReboot: true, TagSpecifications: tags(mark), BlockDeviceMappings: changes(props, root) }), { once: true });
      return { id: ImageId!, value: ImageId! };
    });
  }
  const kept = props.launchBlockDeviceMappings.filter(d => !d.omitFromArtifact && d.noDevice !== true && d.virtualName === undefined);
  const ofSnapshot = (mark: string): { readonly [key: string]: string } => tagsOf(tags(mark).find(t => t.ResourceType === 'snapshot')?.Tags);
  const snapshots = await Promise.all(kept.map(async d => ({ device: d.deviceName, made: await makeSnapshot(maker, volumeAt(host.instance, d.deviceName), { until, description: props.snapshotDescription, tags: ofSnapshot }) })));
  // A lost answer must not cost the snapshots: they are the image's only when it is kept, or goes for good.
  const image = await make<string>(maker, 'image', { name, until, keepSnapshots: true }, async (_tags, mark) => {
    const { ImageId } = await maker.session.ec2('RegisterImage', defined({
      Name: name, Description: description(plan), Architecture: props.amiArchitecture, VirtualizationType: props.amiVirtualizationType, RootDeviceName: props.amiRootDevice.deviceName,
      BlockDeviceMappings: devices(props, new Map(snapshots.map(s => [s.device, s.made.id]))), EnaSupport: props.enaSupport ?? true, SriovNetSupport: props.sriovSupport ? 'simple' : undefined,
      BootMode: props.bootMode, UefiData: props.uefiData, TpmSupport: props.tpmSupport, TagSpecifications: tags(mark).filter(t => t.ResourceType === 'image'),
    }), { once: true });
    return { id: ImageId!, value: ImageId! };
  });
  return {
    ...image,
    keep: async () => { for (const { made } of snapshots) await made.keep(); await image.keep(); },
    remove: async () => { await image.remove(); for (const { made } of snapshots) await made.remove(); },
  };
}) satisfies SourceDriver<typeof amazonEbsSurrogate>;

/** What the image has otherwise than its instance: settings of the root, disks that stay behind, and what amiBlockDeviceMappings says. */
function changes({ amiRootDevice, launchBlockDeviceMappings, amiBlockDeviceMappings }: Props, rootName: string): BlockDeviceMapping[] {
  const root: BlockDeviceMapping = { DeviceName: rootName, Ebs: { ...rootSettings(amiRootDevice), DeleteOnTermination: amiRootDevice.deleteOnTermination ?? true } };
  const behind = launchBlockDeviceMappings.filter(d => d.omitFromArtifact).map(d => ({ DeviceName: d.deviceName, NoDevice: '' }));
  return [...new Map([root, ...behind, ...(amiBlockDeviceMappings ?? []).map(blockDevice)].map(d => [d.DeviceName!, d])).values()];
}
const rootSettings = (root: Props['amiRootDevice']): NonNullable<BlockDeviceMapping['Ebs']> => defined({
  VolumeSize: root.volumeSize === undefined ? undefined : Math.ceil(root.volumeSize.$size / 1024 ** 3), VolumeType: root.volumeType as never, Iops: root.iops, DeleteOnTermination: root.deleteOnTermination,
});

/** The root, the other disks that were filled, and what amiBlockDeviceMappings changes or adds. */
function devices(props: Props, snapshots: ReadonlyMap<string, string>): BlockDeviceMapping[] {
  const root = props.amiRootDevice, all = new Map<string, BlockDeviceMapping>();
  for (const launched of props.launchBlockDeviceMappings) {
    const SnapshotId = snapshots.get(launched.deviceName);
    if (SnapshotId === undefined) continue;
    const isRoot = launched.deviceName === root.sourceDeviceName, { Encrypted: _encrypted, KmsKeyId: _key, ...ebs } = blockDevice(launched).Ebs ?? {};
    const name = isRoot ? root.deviceName : launched.deviceName;
    all.set(name, {
      DeviceName: name,
      // An image says nothing of the encryption of a snapshot: that is as it is.
      Ebs: { ...ebs, SnapshotId, ...(isRoot ? rootSettings(root) : {}) },
    });
  }
  for (const more of (props.amiBlockDeviceMappings ?? []).map(blockDevice)) {
    if (more.NoDevice !== undefined) all.delete(more.DeviceName!);
    else all.set(more.DeviceName!, { ...more, ...(more.Ebs === undefined ? {} : { Ebs: { ...all.get(more.DeviceName!)?.Ebs, ...more.Ebs } }) });
  }
  return [...all.values()];
}
