import { App, ImageBuild, Variable } from '../../../lib/index.js';
import { PackerChefClientProvisioner, PackerChefSoloProvisioner, PackerHypervIsoSource, PackerOpenstackSource } from '../../../lib/packer/index.js';

export const app = new App();
const environment = new Variable(app, 'environment', { default: 'staging' });

new ImageBuild(app, 'database', {
  sources: [
    new PackerOpenstackSource({ sourceImageName: 'CentOS-8', flavor: 'm1.small', imageName: 'database', sshUsername: 'centos', identityEndpoint: 'https://keystone.example/v3', username: 'build', password: 'build', tenantName: 'build', domainName: 'Default', networks: ['6ff8f4f5-0000-4000-8000-000000000001'] }),
    new PackerHypervIsoSource({ isoUrl: 'https://software.example/centos.iso', isoChecksum: 'none', sshUsername: 'root', sshPassword: 'root', switchName: 'build', generation: 2, enableSecureBoot: false }),
  ],
  provisioners: [
    new PackerChefSoloProvisioner({ cookbookPaths: ['cookbooks'], runList: ['recipe[base]', 'recipe[postgresql::server]'], chefLicense: 'accept', only: ['openstack'] }),
    new PackerChefClientProvisioner({ serverUrl: 'https://chef.example/organizations/build', nodeName: 'packer-{{ uuid }}', chefEnvironment: environment, runList: ['role[database]'], validationClientName: 'build-validator', validationKeyPath: 'validator.pem', only: ['hyperv-iso'] }),
  ],
});

export const files = { 'cookbooks/base/metadata.rb': '', 'validator.pem': '' };
export const asksNetwork = true;
