import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AmazonEbsSource, type AmazonEbsSourceProps, Duration, ImageBuild, sourceImage, text } from '../../../lib/index.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { sshGuests } from '../../support/ec2-server/guests.js';
import { type Ec2Server, startEc2 } from '../../support/ec2-server/server.js';
import { GuestCommand, guestCommand } from '../../support/guest-command.js';
import { requires } from '../../support/machine.js';
import { program } from '../../support/program.js';

let server: Ec2Server, port: number, before: NodeJS.ProcessEnv;
beforeEach(async () => {
  const guests = await sshGuests();
  ({ port } = guests);
  server = await startEc2({ guests });
  before = { ...process.env };
  Object.assign(process.env, server.environment);
});
afterEach(async () => {
  process.env = before;
  await server[Symbol.asyncDispose]();
});

const props = (more: Partial<AmazonEbsSourceProps> = {}): AmazonEbsSourceProps => ({
  region: 'eu-central-1', instanceType: 't3.small', sourceAmiFilter: { owners: ['136693071363'], filters: { name: 'debian-*' }, mostRecent: true }, amiName: 'web-1',
  temporarySecurityGroupSourceCidrs: ['192.0.2.7/32'], polling: { delay: Duration.milliseconds(20), maxAttempts: 1000 }, ssh: { username: userInfo().username, port }, ...more,
} as AmazonEbsSourceProps);

requires('sshd')('an AMI', () => {
  it('is made from an instance that was really provisioned, and nothing else is left', async () => {
    const p = await program((app, folder) => new ImageBuild(app, 'web', {
      sources: [new AmazonEbsSource(props({ tags: { Base: sourceImage.name, Packer: '{{ .SourceAMI }}', Text: text`from ${sourceImage.id}` } }))],
      provisioners: [new GuestCommand(`echo provisioned by $(id -un) > ${join(folder, 'guest')}`)],
    }));
    const result = await p.run({ kinds: [guestCommand as never] });
    expect(result.targets[0]!.error).toBeUndefined();
    expect(result).toMatchObject({ outcome: 'done' });
    expect(await p.read('guest')).toBe(`provisioned by ${userInfo().username}\n`);
    console.log(server.front.calls.map(c => c.action.slice(4)).join(' '));
    console.log(p.events.filter(e => e.type === 'note').map(e => (e as { message: string }).message).join('\n'));
    const { amiId } = result.targets[0]!.outputs as { amiId: string };
    expect(server.front.complaints).toEqual([]);
    expect(server.world.inventory()).toMatchObject([`eu-central-1: image ${amiId} web-1`, expect.stringContaining('snapshot')]);
    expect(server.world.region('eu-central-1').images.get(amiId)!.image.Tags).toEqual(expect.arrayContaining([{ Key: 'Base', Value: 'debian-12-amd64-20261101' }, { Key: 'Packer', Value: 'ami-00000000debian12' }]));
    expect(await collectGarbage(join(p.folder, '.bake'))).toMatchObject({ found: [] });
  });
});
