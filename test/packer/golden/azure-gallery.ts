import { App, ImageBuild, Secret, text, types, Variable } from '../../../lib/index.js';
import { PackerAzureArmSource, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const group = new Variable(app, 'resource_group', { default: 'images' });
const clientId = new Variable(app, 'client_id', { type: types.string, description: 'Application that builds' });
const version = new Variable(app, 'version', { default: '1.0.0' });

new ImageBuild(app, 'web', {
  sources: [
    new PackerAzureArmSource({
      clientId, clientSecret: Secret.env('ARM_CLIENT_SECRET'), subscriptionId: 'a5b9f1c0-0000-4000-8000-000000000001', tenantId: 'a5b9f1c0-0000-4000-8000-000000000002',
      imagePublisher: 'Canonical', imageOffer: 'UbuntuServer', imageSku: '18.04-LTS', osType: 'Linux', location: 'westeurope', vmSize: 'Standard_DS2_v2',
      managedImageName: text`web-${version}`, managedImageResourceGroupName: group,
      sharedImageGalleryDestination: { subscription: 'a5b9f1c0-0000-4000-8000-000000000001', resourceGroup: group, galleryName: 'gallery', imageName: 'web', imageVersion: version, replicationRegions: ['westeurope', 'northeurope'] },
      azureTags: { dept: 'engineering', task: 'image' },
    }),
  ],
  provisioners: [
    new PackerShellProvisioner({ inline: ['apt-get update', 'apt-get upgrade -y', '/usr/sbin/waagent -force -deprovision+user && export HISTSIZE=0 && sync'], inlineShebang: '/bin/sh -x', executeCommand: "chmod +x {{ .Path }}; {{ .Vars }} sudo -E sh '{{ .Path }}'" }),
  ],
});

export const vars = { client_id: 'a5b9f1c0-0000-4000-8000-000000000003', arm_client_secret: 'b' };
