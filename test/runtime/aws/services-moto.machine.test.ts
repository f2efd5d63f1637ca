/** What moto knows beside EC2: parameters, secrets, and policies that are really enforced. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AmazonAmiData, AmazonEbsSource, AmazonImportPostProcessor, AmazonParameterstoreData, AmazonSecretsmanagerData, Duration, FileSource, ImageBuild, NullSource, ShellLocalProvisioner, SsmParameterPostProcessor, text } from '../../../lib/index.js';
import { policyFor } from '../../../lib/runtime/aws/policy.js';
import { runProgram } from '../../contracts/ec2.js';
import { ebsProps } from '../../contracts/ec2-props.js';
import { dataContract } from '../../contracts/data-driver.js';
import { fileArtifact, postProcessorContract } from '../../contracts/post-processor-driver.js';
import { startEc2 } from '../../support/ec2-server/server.js';
import { sshGuests } from '../../support/ec2-server/guests.js';
import { requires } from '../../support/machine.js';
import { type Moto, startMoto } from '../../support/moto/moto.js';
import { outputOf, program } from '../../support/program.js';

const region = 'eu-central-1';

requires('sshd', 'moto')('Amazon\'s other services', () => {
  let moto: Moto, port: number;
  const before = { ...process.env };
  beforeAll(async () => {
    const guests = await sshGuests();
    ({ port } = guests);
    moto = await startMoto({ guests });
    Object.assign(process.env, moto.environment);
  });
  afterAll(async () => { process.env = before; await moto?.[Symbol.asyncDispose](); });

  it('data sources find images and parameters, which stand in images.lock from then on; secrets do not, nor are they shown', async () => {
    const ssm = new SSMClient({ region }), secrets = new SecretsManagerClient({ region });
    await ssm.send(new PutParameterCommand({ Name: '/images/motd', Value: 'hello', Type: 'String' }));
    await ssm.send(new PutParameterCommand({ Name: '/images/token', Value: 'token-from-ssm', Type: 'SecureString' }));
    await secrets.send(new CreateSecretCommand({ Name: 'login', SecretString: JSON.stringify({ user: 'web', password: 'very-secret-password' }) }));
    const p = await program(app => {
      const ami = new AmazonAmiData(app, 'debian', { region, owners: ['136693071363'], filters: { name: 'debian-*' }, mostRecent: true });
      const motd = new AmazonParameterstoreData(app, 'motd', { region, name: '/images/motd' });
      const token = new AmazonParameterstoreData(app, 'token', { region, name: '/images/token', withDecryption: true, sensitive: true });
      const login = new AmazonSecretsmanagerData(app, 'login', { region, name: 'login', key: 'password' });
      new ImageBuild(app, 'web', {
        sources: [new NullSource()],
        provisioners: [new ShellLocalProvisioner({ inline: [text`echo ${ami.outputs.id} ${ami.outputs.name} ${motd.outputs.value} ${motd.outputs.version}`, 'echo "$PASSWORD $TOKEN"'], environment: { PASSWORD: login.outputs.value, TOKEN: token.outputs.value } })],
      });
    });
    const lock = { file: join(p.folder, 'images.lock') };
    const result = await p.run({ lock });
    expect([result.problems, result.targets[0]?.error]).toEqual([[], undefined]);
    expect(outputOf(p.events)).toMatch(/^ami-00000000debian12 debian-12-amd64-20261101 hello 1\n/);
    const recorded = readFileSync(lock.file, 'utf8');
    expect(recorded).toContain('ami-00000000debian12');
    expect(recorded).toContain('hello');
    expect([recorded, JSON.stringify(p.events), JSON.stringify(result)].join()).not.toMatch(/very-secret-password|token-from-ssm/);
    // Recorded is recorded: what changed meanwhile is news for `bake update`.
    await ssm.send(new PutParameterCommand({ Name: '/images/motd', Value: 'goodbye', Type: 'String', Overwrite: true }));
    await p.run({ lock });
    expect(outputOf(p.events)).not.toContain('goodbye');
  });

  it('a SecureString that is not declared sensitive, and a parameter that is not there, are problems with a remedy', async () => {
    const problemOf = async (name: string) => (await (await program(app => {
      const data = new AmazonParameterstoreData(app, 'it', { region, name, withDecryption: true });
      new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ inline: [text`echo ${data.outputs.value}`] })] });
    })).run()).problems;
    expect(await problemOf('/images/token')).toMatchObject([{ code: 'PARAMETER_SECURE', path: 'it', remedy: expect.stringContaining('sensitive: true') }]);
    expect(await problemOf('/images/nothing')).toMatchObject([{ code: 'PARAMETER_NOT_THERE', message: `There is no parameter '/images/nothing' in ${region}.` }]);
  });

  it('the image\'s id is written into a parameter in each of its regions', async () => {
    const p = await program(app => new ImageBuild(app, 'web', { sources: [new AmazonEbsSource(ebsProps(port, { amiRegions: ['us-east-1'] }))], postProcessors: [new SsmParameterPostProcessor({ parameter: '/images/web', checked: false })] }));
    const result = await runProgram(p), [target] = result.targets;
    expect([result.problems, target?.error]).toEqual([[], undefined]);
    for (const [where, id] of Object.entries((target!.outputs as { amis: { [region: string]: string } }).amis)) {
      const ssm = new SSMClient({ region: where });
      expect((await ssm.send(new GetParameterCommand({ Name: '/images/web' }))).Parameter?.Value).toBe(id);
    }
    expect(target!.artifacts.map(a => a.madeBy)).toEqual(['source/amazon-ebs', 'post-processor/ssm-parameter']);
  });

  it('a disk that was built here becomes an AMI through a bucket, in which nothing stays', async () => {
    const s3 = new S3Client({ region });
    await s3.send(new CreateBucketCommand({ Bucket: 'images', CreateBucketConfiguration: { LocationConstraint: region } }));
    // moto imports nothing: our own EC2 does.
    const ec2 = await startEc2({ speed: 1000 });
    Object.assign(process.env, { AWS_ENDPOINT_URL_EC2: ec2.front.url });
    try {
      const disk = (props: object) => program(app => new ImageBuild(app, 'disk', { sources: [new FileSource({ target: 'disk.raw', content: 'x'.repeat(9_000_000) })], postProcessors: [new AmazonImportPostProcessor({ region, s3BucketName: 'images', polling: { delay: Duration.milliseconds(20) }, ...props })] }));
      const p = await disk({ amiName: 'imported', amiEncrypt: true, amiUsers: ['444455556666'], tags: { From: 'here' }, bootMode: 'uefi' });
      const result = await p.run(), [target] = result.targets;
      expect([result.problems, target?.error]).toEqual([[], undefined]);
      const { amiId } = target!.artifacts.at(-1)!.outputs as { amiId: string };
      const { image, permissions } = ec2.world.region(region).images.get(amiId)!;
      expect([image.Name, permissions]).toEqual(['imported', [{ UserId: '444455556666' }]]);
      expect(image.Tags).toEqual(expect.arrayContaining([{ Key: 'From', Value: 'here' }]));
      expect(ec2.world.inventory().filter(what => what.includes('image'))).toEqual([`${region}: image ${amiId} imported`]);
      expect(ec2.front.calls.find(c => c.action === 'ec2:ImportImage')!.input).toMatchObject({ BootMode: 'uefi', DiskContainers: [{ Format: 'raw', UserBucket: { S3Bucket: 'images' } }] });
      const plain = await (await disk({})).run();
      expect([plain.problems, plain.targets[0]?.error]).toEqual([[], undefined]);
      ec2.world.lives.importTask = [{ state: 'active', for: 20 }, { state: 'deleted', reason: 'ClientError: Unknown OS / Missing OS files' }];
      const failed = await (await disk({ amiName: 'other' })).run();
      expect(failed.targets[0]!.error!.message).toMatch(/^Import import-ami-\w+ is deleted: ClientError: Unknown OS \/ Missing OS files$/);
      expect(ec2.world.inventory().filter(what => what.includes('image'))).toHaveLength(2);
      expect((await s3.send(new ListObjectsV2Command({ Bucket: 'images' }))).Contents ?? []).toEqual([]);
      expect((await s3.send(new ListMultipartUploadsCommand({ Bucket: 'images' }))).Uploads ?? []).toEqual([]);
      expect(await (await disk({ s3BucketName: 'no-such-bucket' })).run()).toMatchObject({ exit: 5, problems: [{ code: 'AWS_REFUSED', message: expect.stringContaining('NoSuchBucket') }] });
      expect(ec2.front.complaints).toEqual([]);
    } finally {
      delete process.env['AWS_ENDPOINT_URL_EC2'];
      await ec2[Symbol.asyncDispose]();
    }
  });

  describe('amazon-ami keeps the contract of data sources:', () => dataContract('amazon-ami', {
    readable: app => new AmazonAmiData(app, 'it', { region, owners: ['136693071363'], filters: { name: 'debian-*' }, mostRecent: true }),
    missing: app => new AmazonAmiData(app, 'it', { region, owners: ['136693071363'], filters: { name: 'no-such-*' }, mostRecent: true }),
  }));
  describe('amazon-parameterstore keeps the contract of data sources:', () => {
    beforeAll(async () => { await new SSMClient({ region }).send(new PutParameterCommand({ Name: '/contract', Value: 'x', Type: 'String', Overwrite: true })); });
    dataContract('amazon-parameterstore', { readable: app => new AmazonParameterstoreData(app, 'it', { region, name: '/contract' }), missing: app => new AmazonParameterstoreData(app, 'it', { region, name: '/no/such' }) });
  });
  describe('amazon-secretsmanager keeps the contract of data sources:', () => {
    beforeAll(async () => { await new SecretsManagerClient({ region }).send(new CreateSecretCommand({ Name: 'contract', SecretString: 'x' })); });
    dataContract('amazon-secretsmanager', { readable: app => new AmazonSecretsmanagerData(app, 'it', { region, name: 'contract' }), missing: app => new AmazonSecretsmanagerData(app, 'it', { region, name: 'no-such' }) });
  });
  describe('ssm-parameter keeps the contract of post-processors:', () => postProcessorContract('ssm-parameter', () => ({
    postProcessor: () => new SsmParameterPostProcessor({ parameter: '/images/contract', checked: false }),
    input: () => ({ madeBy: 'source/amazon-ebs', id: `${region}:ami-1`, files: [], data: { amis: { [region]: 'ami-1' } }, outputs: { amiId: 'ami-1' } }),
  })));
  describe('amazon-import keeps the contract of post-processors:', () => {
    let ec2: Awaited<ReturnType<typeof startEc2>>;
    beforeAll(async () => {
      await new S3Client({ region }).send(new CreateBucketCommand({ Bucket: 'contract', CreateBucketConfiguration: { LocationConstraint: region } }));
      ec2 = await startEc2({ speed: 1000 });
      Object.assign(process.env, { AWS_ENDPOINT_URL_EC2: ec2.front.url });
    });
    afterAll(async () => { delete process.env['AWS_ENDPOINT_URL_EC2']; await ec2[Symbol.asyncDispose](); });
    postProcessorContract('amazon-import', () => ({
      postProcessor: () => new AmazonImportPostProcessor({ region, s3BucketName: 'contract', polling: { delay: Duration.milliseconds(20) } }), input: folder => fileArtifact(join(folder, 'disk.raw'), 'a disk'),
    }));
  });

  it('the policy that bake policy aws prints is enough; one action less, and preflight names it', async () => {
    const p = await program(app => new ImageBuild(app, 'web', { sources: [new AmazonEbsSource(ebsProps(port, { amiRegions: ['us-east-1'] }))] }));
    const policy = policyFor(p.plan) as { Statement: { Sid: string; Action: string[] }[] };
    const iam = new IAMClient({ region: 'us-east-1' });
    const userWith = async (name: string, document: object): Promise<void> => {
      await iam.send(new CreateUserCommand({ UserName: name }));
      await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: 'build', PolicyDocument: JSON.stringify(document) }));
      const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
      Object.assign(process.env, { [`${name}_ID`]: AccessKey!.AccessKeyId, [`${name}_SECRET`]: AccessKey!.SecretAccessKey });
    };
    const become = (name: string): void => { Object.assign(process.env, { AWS_ACCESS_KEY_ID: process.env[`${name}_ID`], AWS_SECRET_ACCESS_KEY: process.env[`${name}_SECRET`] }); };
    await userWith('builder', policy);
    await userWith('weak', { ...policy, Statement: policy.Statement.map(s => ({ ...s, Action: s.Action.filter(a => a !== 'ec2:RunInstances') })) });
    await fetch(`${moto.url}/moto-api/reset-auth`, { method: 'POST', body: '0' });
    try {
      become('weak');
      expect(await runProgram(p)).toMatchObject({ exit: 5, problems: [{ code: 'AWS_ACTIONS_DENIED', message: expect.stringMatching(/user\/weak may not do what this build needs: ec2:RunInstances\.$/) }] });
      become('builder');
      const result = await runProgram(p);
      expect([result.problems, result.targets[0]?.error, result.warnings]).toEqual([[], undefined, []]);
    } finally {
      Object.assign(process.env, moto.environment);
      await fetch(`${moto.url}/moto-api/reset-auth`, { method: 'POST', body: 'inf' });
    }
  });
});
