import { expect, test } from 'vitest';
import { AmazonEbsSource, type AmazonEbsSourceProps, AmazonEbsSurrogateSource, App, ImageBuild, Size } from '../../../lib/index.js';
import { trySynth } from '../../../lib/synth/synth.js';

const props: AmazonEbsSourceProps = { region: 'eu-central-1', instanceType: 't3.small', sourceAmi: 'ami-1', amiName: 'web', ssh: { username: 'admin' } };
const problemsOf = (source: AmazonEbsSource | AmazonEbsSurrogateSource): string[] => {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [source] });
  return trySynth(app).problems.filter(p => p.severity === 'error').map(p => p.message);
};
const ebs = (more: Partial<AmazonEbsSourceProps>): string[] => problemsOf(new AmazonEbsSource({ ...props, ...more, name: 'amazon-ebs' }));

test('what EC2 would refuse after hours is a problem at once', () => {
  expect(ebs({ deprecateAt: 'next spring' })).toEqual([expect.stringContaining('must be a date and time in RFC 3339')]);
  expect(ebs({ deprecateAt: '2027-01-31T00:00:00Z' })).toEqual([]);
  expect(ebs({ encryptBoot: true, amiUsers: ['444455556666'] })).toEqual([expect.stringContaining('which no other account can use: name a key of yours in kmsKeyId')]);
  expect(ebs({ encryptBoot: true, kmsKeyId: 'alias/web', amiRegions: ['us-east-1'], snapshotUsers: ['444455556666'] })).toEqual([expect.stringContaining('in regionKmsKeyIds')]);
  expect(ebs({ encryptBoot: true, kmsKeyId: 'alias/web', amiGroups: ['all'] })).toEqual([expect.stringContaining('cannot be made public')]);
  expect(ebs({ encryptBoot: true, kmsKeyId: 'alias/web', amiRegions: ['us-east-1'], regionKmsKeyIds: { 'us-east-1': 'alias/web' }, amiUsers: ['444455556666'] })).toEqual([]);
  expect(ebs({ amiRegions: ['us-east-1'], regionKmsKeyIds: { 'eu-central-1': 'alias/web' } })).toEqual([expect.stringContaining("'eu-central-1' in regionKmsKeyIds, which is not among amiRegions (the key of the region that is built in is kmsKeyId)")]);
});

test('an image of the whole instance takes over its firmware, and needs an instance that can be stopped', () => {
  const surrogate = (more: object): string[] => problemsOf(new AmazonEbsSurrogateSource({
    ...props, name: 'amazon-ebssurrogate', launchBlockDeviceMappings: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(1) }], amiRootDevice: { sourceDeviceName: '/dev/xvdf', deviceName: '/dev/xvda' }, useCreateImage: true, ...more,
  }));
  expect(surrogate({})).toEqual([]);
  expect(surrogate({ bootMode: 'uefi', spotPrice: 'auto' })).toEqual([expect.stringContaining('does not go with bootMode'), expect.stringContaining('does not go with spotPrice')]);
});
