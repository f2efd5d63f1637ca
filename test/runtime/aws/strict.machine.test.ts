/** What moto cannot show: slow states, failures with reasons, capacity, permissions, and everything that is set on an image. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { AmazonEbsSource, AmazonEbsSurrogateSource, AmazonEbsVolumeSource, Duration, ImageBuild, Secret, Size } from '../../../lib/index.js';
import { actionsOf } from '../../../lib/runtime/aws/policy.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { forecast } from '../../../lib/runtime/forecast.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { notesOf, runProgram } from '../../contracts/ec2.js';
import { ebsProps } from '../../contracts/ec2-props.js';
import type { Ec2Server } from '../../support/ec2-server/server.js';
import { type StrictEc2, strictEc2 } from '../../support/ec2-server/strict.js';
import { account, type Region } from '../../support/ec2-server/world.js';
import { GuestCommand, guestCommand } from '../../support/guest-command.js';
import { requires } from '../../support/machine.js';
import { program, type TestProgram } from '../../support/program.js';

const home = 'eu-central-1';

requires('sshd')('the AMI builder', () => {
  let ec2: StrictEc2, server: Ec2Server, port: number, lives: string, built: TestProgram[] = [];
  beforeAll(async () => {
    ({ server, port } = ec2 = await strictEc2());
    lives = JSON.stringify(server.world.lives);
  });
  afterAll(() => ec2?.[Symbol.asyncDispose]());
  beforeEach(() => {
    const { front, world } = server;
    built = [];
    front.faults = [];
    front.onCall = undefined;
    front.complaints.length = front.calls.length = 0;
    world.regions.clear();
    world.roles.clear();
    world.profiles.clear();
    world.denied.clear();
    world.exhausted.clear();
    world.lives = JSON.parse(lives);
  });
  afterEach(() => {
    expect(server.front.complaints).toEqual([]);
    // `bake policy aws` must know every action that a build of this program takes.
    const known = new Set(built.flatMap(p => p.plan.targets.flatMap(t => Object.keys(actionsOf(t.source)))));
    if (built.length > 0) expect([...new Set(server.front.calls.map(c => c.action))].filter(a => !known.has(a))).toEqual([]);
  });

  const build = async (more: object = {}, command = 'true'): Promise<TestProgram> => {
    const p = await program(app => new ImageBuild(app, 'web', { sources: [new AmazonEbsSource(ebsProps(port, more))], provisioners: [new GuestCommand(command)] }));
    built.push(p);
    return p;
  };
  const region = (name = home): Region => server.world.region(name);
  const calls = (name: string) => server.front.calls.filter(c => c.action === `ec2:${name}` && c.input['DryRun'] !== true);
  const succeed = async (p: TestProgram) => {
    const result = await runProgram(p);
    expect(result.problems).toEqual([]);
    expect(result.targets[0]!.error).toBeUndefined();
    return result.targets[0]!.outputs as { amiId: string; amis: { [region: string]: string } };
  };
  /** All but finished images and their snapshots. */
  const left = (): string[] => server.world.inventory().filter(what => !/image|snapshot/.test(what));

  it('keeps four copies of five when one fails, says why, and makes only the fifth in the next run', async () => {
    const amiRegions = ['us-east-1', 'us-west-2', 'eu-west-1', 'ap-south-1', 'sa-east-1'];
    server.world.lives.copy = { 'ap-south-1': [{ state: 'pending', for: 30 }, { state: 'failed', reason: 'Client.InvalidKmsKey: the key is disabled' }] };
    const p = await build({ amiRegions, tags: { Stage: 'test' } }), options = { checkpoints: { store: new CheckpointStore(join(p.folder, 'store')) } };
    const first = await runProgram(p, options), { error } = first.targets[0]!;
    expect(error).toMatchObject({ code: 'AMI_COPIES', message: expect.stringMatching(/ap-south-1: Image ami-\w+ in ap-south-1 is failed: Client\.InvalidKmsKey: the key is disabled Kept: /) });
    const kept = (error!.facts as { kept: { [region: string]: string } }).kept;
    expect(Object.keys(kept).sort()).toEqual([home, ...amiRegions.filter(r => r !== 'ap-south-1')].sort());
    expect(server.world.inventory().filter(what => what.startsWith('ap-south-1'))).toEqual([]);
    expect(left()).toEqual([]);
    expect(await collectGarbage(join(p.folder, '.bake'))).toMatchObject({ found: [] });

    server.world.lives.copy = {};
    server.front.calls.length = 0;
    const second = await runProgram(p, options);
    expect(second.targets[0]!.error).toBeUndefined();
    expect([calls('RunInstances').length, calls('CreateImage').length, calls('CopyImage').map(c => c.region)]).toEqual([0, 0, ['ap-south-1']]);
    const { amis } = second.targets[0]!.outputs as { amis: { [region: string]: string } };
    expect(amis).toMatchObject(kept);
    expect(region('ap-south-1').images.get(amis['ap-south-1']!)!.image.Tags).toEqual(expect.arrayContaining([{ Key: 'Stage', Value: 'test' }]));
    expect(await runProgram(p, options)).toMatchObject({ targets: [{ outcome: 'cached' }] });
  });

  it('says why an image failed, and removes everything', async () => {
    server.world.lives.image = [{ state: 'pending', for: 90 }, { state: 'failed', reason: 'Client.VolumeInError: the volume is in error' }];
    const result = await runProgram(await build());
    expect(result.targets[0]!.error).toMatchObject({ code: 'AWS_WENT_WRONG', message: expect.stringMatching(/^Image ami-\w+ in eu-central-1 is failed: Client\.VolumeInError: the volume is in error$/) });
    expect(server.world.inventory()).toEqual([]);
  });

  it('says why an instance did not come up', async () => {
    server.world.lives.run = [{ state: 'pending', for: 20 }, { state: 'terminated', reason: 'Client.InternalError: the volume\'s key cannot be used' }];
    const result = await runProgram(await build());
    expect(result.targets[0]!.error!.message).toMatch(/^Instance i-\w+ is terminated: Client\.InternalError/);
    expect(server.world.inventory()).toEqual([]);
  });

  it('gives up when the budget of a wait is spent, with the last state', async () => {
    server.world.lives.image = [{ state: 'pending' }];
    const result = await runProgram(await build({ polling: { delay: Duration.milliseconds(20), maxAttempts: 30 } }));
    expect(result.targets[0]!.error).toMatchObject({ code: 'AWS_TOO_SLOW', message: expect.stringMatching(/was not available within [\d.]+ s\. The last state was pending\.$/) });
    expect(server.world.inventory()).toEqual([]);
  });

  it('takes the next instance type where EC2 has no capacity, and says what it tried when none is left', async () => {
    server.world.exhausted.add('t3.small').add('t3a.small');
    await succeed(await build({ fallbackInstanceTypes: ['t3a.small', 't2.small'] }));
    expect([...region().instances.values()].map(i => i.instance.InstanceType)).toEqual(['t2.small']);
    const result = await runProgram(await build({ fallbackInstanceTypes: ['t3a.small'] }));
    expect(result.targets[0]!.error).toMatchObject({ code: 'EC2_NO_CAPACITY', message: expect.stringMatching(/t3\.small: .*sufficient.*t3a\.small: /) });
    expect(left()).toEqual([]);
  });

  it('asks for spot instances of several types, and captures them running', async () => {
    server.world.exhausted.add('m5.large');
    await succeed(await build({ instanceType: undefined, spotInstanceTypes: ['m5.large', 'c5.large'], spotPrice: '0.05', spotTags: { Spot: 'yes' }, fleetTags: { Fleet: 'yes' }, runTags: { Team: 'images' } }));
    const [instance] = [...region().instances.values()];
    expect(instance!.instance).toMatchObject({ InstanceType: 'c5.large', InstanceLifecycle: 'spot', Tags: expect.arrayContaining([{ Key: 'Team', Value: 'images' }]) });
    expect([calls('StopInstances').length, calls('CreateImage')[0]!.input['NoReboot']]).toEqual([0, undefined]);
    expect(calls('CreateLaunchTemplate')[0]!.input).toMatchObject({ LaunchTemplateData: { TagSpecifications: expect.arrayContaining([{ ResourceType: 'spot-instances-request', Tags: expect.arrayContaining([{ Key: 'Spot', Value: 'yes' }]) }]) } });
    await succeed(await build({ spotPrice: 'auto' }));
    expect(calls('RunInstances').at(-1)!.input).toMatchObject({ InstanceMarketOptions: { MarketType: 'spot' } });
    expect(left()).toEqual([]);
    const poor = await runProgram(await build({ instanceType: undefined, spotInstanceTypes: ['m5.large'] }));
    expect(poor.targets[0]!.error).toMatchObject({ code: 'EC2_NO_CAPACITY', message: expect.stringContaining('m5.large: We currently do not have sufficient') });
    expect(left()).toEqual([]);
  });

  it('says that EC2 took a spot instance back in the middle of a step, and that building again helps', async () => {
    const marker = join(tmpdir(), `bake-spot-${process.pid}`);
    const p = await build({ spotPrice: 'auto' }, `touch ${marker}; sleep 100`), result = runProgram(p);
    try {
      await vi.waitUntil(() => existsSync(marker), { timeout: 60_000, interval: 50 });
      const [id] = [...region().instances.keys()];
      await server.world.interrupt(region(), id!);
      const [target] = (await result).targets;
      expect(target).toMatchObject({
        failedStep: 'web/@test:guest:command', error: { code: 'EC2_SPOT_TAKEN', message: `Spot instance ${id} was taken back by EC2 while it was built on: Server.SpotInstanceTermination: Spot instance termination`, remedy: expect.stringContaining('bake retry') },
      });
      expect(left()).toEqual([]);
    } finally { rmSync(marker, { force: true }); }
  });

  it('lets in only the computer that builds, unless told otherwise', async () => {
    const service = createServer((_request, response) => response.end('198.51.100.4\n'));
    await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve));
    try {
      await succeed(await build({ temporarySecurityGroupSourceCidrs: undefined, publicAddressUrl: `http://127.0.0.1:${(service.address() as AddressInfo).port}` }));
    } finally { service.close(); }
    expect(calls('AuthorizeSecurityGroupIngress').map(c => c.input['IpPermissions'])).toEqual([[{ IpProtocol: 'tcp', FromPort: port, ToPort: port, IpRanges: [{ CidrIp: '198.51.100.4/32' }] }]]);
    expect(calls('RunInstances')[0]!.input['MetadataOptions']).toEqual({ HttpTokens: 'required' });
    const unknown = await runProgram(await build({ temporarySecurityGroupSourceCidrs: undefined, publicAddressUrl: 'http://127.0.0.1:1' }));
    expect(unknown.targets[0]!.error).toMatchObject({ code: 'NETWORK_OWN_ADDRESS', remedy: expect.stringContaining('temporarySecurityGroupSourceCidrs') });
    expect(left()).toEqual([]);
  });

  it('finds subnets, VPCs and security groups by filters', async () => {
    await succeed(await build({ subnetFilter: { filters: { 'tag:Tier': 'build' }, mostFree: true }, vpcFilter: { filters: { 'tag:Name': 'main' } }, associatePublicIpAddress: true }));
    expect(calls('RunInstances')[0]!.input['NetworkInterfaces']).toMatchObject([{ SubnetId: `subnet-${home}b`, AssociatePublicIpAddress: true }]);
    await succeed(await build({ subnetId: `subnet-${home}a`, securityGroupFilter: { filters: { 'group-name': 'default' } } }));
    expect(calls('RunInstances')[1]!.input).toMatchObject({ SubnetId: `subnet-${home}a`, SecurityGroupIds: ['sg-default'] });
    const several = await runProgram(await build({ subnetFilter: { filters: { 'tag:Tier': 'build' } } }));
    expect(several).toMatchObject({ exit: 5, problems: [{ code: 'NETWORK_NOT_ONE', message: `2 subnets in ${home} fit {"tag:Tier":"build"}.` }] });
  });

  it('gives the instance a role for this run, and waits until EC2 knows it', async () => {
    server.front.faults = [{ call: 'RunInstances', nth: [1, 2], then: { code: 'InvalidParameterValue', message: 'Value (imagebake-x) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name' } }];
    let policy = '';
    server.front.onCall = call => { if (call.action === 'iam:PutRolePolicy') policy = String(call.input['PolicyDocument']); };
    await succeed(await build({ temporaryIamInstanceProfilePolicyDocument: { statement: [{ action: ['s3:GetObject'], resource: ['arn:aws:s3:::packages/*'] }] } }));
    expect(JSON.parse(policy)).toEqual({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: ['arn:aws:s3:::packages/*'] }] });
    expect(calls('RunInstances')).toHaveLength(3);
    expect(left()).toEqual([]);
  });

  it('sets on every image what the source says', async () => {
    const { amis } = await succeed(await build({
      amiRegions: ['us-east-1'], amiDescription: 'from {{ .SourceAMIName }}', amiUsers: ['444455556666'], amiOrgArns: ['arn:aws:organizations::1:organization/o-1'], amiOuArns: ['arn:aws:organizations::1:ou/o-1/ou-1'], amiProductCodes: ['code'],
      snapshotUsers: ['444455556666'], deprecateAt: '2099-01-01T00:00:00Z', deregistrationProtection: { enabled: true, withCooldown: true }, imdsSupport: 'v2.0', enaSupport: true, sriovSupport: true,
      fastLaunch: { enableFastLaunch: true, maxParallelLaunches: 8, targetResourceCount: 3, regionLaunchTemplates: [{ region: 'us-east-1', templateName: 'there' }] },
      amiBlockDeviceMappings: [{ deviceName: '/dev/sdf', volumeSize: Size.gib(20), volumeType: 'gp3', throughput: 200 }], noEphemeral: true, runTags: { Run: 'r' }, tags: { Tag: 't' }, snapshotTags: { Snapshot: 's' },
      launchBlockDeviceMappings: [{ deviceName: '/dev/xvda', volumeSize: Size.gib(12), encrypted: true, kmsKeyId: 'alias/build' }], userData: '#cloud-config\n', snapshotCopyDuration: Duration.minutes(30),
    }));
    for (const name of [home, 'us-east-1']) {
      const { image, permissions, productCodes } = region(name).images.get(amis[name]!)!;
      expect(image).toMatchObject({ Description: 'from debian-12-amd64-20261101', DeprecationTime: '2099-01-01T00:00:00.000Z', DeregistrationProtection: 'enabled-with-cooldown', ImdsSupport: 'v2.0', EnaSupport: true, SriovNetSupport: 'simple' });
      expect(permissions).toEqual([{ UserId: '444455556666' }, { OrganizationArn: 'arn:aws:organizations::1:organization/o-1' }, { OrganizationalUnitArn: 'arn:aws:organizations::1:ou/o-1/ou-1' }]);
      expect(productCodes).toEqual(['code']);
      const [root, more] = image.BlockDeviceMappings!;
      expect(root).toMatchObject({ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 12, Encrypted: true } });
      expect(more).toMatchObject({ DeviceName: '/dev/sdf', Ebs: { VolumeSize: 20, VolumeType: 'gp3', Throughput: 200 } });
      const snapshot = region(name).snapshots.get(root!.Ebs!.SnapshotId!)!;
      expect(snapshot.permissions).toEqual([{ UserId: '444455556666' }]);
      expect(snapshot.snapshot.Tags).toEqual(expect.arrayContaining([{ Key: 'Tag', Value: 't' }, { Key: 'Snapshot', Value: 's' }, { Key: 'Run', Value: 'r' }]));
      expect(region(name).fastLaunch.get(amis[name]!)!.settings).toMatchObject({ MaxParallelLaunches: 8, SnapshotConfiguration: { TargetResourceCount: 3 }, LaunchTemplate: name === home ? undefined : { LaunchTemplateName: 'there' } });
    }
    expect(Buffer.from(String(calls('RunInstances')[0]!.input['UserData']), 'base64').toString()).toBe('#cloud-config\n');
    expect(calls('CreateImage')[0]!.input['BlockDeviceMappings']).toHaveLength(25);
    expect(calls('CopyImage')[0]!.input['SnapshotCopyCompletionDurationMinutes']).toBe(30);
  });

  it('encrypts with a key for each region, through an image that does not stay', async () => {
    const { amis } = await succeed(await build({ encryptBoot: true, kmsKeyId: 'alias/home', amiRegions: ['us-east-1', 'eu-west-1'], regionKmsKeyIds: { 'us-east-1': 'alias/there', 'eu-west-1': '' } }));
    const keyIn = (name: string): unknown => region(name).snapshots.get(region(name).images.get(amis[name]!)!.image.BlockDeviceMappings![0]!.Ebs!.SnapshotId!)!.snapshot;
    expect(keyIn(home)).toMatchObject({ Encrypted: true, KmsKeyId: 'alias/home' });
    expect(keyIn('us-east-1')).toMatchObject({ Encrypted: true, KmsKeyId: 'alias/there' });
    expect(keyIn('eu-west-1')).toMatchObject({ Encrypted: true, KmsKeyId: 'alias/aws/ebs' });
    expect(server.world.inventory().filter(what => what.includes('image'))).toHaveLength(3);
    const elsewhere = await succeed(await build({ skipSaveBuildRegion: true, amiRegions: ['us-east-1'] }));
    expect(Object.keys(elsewhere.amis)).toEqual(['us-east-1']);
    expect(left()).toEqual([]);
  });

  it('finds by dry runs what it may not do, before it makes anything', async () => {
    server.world.denied.add('ec2:RunInstances').add('ec2:ImportKeyPair').add('ec2:CopyImage');
    const result = await runProgram(await build({ amiRegions: ['us-east-1'] }));
    expect(result).toMatchObject({ exit: 5, problems: [{ code: 'AWS_ACTIONS_DENIED', message: `arn:aws:iam::${account}:user/builder may not do what this build needs: ec2:CopyImage, ec2:ImportKeyPair, ec2:RunInstances.` }] });
    expect(server.front.calls.filter(c => c.input['DryRun'] !== true && !/Describe|GetCallerIdentity/.test(c.action))).toEqual([]);
  });

  it('takes a role with the keys given, and never writes them down', async () => {
    const p = await program(app => new ImageBuild(app, 'web', {
      sources: [new AmazonEbsSource({ ...ebsProps(port), accessKey: Secret.env('KEY_ID'), secretKey: Secret.env('KEY'), assumeRole: { roleArn: 'arn:aws:iam::111122223333:role/Builder', sessionName: 'night build' } })],
    }));
    const result = await runProgram(p, { environment: { ...process.env, KEY_ID: 'AKIAGIVEN', KEY: 'very-secret-key' } });
    expect(result.targets[0]!.error).toBeUndefined();
    expect(new Set(server.front.calls.map(c => `${c.action.split(':')[0]} ${c.caller}`))).toEqual(new Set(['sts AKIAGIVEN', 'sts ASIANIGHTBUILD', 'ec2 ASIANIGHTBUILD']));
    expect(JSON.stringify([result, p.events])).not.toMatch(/very-secret-key|AKIAGIVEN/);
  });

  it('removes earlier generations of its family, but none that is in use, and none that only has such a name', async () => {
    const add = (id: string, day: number, tags: { readonly [key: string]: string }): void => {
      region().images.set(id, { life: [{ state: 'available' }], since: 0, permissions: [], productCodes: [], image: { ImageId: id, OwnerId: account, Name: `web-${id}`, CreationDate: `2026-01-0${day}T00:00:00.000Z`, Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })), BlockDeviceMappings: [] } });
    };
    for (const day of [1, 2, 3, 4]) add(`ami-${day}`, day, { 'imagebake:family': 'web' });
    add('ami-unfinished', 1, { 'imagebake:family': 'web', 'imagebake:expires-at': '2026-01-02T00:00:00Z' });
    add('ami-other', 1, { 'imagebake:family': 'db' });
    add('ami-untagged', 1, {});
    region().templates.set('lt-used', { template: { LaunchTemplateId: 'lt-used', Tags: [] }, data: { ImageId: 'ami-2' } });
    const { amiId } = await succeed(await build({ retention: { family: 'web', keep: 2 } }));
    expect([...region().images].filter(([, i]) => i.image.OwnerId === account).map(([id]) => id)).toEqual(['ami-2', 'ami-4', 'ami-unfinished', 'ami-other', 'ami-untagged', amiId]);
  });

  it('ends with nothing left in whatever phase it is cancelled', async () => {
    for (const phase of ['ImportKeyPair', 'CreateSecurityGroup', 'RunInstances', 'StopInstances', 'CreateImage', 'CopyImage', 'ModifyImageAttribute']) {
      const p = await build({ amiRegions: ['us-east-1'], amiUsers: ['444455556666'] }), stop = new AbortController();
      server.front.onCall = call => { if (call.action === `ec2:${phase}` && call.input['DryRun'] !== true) stop.abort(); };
      const result = await runProgram(p, { signal: stop.signal });
      server.front.onCall = undefined;
      expect([phase, result.outcome, server.world.inventory(), (await collectGarbage(join(p.folder, '.bake'))).found]).toEqual([phase, 'cancelled', [], []]);
    }
  });

  it('keeps the instance of a failed build on request, until gc is told to take it', async () => {
    const p = await build({}, 'exit 3');
    const result = await runProgram(p, { onFailure: 'keep' });
    expect(result.targets[0]!.outcome).toBe('kept');
    expect(server.world.inventory().map(what => what.split(' ')[1])).toEqual(['instance', 'key', 'security', 'volume']);
    expect(notesOf(p)).toContain('The machine stays');
    const journal = join(p.folder, '.bake'), { readFile, writeFile } = await import('node:fs/promises'), file = join(journal, 'journal', `${result.run}.jsonl`);
    // As if the process that wrote it were dead.
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"start":"\d+"/, '"start":"1"'));
    await collectGarbage(journal, { kept: true });
    expect(server.world.inventory()).toEqual([]);
  });

  it('finds by tags what nobody has a journal of, when its date is past, and leaves everything else alone', async () => {
    const mine = await runProgram(await build({ expiresAfter: Duration.milliseconds(1) }, 'exit 3'), { onFailure: 'keep' });
    await runProgram(await build({}, 'exit 3'), { onFailure: 'keep' });
    await succeed(await build());
    region().groups.set('sg-theirs', { GroupId: 'sg-theirs', GroupName: 'theirs', Tags: [{ Key: 'Name', Value: 'imagebake' }] });
    const before = server.world.inventory(), folder = (await build()).folder, options = { strays: ['source/amazon-ebs'] };
    built = [];
    const { found } = await collectGarbage(join(folder, '.bake'), { ...options, dryRun: true });
    expect(found.map(f => f.what)).toEqual([`instance in ${home}`, `volume in ${home}`, `security group in ${home}`, `key pair in ${home}`]);
    expect(new Set(found.map(f => f.run))).toEqual(new Set([mine.run]));
    expect(server.world.inventory()).toEqual(before);
    expect((await collectGarbage(join(folder, '.bake'), options)).failed).toEqual([]);
    expect(server.world.inventory()).toHaveLength(before.length - 4);
    expect(server.world.inventory()).toContain(`${home}: security group sg-theirs`);
  });

  it('provisions without an image where it is told to', async () => {
    const { amiId, amis } = await succeed(await build({ skipCreateAmi: true }));
    expect([amiId, amis]).toEqual(['', {}]);
    expect(server.world.inventory()).toEqual([]);
  });

  it('amazon-ebssurrogate makes an image of a disk that was filled from nothing', async () => {
    const p = await program(app => new ImageBuild(app, 'web', {
      sources: [new AmazonEbsSurrogateSource({
        ...ebsProps(port), launchBlockDeviceMappings: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(10), volumeType: 'gp3' }, { deviceName: '/dev/xvdg', volumeSize: Size.gib(1) }, { deviceName: '/dev/xvdh', volumeSize: Size.gib(2), omitFromArtifact: true }],
        amiRootDevice: { sourceDeviceName: '/dev/xvdf', deviceName: '/dev/xvda', volumeSize: Size.gib(12) }, bootMode: 'uefi', tpmSupport: 'v2.0', uefiData: 'QU1aTlVFRkk=', amiArchitecture: 'arm64', amiRegions: ['us-east-1'], snapshotDescription: 'a disk', snapshotTags: { Disk: 'yes' },
      })],
      provisioners: [new GuestCommand('true')],
    }));
    built.push(p);
    const { amis } = await succeed(p);
    const { image } = region().images.get(amis[home]!)!;
    expect(image).toMatchObject({ RootDeviceName: '/dev/xvda', BootMode: 'uefi', TpmSupport: 'v2.0', Architecture: 'arm64', EnaSupport: true });
    expect(image.BlockDeviceMappings).toMatchObject([{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 12, VolumeType: 'gp3', DeleteOnTermination: true } }, { DeviceName: '/dev/xvdg', Ebs: { VolumeSize: 1 } }]);
    expect(region().snapshots.get(image.BlockDeviceMappings![0]!.Ebs!.SnapshotId!)!.snapshot).toMatchObject({ Description: 'a disk', VolumeSize: 10, Tags: expect.arrayContaining([{ Key: 'Disk', Value: 'yes' }]) });
    expect(server.world.inventory().filter(what => what.includes('snapshot'))).toHaveLength(4);
    expect(left()).toEqual([]);
    server.world.lives.snapshot = [{ state: 'pending', for: 20 }, { state: 'error', reason: 'the key is gone' }];
    server.world.regions.clear();
    const failed = await runProgram(p);
    expect(failed.targets[0]!.error!.message).toMatch(/^Snapshot snap-\w+ is error: the key is gone$/);
    expect(server.world.inventory()).toEqual([]);
  });

  it('amazon-ebssurrogate makes an image of the whole instance too, with the disk in the place of its root', async () => {
    const p = await program(app => new ImageBuild(app, 'web', {
      sources: [new AmazonEbsSurrogateSource({
        ...ebsProps(port), useCreateImage: true, launchBlockDeviceMappings: [{ deviceName: '/dev/xvdf', volumeSize: Size.gib(10) }, { deviceName: '/dev/xvdg', volumeSize: Size.gib(1), omitFromArtifact: true }],
        amiRootDevice: { sourceDeviceName: '/dev/xvdf', deviceName: '/dev/xvda', volumeType: 'gp3' },
      })],
      provisioners: [new GuestCommand('true')],
    }));
    built.push(p);
    const { amiId } = await succeed(p), { image } = region().images.get(amiId)!;
    expect(image).toMatchObject({ RootDeviceName: '/dev/xvda', SourceImageId: 'ami-00000000debian12' });
    expect(image.BlockDeviceMappings).toMatchObject([{ DeviceName: '/dev/xvda', Ebs: { VolumeSize: 10, VolumeType: 'gp3', DeleteOnTermination: true } }]);
    expect(region().snapshots.get(image.BlockDeviceMappings![0]!.Ebs!.SnapshotId!)!.snapshot.VolumeSize).toBe(10);
    expect([left(), calls('RegisterImage')]).toEqual([[], []]);
  });

  it('amazon-ebsvolume leaves volumes and snapshots, and nothing else', async () => {
    const { amiName: _name, ...props } = ebsProps(port);
    const p = await program(app => new ImageBuild(app, 'data', {
      sources: [new AmazonEbsVolumeSource({ ...props, ebsVolumes: [
        { deviceName: '/dev/xvdf', volumeSize: Size.gib(10), tags: { Name: 'data' } },
        { deviceName: '/dev/xvdg', volumeSize: Size.gib(20), deleteOnTermination: true, snapshotVolume: true, snapshotTags: { Name: 'copy' }, snapshotUsers: ['444455556666'] },
      ] })],
      provisioners: [new GuestCommand('true')],
    }));
    built.push(p);
    const result = await runProgram(p);
    expect(result.targets[0]!.error).toBeUndefined();
    const { volumes, snapshots } = result.targets[0]!.outputs as { volumes: { [device: string]: string }; snapshots: { [device: string]: string } };
    expect([Object.keys(volumes), Object.keys(snapshots)]).toEqual([['/dev/xvdf'], ['/dev/xvdg']]);
    expect(server.world.inventory()).toEqual([`${home}: snapshot ${snapshots['/dev/xvdg']}`, `${home}: volume ${volumes['/dev/xvdf']}`]);
    expect(region().snapshots.get(snapshots['/dev/xvdg']!)).toMatchObject({ permissions: [{ UserId: '444455556666' }], snapshot: { VolumeSize: 20, Tags: expect.arrayContaining([{ Key: 'Name', Value: 'copy' }]) } });
    expect(region().volumes.get(volumes['/dev/xvdf']!)!.volume.Tags).toEqual(expect.arrayContaining([{ Key: 'Name', Value: 'data' }]));
    expect(JSON.stringify([...region().volumes.values()].map(v => v.volume.Tags))).not.toContain('expires-at');
    const driver = (await import('../../../lib/runtime/sources/amazon-ebsvolume.js')).default, [artifact] = result.targets[0]!.artifacts;
    expect(await driver.present(artifact!)).toBe(true);
    await driver.destroy(artifact!);
    expect([await driver.present(artifact!), server.world.inventory()]).toEqual([false, []]);
  });

  it('reaches an instance that nobody can connect to through the session manager, whose plugin may be slow and end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bake-ssm-')), plugin = join(folder, 'session-manager-plugin');
    // Ends after its first connection, and says something else each time; what counts is whether the guest answers.
    writeFileSync(plugin, `#!${process.execPath}
const net = require('node:net'), [session,,,, target] = process.argv.slice(2), [host, port] = JSON.parse(session).TokenValue.split(':');
console.log('Starting ' + Math.random());
setTimeout(() => net.createServer(socket => {
  const inside = net.connect(Number(port), host);
  socket.on('error', () => {}); inside.on('error', () => socket.destroy());
  socket.pipe(inside).pipe(socket);
  socket.on('close', () => process.exit(0));
}).listen(Number(JSON.parse(target).Parameters.localPortNumber[0]), '127.0.0.1'), 200);
`, { mode: 0o755 });
    server.world.profiles.set('ssm', { roles: [] });
    const path = process.env['PATH'];
    process.env['PATH'] = `${folder}:${path}`;
    try {
      await succeed(await build({ sshInterface: 'session_manager', iamInstanceProfile: 'ssm', temporarySecurityGroupSourceCidrs: undefined }));
      expect(server.world.tunnels.length).toBeGreaterThan(0);
      expect(calls('AuthorizeSecurityGroupIngress')).toEqual([]);
    } finally {
      process.env['PATH'] = path;
      rmSync(folder, { recursive: true });
    }
    const without = await runProgram(await build({ sshInterface: 'session_manager', iamInstanceProfile: 'ssm' }));
    expect(without).toMatchObject({ exit: 5, problems: [{ code: 'SSM_NO_PLUGIN' }] });
    expect(left()).toEqual(['instance profile ssm']);
  });

  it('says beforehand what would be made, where and as whom, and makes nothing', async () => {
    const p = await build({ amiName: 'web-1', amiRegions: ['us-east-1'], encryptBoot: true, kmsKeyId: 'alias/home', regionKmsKeyIds: { 'us-east-1': 'alias/there' }, amiUsers: ['444455556666'], fallbackInstanceTypes: ['t2.small'], retention: { family: 'web', keep: 5 } });
    const [target] = await forecast(p.plan, { programFolder: p.folder, kinds: [guestCommand as never] });
    expect(target!.makes).toEqual([
      `as arn:aws:iam::${account}:user/builder`, `starts an instance (t3.small, else t2.small) in ${home} from ami-00000000debian12 (debian-12-amd64-20261101)`,
      `makes the image 'web-1' in ${home}, encrypted with alias/home; us-east-1, encrypted with alias/there`, 'shares it with 444455556666', 'keeps the newest 5 of \'web\'',
    ]);
    expect(server.world.inventory()).toEqual([]);
  });
});
