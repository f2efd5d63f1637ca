/** What the builders, post-processors and data sources for Amazon refuse to start without. */
import { atMostOne, exactlyOne, must, type Rule } from '../../rules.js';
import { loginUser, required, type RuleTable } from './required.js';

const instance: readonly Rule[] = [
  exactlyOne('sourceAmi', 'sourceAmiFilter'), exactlyOne('instanceType', 'spotInstanceTypes'), atMostOne('userData', 'userDataFile'), loginUser,
  must(['sourceAmiFilter'], 'sourceAmiFilter names owners or filters', (isSet, valueOf) => {
    const filter = valueOf('sourceAmiFilter') as { readonly owners?: unknown; readonly filters?: unknown } | undefined;
    return isSet('sourceAmiFilter') && typeof filter === 'object' && filter?.owners === undefined ? 'has a sourceAmiFilter without owners, which would take an image of anybody' : undefined;
  }),
];

export const amazonRules: RuleTable = {
  'source/amazon-ebs': [...required('amiName'), ...instance],
  'source/amazon-ebssurrogate': [...required('amiName', 'amiRootDevice', 'launchBlockDeviceMappings'), ...instance],
  'source/amazon-ebsvolume': instance,
  'source/amazon-instance': [...required('amiName', 'accountId', 's3Bucket', 'x509CertPath', 'x509KeyPath'), ...instance],
  'source/amazon-chroot': [
    ...required('amiName'),
    must(['fromScratch', 'sourceAmi', 'sourceAmiFilter'], 'sourceAmi or sourceAmiFilter, unless fromScratch', (isSet, valueOf) =>
      valueOf('fromScratch') === true || isSet('sourceAmi') || isSet('sourceAmiFilter') ? undefined : 'needs sourceAmi or sourceAmiFilter, as it is not fromScratch'),
    must<string>(['fromScratch', 'rootVolumeSize', 'amiVirtualizationType', 'preMountCommands', 'rootDeviceName', 'amiBlockDeviceMappings'], 'fromScratch needs a root volume and what goes on it', (isSet, valueOf) => {
      const missing = ['rootVolumeSize', 'amiVirtualizationType', 'preMountCommands', 'rootDeviceName', 'amiBlockDeviceMappings'].filter(f => !isSet(f));
      return valueOf('fromScratch') === true && missing.length > 0 ? `is fromScratch, which needs ${missing.join(', ')} too` : undefined;
    }),
  ],
  'post-processor/amazon-import': required('s3BucketName'),
  'data/amazon-ami': required('filters'),
  'data/amazon-parameterstore': required('name'),
  'data/amazon-secretsmanager': required('name'),
};
