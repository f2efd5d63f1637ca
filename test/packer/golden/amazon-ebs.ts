import { App, ImageBuild, isotime, local, Secret, text, Variable } from '../../../lib/index.js';
import { PackerAmazonEbsSource, PackerFileProvisioner, PackerManifestPostProcessor, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const region = new Variable(app, 'region', { default: 'eu-central-1' });
const release = new Variable(app, 'release', { default: 'dev', description: 'What goes into the image\'s name and tags' });
const name = local(app, 'name', text`web-${release}-${isotime('20060102-1504')}`);

new ImageBuild(app, 'web', {
  sources: [
    new PackerAmazonEbsSource({
      region, instanceType: 't3.small', sshUsername: 'ubuntu', amiName: name, amiDescription: text`Web server, release ${release}`, amiRegions: ['eu-west-1'],
      accessKey: Secret.env('AWS_ACCESS_KEY_ID'), secretKey: Secret.env('AWS_SECRET_ACCESS_KEY'),
      sourceAmiFilter: { filters: { name: 'ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-*', 'root-device-type': 'ebs', 'virtualization-type': 'hvm' }, owners: ['099720109477'], mostRecent: true },
      launchBlockDeviceMappings: [{ deviceName: '/dev/sda1', volumeSize: 20, volumeType: 'gp2', deleteOnTermination: true }, { deviceName: '/dev/sdb', volumeSize: 100, volumeType: 'st1', deleteOnTermination: true }],
      vpcFilter: { filters: { 'tag:Class': 'build', isDefault: 'false' } }, subnetFilter: { filters: { 'tag:Class': 'build' }, mostFree: true }, associatePublicIpAddress: true,
      tags: { Name: name, Release: release, BaseAmi: '{{ .SourceAMI }}', 'cost:centre': '4711' }, runTags: { Name: text`building ${name}` }, encryptBoot: false,
      temporaryIamInstanceProfilePolicyDocument: { version: '2012-10-17', statement: [{ action: ['s3:GetObject'], effect: 'Allow', resource: ['arn:aws:s3:::releases/*'] }] },
    }),
  ],
  provisioners: [
    new PackerFileProvisioner({ source: 'site', destination: '/tmp/site' }),
    new PackerShellProvisioner({ inline: ['sudo apt-get update', 'sudo apt-get install -y nginx', 'sudo mv /tmp/site /srv/www'], environmentVars: [text`RELEASE=${release}`], maxRetries: 3 }),
  ],
  postProcessors: [new PackerManifestPostProcessor({ output: 'manifest.json', stripPath: true, customData: { release } })],
});

export const files = { 'site/index.html': '' };
export const vars = { aws_access_key_id: 'a', aws_secret_access_key: 'b' };
/** Validation of credentials asks Amazon. */
export const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
