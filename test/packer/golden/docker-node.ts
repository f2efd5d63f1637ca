import { App, ImageBuild, Secret, text, Variable } from '../../../lib/index.js';
import { PackerDockerPushPostProcessor, PackerDockerSource, PackerDockerTagPostProcessor, PackerFileProvisioner, PackerShellProvisioner } from '../../../lib/packer/index.js';

export const app = new App();
const node = new Variable(app, 'node', { default: '20' });

new ImageBuild(app, 'service', {
  sources: [new PackerDockerSource({ image: text`node:${node}-bookworm-slim`, commit: true, changes: ['WORKDIR /srv/app', 'USER node', 'ENV NODE_ENV=production', 'EXPOSE 3000', 'ENTRYPOINT ["node", "server.js"]'] })],
  provisioners: [
    new PackerShellProvisioner({ inline: ['mkdir -p /srv/app'] }),
    new PackerFileProvisioner({ source: 'app/', destination: '/srv/app' }),
    new PackerShellProvisioner({ inline: ['cd /srv/app', 'npm ci --omit=dev', 'chown -R node:node .'] }),
  ],
  postProcessors: [[
    new PackerDockerTagPostProcessor({ repository: 'registry.example/service', tags: ['latest', node] }),
    new PackerDockerPushPostProcessor({ login: true, loginServer: 'registry.example', loginUsername: 'ci', loginPassword: Secret.env('REGISTRY_PASSWORD') }),
  ]],
});

export const files = { 'app/server.js': '' };
export const vars = { registry_password: 'x' };
