/** The driver of AmazonEbsSource; what it shares with the other components of Amazon lies in runtime/aws. */
import type { BlockDeviceMapping } from '@aws-sdk/client-ec2';
import type { amazonEbs } from '../../constructs/sources/amazon-ebs.js';
import type { Resolved } from '../../kinds.js';
import { imageBuilder } from '../aws/image-builder.js';
import { description } from '../aws/images.js';
import { blockDevice, defined } from '../aws/instance.js';
import { make } from '../aws/making.js';
import type { SourceDriver } from '../driver.js';

type Props = Resolved<typeof amazonEbs>;

export default imageBuilder<Props>('source/amazon-ebs', (host, props, plan, maker, state) => (name, until, tags) => make<string>(maker, 'image', { name, until }, async (_tags, mark) => {
  const { ImageId } = await maker.session.ec2('CreateImage', defined({
    InstanceId: host.id, Name: name, Description: description(plan), NoReboot: state === 'stopped' ? true : undefined, TagSpecifications: tags(mark), BlockDeviceMappings: devices(props),
  }), { once: true });
  return { id: ImageId!, value: ImageId! };
})) satisfies SourceDriver<typeof amazonEbs>;

/** Disks of the image that differ from the instance's. Letters b to z are where instance stores would be. */
function devices(props: Props): BlockDeviceMapping[] | undefined {
  const own = (props.amiBlockDeviceMappings ?? []).map(blockDevice);
  const stores = props.noEphemeral ? Array.from({ length: 25 }, (_, i) => ({ DeviceName: `/dev/sd${String.fromCharCode(98 + i)}`, NoDevice: '' })).filter(d => !own.some(o => o.DeviceName === d.DeviceName)) : [];
  return own.length + stores.length === 0 ? undefined : [...own, ...stores];
}
