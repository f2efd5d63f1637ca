import { type Benchmark } from './benchmark.js';
import { compiled } from './workplace.js';
import { sshGuests } from '../test/support/ec2-server/guests.js';
import { startEc2 } from '../test/support/ec2-server/server.js';
import { userInfo } from 'node:os';

const builds = 10;

export default {
  about: `${builds} AMIs at once in one process, against one at a time, on an EC2 whose minutes are seconds.`,
  needs: ['sshd'],
  async run(place) {
    await compiled(place);
    const guests = await sshGuests(), server = await startEc2({ guests, speed: 30 });
    try {
      place.write('images.ts', `import { AmazonEbsSource, App, Duration, ImageBuild, ShellProvisioner, text, timestamp, uuid } from 'imagebake';
export const app = new App();
for (let i = 0; i < ${builds}; i++) new ImageBuild(app, 'b' + i, {
  sources: [new AmazonEbsSource({ region: 'eu-central-1', instanceType: 't3.small', sourceAmi: 'ami-00000000debian12', amiName: text\`b\${i}-\${timestamp()}-\${uuid()}\`, temporarySecurityGroupSourceCidrs: ['192.0.2.7/32'],
    polling: { delay: Duration.milliseconds(250), maxAttempts: 1000 }, ssh: { username: '${userInfo().username}', port: ${guests.port} } })],
  provisioners: [new ShellProvisioner({ inline: ['true'] })],
});\n`);
      const bake = (parallel: number) => place.bake(['build', '--no-cache', '--parallel', String(parallel)], { memory: true, env: { ...server.environment, BAKE_CACHE_DIR: `${place.folder}/cache-${parallel}` } });
      const together = await bake(builds), alone = await bake(1);
      return [
        { figure: `${builds} AMIs at once, wall (peer: one at a time)`, ours: together.milliseconds / 1000, peer: alone.milliseconds / 1000, unit: 's', goal: '0.25x' },
        { figure: `${builds} AMIs at once, memory of the process`, ours: together.megabytes, peer: alone.megabytes, unit: 'MB', goal: 500 },
      ];
    } finally { await server[Symbol.asyncDispose](); }
  },
} satisfies Benchmark;
