import { App, ImageBuild, text, timestamp, Variable } from '../../../lib/index.js';
import { PackerGooglecomputeExportPostProcessor, PackerGooglecomputeSource, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const project = new Variable(app, 'project_id', { description: 'Project to build in' });

new ImageBuild(app, 'worker', {
  sources: [
    new PackerGooglecomputeSource({
      projectId: project, zone: 'europe-west3-a', sourceImageFamily: 'debian-10', machineType: 'n1-standard-1', sshUsername: 'packer', imageName: text`worker-${timestamp()}`, imageFamily: 'worker',
      imageLabels: { team: 'platform' }, diskSize: 20, tags: ['build'], metadata: { 'enable-oslogin': 'false' }, scopes: ['https://www.googleapis.com/auth/cloud-platform'], accountFile: 'account.json',
    }),
  ],
  provisioners: [new PackerShellProvisioner({ inline: ['sudo apt-get update', 'sudo apt-get install -y docker.io'] })],
  postProcessors: [new PackerGooglecomputeExportPostProcessor({ paths: ['gs://images/worker.tar.gz'], keepInputArtifact: true, accountFile: 'account.json' })],
});

export const files = { 'account.json': '{"type":"service_account","client_email":"a@b","private_key":"x","client_id":"1","token_uri":"https://oauth2.googleapis.com/token"}' };
export const vars = { project_id: 'p' };
