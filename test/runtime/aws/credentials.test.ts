import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusal } from '../../../lib/runtime/aws/refusals.js';
import { type Access, openSession, type SessionOptions } from '../../../lib/runtime/aws/session.js';
import { type Ec2Server, startEc2 } from '../../support/ec2-server/server.js';

describe('who AWS is spoken to as', () => {
  let server: Ec2Server, folder: string, gives: Server, given: string;
  const before = { ...process.env };
  const file = (name: string, text: string): string => { writeFileSync(join(folder, name), text); return join(folder, name); };
  beforeAll(async () => {
    server = await startEc2();
    folder = mkdtempSync(join(tmpdir(), 'bake-aws-'));
    // A container's and an instance's service for credentials.
    gives = createServer((request, response) => {
      const keys = { AccessKeyId: request.url!.includes('/latest/') ? 'ASIAINSTANCE' : 'ASIACONTAINER', SecretAccessKey: 's', Token: 't', Expiration: new Date(Date.now() + 3_600_000).toISOString(), Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString() };
      response.end(request.url!.endsWith('/api/token') ? 'token' : request.url!.endsWith('/security-credentials/') ? 'builder' : JSON.stringify(keys));
    });
    await new Promise<void>(resolve => gives.listen(0, '127.0.0.1', resolve));
    given = `http://127.0.0.1:${(gives.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, { AWS_ENDPOINT_URL: server.front.url, AWS_EC2_METADATA_DISABLED: 'true', AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' });
  });
  afterAll(async () => {
    process.env = before;
    await server?.[Symbol.asyncDispose]();
    await new Promise(resolve => { gives.close(resolve); gives.closeAllConnections(); });
    rmSync(folder, { recursive: true, force: true });
  });
  const caller = async (access: Partial<Access> = {}, options: SessionOptions = {}): Promise<string> => {
    const session = openSession({ region: 'eu-central-1', maxRetries: 0, ...access }, options);
    try { await session.ec2('DescribeRegions', {}); return server.front.calls.at(-1)!.caller; } finally { session.close(); }
  };

  it('keys given win over everything', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's' });
    expect(await caller({}, { keys: { accessKey: 'AKIAGIVEN', secretKey: 's' } })).toBe('AKIAGIVEN');
  });
  it('the environment', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's' });
    expect(await caller()).toBe('AKIAENV');
  });
  it('a profile of the configuration files, which may run a program', async () => {
    process.env['AWS_CONFIG_FILE'] = file('config', `[profile team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = s\n[profile vault]\ncredential_process = printf '{"Version":1,"AccessKeyId":"AKIAVAULT","SecretAccessKey":"s"}'\n`);
    expect([await caller({ profile: 'team' }), await caller({ profile: 'vault' })]).toEqual(['AKIATEAM', 'AKIAVAULT']);
  });
  it('a credentials file of another name', async () => {
    expect(await caller({ profile: 'ci', sharedCredentialsFile: file('other', '[ci]\naws_access_key_id = AKIACI\naws_secret_access_key = s\n') })).toBe('AKIACI');
  });
  it('a web identity, as CI systems have it', async () => {
    Object.assign(process.env, { AWS_WEB_IDENTITY_TOKEN_FILE: file('token', 'ci'), AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/Ci', AWS_REGION: 'eu-central-1' });
    expect(await caller()).toBe('ASIAWEBCI');
  });
  it('a container\'s role', async () => {
    process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `${given}/role`;
    expect(await caller()).toBe('ASIACONTAINER');
  });
  it('an instance\'s role', async () => {
    delete process.env['AWS_EC2_METADATA_DISABLED'];
    process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = given;
    expect(await caller()).toBe('ASIAINSTANCE');
  });
  it('a role taken with any of them', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's' });
    expect(await caller({ assumeRole: { roleArn: 'arn:aws:iam::111122223333:role/Builder', sessionName: 'nightly' } })).toBe('ASIANIGHTLY');
  });
  it('nobody: the error says how to log in', async () => {
    await expect(caller()).rejects.toMatchObject({ code: 'AWS_CREDENTIALS', remedy: expect.stringContaining('aws sso login') });
  });
  it('who may not: a coded refusal is decoded where that is allowed, else the command that decodes it is named', async () => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIAENV', AWS_SECRET_ACCESS_KEY: 's' });
    const { world } = server;
    world.encodesRefusals = true;
    world.denied.add('ec2:DescribeRegions');
    try {
      await expect(caller({ decode: true })).rejects.toMatchObject({
        code: 'AWS_DENIED', message: 'AWS does not allow ec2:DescribeRegions: no policy allows arn:aws:iam::111122223333:user/builder to do ec2:DescribeRegions on arn:aws:ec2:eu-central-1:111122223333:instance/*',
        remedy: 'Allow ec2:DescribeRegions to whom you build as. `bake policy aws` prints all that this program needs.',
      });
      const plain = { message: 'AWS does not allow ec2:DescribeRegions: You are not authorized to perform this operation.', remedy: expect.stringMatching(/\naws sts decode-authorization-message --query DecodedMessage --output text --encoded-message [\w-]{100,}$/) };
      await expect(caller()).rejects.toMatchObject(plain);
      world.denied.add('sts:DecodeAuthorizationMessage');
      await expect(caller({ decode: true })).rejects.toMatchObject(plain);
    } finally { world.encodesRefusals = false; world.denied.clear(); }
  });
  it('whose credentials ended: it is said at which call, and that something may have stayed', () => {
    const error = refusal('ec2:CreateImage', 'eu-central-1', Object.assign(new Error('Request has expired.'), { name: 'RequestExpired' }));
    expect(error).toMatchObject({ code: 'AWS_EXPIRED', message: 'The AWS credentials ended before the build did, at ec2:CreateImage: Request has expired.', remedy: expect.stringContaining('bake gc'), retryable: false });
  });
  it('a name of a region that there is not, which is not asked for again', () => {
    const error = refusal('ec2:DescribeRegions', 'eu-nowhere-1', Object.assign(new Error('getaddrinfo ENOTFOUND ec2.eu-nowhere-1.amazonaws.com'), { code: 'ENOTFOUND' }));
    expect([error.code, error.retryable]).toEqual(['AWS_NO_REGION', false]);
  });
});
