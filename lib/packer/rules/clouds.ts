/** What the components for Azure, Google Cloud, DigitalOcean, OpenStack and HCP refuse to start without. */
import { atLeastOne, exactlyOne, must, needs, type Rule } from '../../rules.js';
import { loginUser, required, type RuleTable } from './required.js';

const azureImage: Rule = must(['imagePublisher', 'imageOffer', 'imageSku', 'imageUrl', 'customManagedImageName', 'sharedImageGallery'], 'one kind of image to start from', isSet => {
  const ways = [isSet('imagePublisher') || isSet('imageOffer') || isSet('imageSku'), isSet('imageUrl'), isSet('customManagedImageName'), isSet('sharedImageGallery')].filter(Boolean).length;
  if (ways === 1) return undefined;
  return `${ways === 0 ? 'needs' : 'takes only'} one of: imagePublisher with imageOffer and imageSku, imageUrl, customManagedImageName, sharedImageGallery`;
});

export const cloudRules: RuleTable = {
  'source/azure-arm': [
    azureImage, needs('imagePublisher', 'imageOffer', 'imageSku'), needs('customManagedImageName', 'customManagedImageResourceGroupName'), needs('managedImageName', 'managedImageResourceGroupName'),
    atLeastOne('managedImageName', 'captureContainerName', 'sharedImageGalleryDestination'), needs('captureContainerName', 'captureNamePrefix', 'resourceGroupName', 'storageAccount'), ...required('osType'),
  ],
  'source/azure-chroot': required('source'),
  'source/azure-dtl': [...required('labName', 'labResourceGroupName', 'labVirtualNetworkName', 'osType'), azureImage],
  'provisioner/azure-dtlartifact': required('dtlArtifacts', 'labName', 'labResourceGroupName', 'vmName'),
  'data/azure-keyvaultsecret': required('vaultName', 'secretName'),
  'source/digitalocean': [...required('image', 'region', 'size'), loginUser],
  'post-processor/digitalocean-import': required('imageName', 'imageRegions', 'spaceName', 'spacesRegion'),
  'data/digitalocean-image': [exactlyOne('name', 'nameRegex')],
  'source/googlecompute': [...required('projectId', 'zone'), atLeastOne('sourceImage', 'sourceImageFamily'), loginUser],
  'post-processor/googlecompute-export': required('paths'),
  'post-processor/googlecompute-import': required('bucket', 'imageName', 'projectId'),
  'data/googlecompute-secretsmanager': required('name'),
  'data/googlecompute-parametermanager': required('name', 'version'),
  'source/openstack': [...required('flavor', 'imageName'), exactlyOne('sourceImage', 'sourceImageName', 'sourceImageFilter', 'externalSourceImageUrl'), loginUser],
  'data/hcp-packer-artifact': [...required('bucketName', 'platform', 'region'), exactlyOne('channelName', 'versionFingerprint')],
  'data/hcp-packer-version': required('bucketName', 'channelName'),
  'data/hcp-packer-image': [...required('bucketName', 'cloudProvider', 'region'), exactlyOne('channel', 'iterationId')],
  'data/hcp-packer-iteration': required('bucketName', 'channel'),
};
