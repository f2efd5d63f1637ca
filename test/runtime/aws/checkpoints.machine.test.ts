/** Instances saved as images, to go on from: only where asked for, and gone when nobody wants them any more. */
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { AmazonEbsSource, ImageBuild, ShellProvisioner, sourceImage } from '../../../lib/index.js';
import { outsideOf } from '../../../lib/runtime/checkpoints/outside.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { forecast } from '../../../lib/runtime/forecast.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { findStrays } from '../../../lib/runtime/aws/strays.js';
import { notesOf } from '../../contracts/ec2.js';
import { ebsProps } from '../../contracts/ec2-props.js';
import { type ContainerGuests, containerGuests } from '../../support/ec2-server/container-guests.js';
import { type Ec2Server, startEc2 } from '../../support/ec2-server/server.js';
import { requires } from '../../support/machine.js';
import { program, type TestProgram } from '../../support/program.js';

const home = 'eu-central-1', days = 86_400_000;

requires('docker')('a saved instance', () => {
  let server: Ec2Server, guests: ContainerGuests;
  const before = { ...process.env };
  beforeAll(async () => {
    guests = await containerGuests('cat /root/steps; grep -c ^ssh- /root/.ssh/authorized_keys || true');
    server = await startEc2({ guests, speed: 1000 });
    Object.assign(process.env, server.environment);
  });
  afterAll(async () => {
    process.env = before;
    await server?.[Symbol.asyncDispose]();
    await guests?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    server.world.regions.clear();
    server.front.calls.length = guests.atTheEnd.length = 0;
    server.front.faults = [];
  });
  const step = (name: string, word: string, more: object = {}) => new ShellProvisioner({ name, inline: [`echo ${word} >> /root/steps`], ...more });
  const build = (last: string, checkpoint: 'always' | 'auto' = 'always', more: object = {}): Promise<TestProgram> => program(app => new ImageBuild(app, 'web', {
    sources: [new AmazonEbsSource({ ...ebsProps(guests.port), amiName: `web-${last}`, tags: { Base: sourceImage.name }, ssh: { username: 'root', port: guests.port }, ...more })],
    provisioners: [step('first', 'first', { checkpoint }), step('last', last)],
  }));
  const run = async (p: TestProgram, store: CheckpointStore) => {
    const result = await p.run({ checkpoints: { store } });
    expect([result.problems, result.targets[0]?.error]).toEqual([[], undefined]);
    return result;
  };
  const launched = (): unknown[] => server.front.calls.filter(c => c.action === 'ec2:RunInstances' && c.input['DryRun'] !== true).map(c => c.input['ImageId']);
  const saved = () => [...server.world.region(home).images.values()].filter(i => i.image.Name!.startsWith('imagebake-checkpoint-')).map(i => i.image);
  const storeOf = (p: TestProgram): CheckpointStore => new CheckpointStore(join(p.folder, 'store'), outsideOf());

  it('is gone on from: the steps before are not done again, and nothing of it is in the image', async () => {
    const p = await build('one'), store = storeOf(p);
    await run(p, store);
    const [image, ...more] = saved();
    expect(more).toEqual([]);
    expect(image!.Tags).toEqual(expect.arrayContaining([{ Key: 'imagebake:target', Value: 'web/amazon-ebs' }]));
    expect(notesOf(p)).toContain('is saved as an image, and rebooted for that');
    expect(guests.atTheEnd.at(-1)).toMatch(/^first\none\n0$/);

    const second = await build('two');
    expect(await forecast(second.plan, { programFolder: second.folder, checkpoints: { store } })).toMatchObject([{ state: 'resumes', after: 'web/first' }]);
    await run(second, store);
    expect(launched()).toEqual(['ami-00000000debian12', image!.ImageId]);
    // Its disk, without the keys of either run.
    expect(guests.atTheEnd.at(-1)).toMatch(/^first\ntwo\n0$/);
    const made = [...server.world.region(home).images.values()].find(i => i.image.Name === 'web-two')!.image;
    expect(made.Tags).toEqual(expect.arrayContaining([{ Key: 'Base', Value: 'debian-12-amd64-20261101' }]));
    expect(server.front.complaints).toEqual([]);

    // Nobody's rubbish while it may be wanted; whose store is lost pays for a month.
    expect(await collectGarbage(join(p.folder, '.bake'))).toMatchObject({ found: [] });
    const access = { region: home }, strays = (now: number) => findStrays({ access, regions: [home], now });
    expect(await strays(server.world.now() + 2 * days)).toEqual([]);
    expect((await strays(Date.now() + 31 * days)).map(s => s.what)).toEqual([`image in ${home}`, `snapshot in ${home}`]);

    await store.prune({ all: true });
    expect(saved()).toEqual([]);
    expect(server.world.inventory().filter(what => !what.includes('web-') && !what.includes('snapshot'))).toEqual([]);
    expect(server.world.region(home).snapshots.size).toBe(2 + 2);
  });

  it('that somebody else removed is made again, but only where it is asked for', async () => {
    const p = await build('one'), store = storeOf(p);
    await run(p, store);
    server.world.region(home).images.delete(saved()[0]!.ImageId!);
    await run(await build('two', 'auto'), store);
    expect([launched(), saved()]).toEqual([['ami-00000000debian12', 'ami-00000000debian12'], []]);
    expect(guests.atTheEnd.at(-1)).toMatch(/^first\ntwo\n0$/);
  });

  it('that cannot be made costs a warning, never the build, and leaves nothing', async () => {
    server.world.lives.image = [{ state: 'failed', reason: 'Client.InternalError: the snapshot failed' }];
    server.front.onCall = call => { if (call.action === 'ec2:StopInstances' && call.input['DryRun'] !== true) server.world.lives.image = [{ state: 'available' }]; };
    const p = await build('one');
    await run(p, storeOf(p));
    server.front.onCall = undefined;
    expect(notesOf(p)).toMatch(/The machine could not be saved, and the build goes on: Image ami-\w+ in eu-central-1 is failed: Client\.InternalError/);
    expect(saved()).toEqual([]);
    expect(await collectGarbage(join(p.folder, '.bake'))).toMatchObject({ found: [] });
  });
});
