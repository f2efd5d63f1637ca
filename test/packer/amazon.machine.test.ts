/** The Amazon components of ours, exported, and judged by Packer. */
import { expect, test } from 'vitest';
import {
  AmazonAmiData, AmazonEbsSource, AmazonEbsSurrogateSource, AmazonEbsVolumeSource, AmazonImportPostProcessor, App, Duration, ImageBuild, Secret, ShellProvisioner, Size, sourceImage, text, timestamp, Variable,
} from '../../lib/index.js';
import { toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { requires } from '../support/machine.js';
import since from './newer-than-1.6.6.json' with { type: 'json' };
import { complaints, inFolder, packer } from '../support/packer.js';

function program(): App {
  const app = new App(), version = new Variable(app, 'version', { default: '1.0.0' });
  const common = {
    region: 'eu-central-1', instanceType: 't3.small', ssh: { username: 'admin', timeout: Duration.minutes(10) }, sourceAmiFilter: { owners: ['136693071363'], filters: { name: 'debian-12-*' }, mostRecent: true },
    subnetFilter: { filters: { 'tag:Tier': 'build' }, random: true }, runTags: { Team: 'images' }, userData: '#cloud-config\n', accessKey: Secret.env('KEY_ID'), secretKey: Secret.env('KEY'), assumeRole: { roleArn: 'arn:aws:iam::1:role/Builder' },
    polling: { delay: Duration.seconds(5), maxAttempts: 100 }, temporaryIamInstanceProfilePolicyDocument: { statement: [{ action: ['s3:GetObject'], resource: ['*'] }] },
  };
  const image = { amiName: text`web-${version}-${timestamp()}`, amiRegions: ['us-east-1'], amiUsers: ['111122223333'], tags: { Base: sourceImage.name }, encryptBoot: true, kmsKeyId: 'alias/images', regionKmsKeyIds: { 'us-east-1': 'alias/images' }, forceDeregister: true };
  new ImageBuild(app, 'web', {
    sources: [
      new AmazonEbsSource({ ...common, ...image, launchBlockDeviceMappings: [{ deviceName: '/dev/xvda', volumeSize: Size.gib(20), volumeType: 'gp2' }], fallbackInstanceTypes: ['t2.small'], retention: { family: 'web' } }),
      new AmazonEbsSurrogateSource({ ...common, ...image, launchBlockDeviceMappings: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(10), volumeType: 'gp2' }], amiRootDevice: { sourceDeviceName: '/dev/xvdf', deviceName: '/dev/xvda', volumeSize: Size.gib(10), volumeType: 'gp2' } }),
      new AmazonEbsVolumeSource({ ...common, ebsVolumes: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(10), volumeType: 'gp2', tags: { Name: 'data' } }] }),
    ],
    provisioners: [new ShellProvisioner({ inline: ['true'] })],
    postProcessors: [new AmazonImportPostProcessor({ region: 'eu-central-1', s3BucketName: 'images', format: 'vmdk', amiName: 'imported', only: ['amazon-ebs'] })],
  });
  return app;
}

requires('packer')('an Amazon program', () => {
  test.each(['HCL', 'JSON'] as const)('%s: Packer knows every option of it, and takes their values', { timeout: 120_000 }, async format => {
    const { 'plugins.pkr.hcl': _plugins, ...files } = (format === 'HCL' ? toPackerHcl(program(), { split: true }) : toPackerJson(program())).files;
    await inFolder(files, async folder => {
      const { output } = await packer('packer', ['validate', format === 'HCL' ? '.' : Object.keys(files)[0]!], folder, { KEY_ID: 'AKIATEST', KEY: 'test', AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' });
      const newer = new Set(['builder/amazon-ebs', 'builder/amazon-ebssurrogate', 'builder/amazon-ebsvolume'].flatMap(name => (since.options as { readonly [component: string]: readonly string[] })[name] ?? []));
      expect(complaints(output).filter(c => !newer.has(c.replace('unknown: ', '')))).toEqual([]);
    });
  });

  test('a data source is exported as Packer\'s own', () => {
    const app = new App(), ami = new AmazonAmiData(app, 'debian', { region: 'eu-central-1', owners: ['136693071363'], filters: { name: 'debian-12-*' }, mostRecent: true });
    new ImageBuild(app, 'web', { sources: [new AmazonEbsSource({ region: 'eu-central-1', instanceType: 't3.small', sourceAmi: ami.outputs.id, amiName: 'web', ssh: { username: 'admin' } })] });
    const hcl = Object.values(toPackerHcl(app).files).join('\n');
    expect(hcl).toMatch(/data "amazon-ami" "debian" \{/);
    expect(hcl).toContain('data.amazon-ami.debian.id');
  });
});
