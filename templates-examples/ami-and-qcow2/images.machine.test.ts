/** The program itself: a real disk from a real machine, and an AMI from an EC2 whose instance is a real Debian. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../../lib/runtime/run.js';
import { synth } from '../../lib/synth/synth.js';
import { baseSystem } from '../../test/support/base.js';
import { type ContainerGuests, containerGuests } from '../../test/support/ec2-server/container-guests.js';
import { type Ec2Server, startEc2 } from '../../test/support/ec2-server/server.js';
import { requires } from '../../test/support/machine.js';

requires('qemu', 'base', 'docker', 'docker-cli')('the example ami-and-qcow2', () => {
  let server: Ec2Server, guests: ContainerGuests, folder: string;
  const before = { ...process.env };
  beforeAll(async () => {
    guests = await containerGuests('cat /srv/www/index.html; cat /root/.ssh/authorized_keys');
    server = await startEc2({ guests, speed: 1000 });
    folder = mkdtempSync(join(tmpdir(), 'bake-ami-'));
    cpSync(fileURLToPath(new URL('site', import.meta.url)), join(folder, 'site'), { recursive: true });
    Object.assign(process.env, server.environment, {
      BAKE_VAR_disk: (await baseSystem()).disk, BAKE_VAR_login: 'root', BAKE_VAR_port: String(guests.port), BAKE_VAR_from: '192.0.2.7/32', BAKE_VAR_packages: '', BAKE_VAR_version: '2.0.0',
    });
  });
  afterAll(async () => {
    process.env = before;
    await server?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('makes both at the same time, from the same steps', async () => {
    const { app } = await import('./images.js');
    const result = await run(synth(app, { folder }).plan, { programFolder: folder });
    expect([result.problems, result.targets.map(t => [t.target, t.error])]).toEqual([[], [['web/amazon-ebs', undefined], ['web/qemu', undefined]]]);
    expect(existsSync(join(folder, 'output/web.qcow2'))).toBe(true);
    const { amiId } = result.targets[0]!.outputs as { amiId: string };
    expect(server.world.inventory().map(what => what.split(' ').slice(0, 2).join(' '))).toEqual(['eu-central-1: image', 'eu-central-1: snapshot']);
    expect(server.world.region('eu-central-1').images.get(amiId)!.image).toMatchObject({ Name: expect.stringMatching(/^web-2\.0\.0-\d+$/), Tags: expect.arrayContaining([{ Key: 'Base', Value: 'debian-12-amd64-20261101' }]) });
    expect([...server.world.parameters]).toEqual([['eu-central-1 /images/web', amiId]]);
    // What lay on the instance's disk when the image was made: the site, and no key of ours.
    expect(guests.atTheEnd).toEqual([expect.stringMatching(/<p>Release 2\.0\.0<\/p>\n# from the image$/)]);
    expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')).builds.map((b: { artifact_id: string }) => b.artifact_id)).toEqual(expect.arrayContaining([`eu-central-1:${amiId}`]));
    expect(server.front.complaints).toEqual([]);
  }, 300_000);
});
