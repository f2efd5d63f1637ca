/** The policy that `bake policy aws` prints, enforced by the server as IAM would: it is enough for all that a build does, however it ends, and nothing in it is superfluous. */
import { existsSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { AmazonEbsSource, type AmazonEbsSourceProps, AmazonEbsSurrogateSource, AmazonEbsVolumeSource, Duration, ImageBuild, Size } from '../../../lib/index.js';
import { actionsOf, policyFor } from '../../../lib/runtime/aws/policy.js';
import { probes, withoutProbe } from '../../../lib/runtime/aws/probes.js';
import { runProgram } from '../../contracts/ec2.js';
import { ebsProps } from '../../contracts/ec2-props.js';
import type { Fault } from '../../support/ec2-server/front.js';
import { needed, type Policy } from '../../support/ec2-server/policy.js';
import type { Ec2Server } from '../../support/ec2-server/server.js';
import { type StrictEc2, strictEc2 } from '../../support/ec2-server/strict.js';
import { account, type Lives } from '../../support/ec2-server/world.js';
import { GuestCommand } from '../../support/guest-command.js';
import { requires } from '../../support/machine.js';
import { program, type TestProgram } from '../../support/program.js';

/** No calls of ours: what AWS itself does with the caller's permissions when a disk is encrypted. */
const notCalled = /^kms:/;
/** The answers of these get lost, so that what they made is looked for by its mark. */
const lost: readonly Fault[] = ['ImportKeyPair', 'CreateSecurityGroup', 'CreateLaunchTemplate', 'CreateImage', 'RegisterImage', 'CreateSnapshot'].map(call => ({ call, nth: 1, then: 'drop-after' }));

requires('sshd')('the least policy of', () => {
  let ec2: StrictEc2, server: Ec2Server, port: number, lives: string;
  beforeAll(async () => {
    ({ server, port } = ec2 = await strictEc2());
    lives = JSON.stringify(server.world.lives);
  });
  afterAll(() => ec2?.[Symbol.asyncDispose]());
  beforeEach(() => {
    server.front.complaints.length = server.front.calls.length = 0;
    server.world.regions.clear();
    server.world.policy = undefined;
  });
  beforeEach(() => {
    // The source image's disk does not go with its instance; an earlier image of the family is there.
    const { images } = server.world.region('eu-central-1'), [root] = images.get('ami-00000000debian12')!.image.BlockDeviceMappings!;
    root!.Ebs!.DeleteOnTermination = false;
    for (const n of [1, 2]) images.set(`ami-old${n}`, {
      life: [{ state: 'available' }], since: 0, permissions: [], productCodes: [],
      image: { ImageId: `ami-old${n}`, OwnerId: account, Name: `old-${n}`, CreationDate: `2026-01-0${n}T00:00:00.000Z`, Tags: [{ Key: 'imagebake:family', Value: 'web' }, { Key: 'imagebake:run-id', Value: 'before' }], BlockDeviceMappings: [] },
    });
  });
  afterEach(() => { expect(server.front.complaints).toEqual([]); });

  type More = Pick<AmazonEbsSourceProps, 'ssh'> | undefined;
  type Source = AmazonEbsSource | AmazonEbsSurrogateSource | AmazonEbsVolumeSource;
  const ebs = (props: object) => (more: More): Source => new AmazonEbsSource({ ...ebsProps(port, { ...props, ...more }), name: 'amazon-ebs' });
  const programs: { readonly [name: string]: (more: More) => Source } = {
    'an image': ebs({}),
    'an image with all that can be set on it': ebs({
      amiName: 'taken', forceDeregister: true, forceDeleteSnapshot: true, amiRegions: ['us-east-1'], encryptBoot: true, kmsKeyId: 'alias/home', regionKmsKeyIds: { 'us-east-1': 'alias/there' }, amiUsers: ['444455556666'], snapshotUsers: ['444455556666'],
      deprecateAt: '2099-01-01T00:00:00Z', deregistrationProtection: { enabled: true }, imdsSupport: 'v2.0', enaSupport: true, fastLaunch: { enableFastLaunch: true }, retention: { family: 'web', keep: 1 },
    }),
    'a spot instance with a role, in a subnet that is looked for': ebs({
      instanceType: undefined, spotInstanceTypes: ['m5.large'], temporaryIamInstanceProfilePolicyDocument: { statement: [{ action: ['s3:GetObject'], resource: ['*'] }] },
      subnetFilter: { filters: { 'tag:Tier': 'build' }, mostFree: true }, vpcFilter: { filters: { 'tag:Name': 'main' } }, securityGroupFilter: { filters: { 'group-name': 'default' } },
    }),
    'a build that makes no image': ebs({ skipCreateAmi: true, spotPrice: '0.05', securityGroupId: 'sg-default' }),
    'a disk that becomes an image': more => new AmazonEbsSurrogateSource({ ...ebsProps(port), name: 'amazon-ebssurrogate', ...more, launchBlockDeviceMappings: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(10) }], amiRootDevice: { sourceDeviceName: '/dev/xvdf', deviceName: '/dev/xvda' } }),
    'a disk that becomes the root of an image': more => new AmazonEbsSurrogateSource({
      ...ebsProps(port), name: 'amazon-ebssurrogate', ...more, useCreateImage: true, launchBlockDeviceMappings: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(10) }], amiRootDevice: { sourceDeviceName: '/dev/xvdf', deviceName: '/dev/xvda' },
    }),
    'volumes and snapshots': more => {
      const { amiName: _name, ...props } = ebsProps(port);
      return new AmazonEbsVolumeSource({ ...props, name: 'amazon-ebsvolume', ...more, ebsVolumes: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(1), snapshotVolume: true, snapshotUsers: ['444455556666'] }] });
    },
  };

  it.each(Object.keys(programs))('%s is enough, and nothing in it is superfluous', async name => {
    const { front, world } = server;
    const build = (more?: More): Promise<TestProgram> => program(app => new ImageBuild(app, 'web', { sources: [programs[name]!(more)], provisioners: [new GuestCommand('true')] }));
    const policy = world.policy = policyFor((await build()).plan) as unknown as Policy;
    const errorOf = async (of: TestProgram): Promise<unknown> => { const { problems, targets, warnings } = await runProgram(of); return problems[0] ?? targets[0]?.error ?? warnings[0]; };
    // Two generations, the second with answers that get lost; one that fails at its end, one that nobody reaches.
    expect(await errorOf(await build())).toBeUndefined();
    front.faults = lost.map(fault => ({ ...fault }));
    expect(await errorOf(await build())).toBeUndefined();
    front.faults = [];
    world.lives.image = world.lives.copy['us-east-1'] = [{ state: 'failed', reason: 'the test wants it' }];
    world.lives.snapshot = [{ state: 'error', reason: 'the test wants it' }];
    expect(await errorOf(await build())).toEqual(name === 'a build that makes no image' ? undefined : expect.objectContaining({ code: 'AWS_WENT_WRONG' }));
    world.lives = JSON.parse(lives) as Lives;
    expect(await errorOf(await build({ ssh: { username: 'nobody', port: 1, timeout: Duration.seconds(1) } }))).toMatchObject({ code: 'SSH_TIMEOUT' });

    if (name.startsWith('a spot instance')) {
      const stop = new AbortController();
      front.onCall = call => { if (call.action === 'ec2:CreateLaunchTemplate') stop.abort(); };
      expect(await runProgram(await build(), { signal: stop.signal })).toMatchObject({ outcome: 'cancelled' });
      front.onCall = undefined;
    }

    const granted = policy.Statement.flatMap(s => s.Action), used = new Set(front.calls.flatMap(needed).map(a => a.name));
    expect(granted.filter(action => !used.has(action) && !notCalled.test(action))).toEqual([]);
    expect(world.inventory().filter(what => !/image|snapshot|volume/.test(what))).toEqual([]);
  });

  it('one action less, and it is named: before anything is made, or as soon as there is something to ask with, never after hours', async () => {
    const { world, front } = server, marker = join(tmpdir(), `bake-policy-${process.pid}`);
    const build = (): Promise<TestProgram> => program(app => new ImageBuild(app, 'web', { sources: [programs['an image with all that can be set on it']!(undefined)], provisioners: [new GuestCommand(`touch ${marker}`)] }));
    const whole = policyFor((await build()).plan) as unknown as Policy;
    const without = (...names: string[]): Policy => ({ Statement: whole.Statement.map(s => ({ ...s, Action: s.Action.filter(a => !names.includes(a)) })) });
    world.policy = without('ec2:DescribeFastLaunchImages', 'ec2:CopyImage');
    expect(await runProgram(await build())).toMatchObject({ exit: 5, problems: [{ code: 'AWS_ACTIONS_DENIED', message: expect.stringMatching(/what this build needs: ec2:CopyImage, ec2:DescribeFastLaunchImages\.$/) }] });
    world.policy = without('ec2:CreateImage', 'ec2:StopInstances');
    const early = await runProgram(await build());
    expect(early.targets[0]!.error).toMatchObject({ code: 'AWS_ACTIONS_DENIED', message: expect.stringMatching(/ec2:CreateImage, ec2:StopInstances\.$/) });
    expect([existsSync(marker), world.inventory().filter(what => !what.includes('ami-old'))]).toEqual([false, []]);
    world.policy = whole;
    expect((await runProgram(await build())).targets[0]!.error).toBeUndefined();
    rmSync(marker);
    world.policy = without('ec2:ModifyImageAttribute', 'ec2:DeleteSnapshot');
    expect(await runProgram(await build())).toMatchObject({ exit: 5, problems: [{ message: expect.stringMatching(/ec2:DeleteSnapshot, ec2:ModifyImageAttribute\.$/) }] });
    expect(front.complaints).toEqual([]);
  });

  it('what saves a machine as an image is in it where a step asks for that', async () => {
    const actions = async (more: { readonly checkpoint?: 'always' }): Promise<string[]> => {
      const { plan } = await program(app => new ImageBuild(app, 'web', { sources: [programs['a disk that becomes an image']!(undefined)], provisioners: [new GuestCommand('true', more)] }));
      return (policyFor(plan) as unknown as Policy).Statement.flatMap(s => s.Action);
    };
    expect([(await actions({})).includes('ec2:CreateImage'), (await actions({ checkpoint: 'always' })).includes('ec2:CreateImage')]).toEqual([false, true]);
  });

  it('every call that a build may make is asked for beforehand, or there is a reason why not', async () => {
    const actions = new Set<string>();
    for (const make of Object.values(programs)) for (const action of Object.keys(actionsOf((await program(app => new ImageBuild(app, 'web', { sources: [make(undefined)] }))).plan.targets[0]!.source))) actions.add(action);
    const open = [...actions].filter(a => a.startsWith('ec2:') && !a.startsWith('ec2:Describe')).map(a => a.slice(4)).filter(a => probes[a] === undefined && withoutProbe[a] === undefined);
    expect(open).toEqual([]);
  });
});
