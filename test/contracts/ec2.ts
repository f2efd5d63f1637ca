/** What the AMI builder does on any EC2: run on our own strict one and on moto. */
import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { AmazonEbsSource, ImageBuild, sourceImage, text } from '../../lib/index.js';
import { outsideOf } from '../../lib/runtime/checkpoints/outside.js';
import { CheckpointStore } from '../../lib/runtime/checkpoints/store.js';
import { collectGarbage } from '../../lib/runtime/gc.js';
import type { RunResult } from '../../lib/runtime/results.js';
import type { RunOptions } from '../../lib/runtime/run.js';
import { ebsProps, newName } from './ec2-props.js';
import { sshGuests } from '../support/ec2-server/guests.js';
import { inventory } from '../support/ec2-server/inventory.js';
import type { Front } from '../support/ec2-server/front.js';
import type { Guests } from '../support/ec2-server/server.js';
import { GuestCommand, guestCommand } from '../support/guest-command.js';
import { program, type TestProgram } from '../support/program.js';

export interface Ec2Backend extends AsyncDisposable { readonly ignoresTokens?: true; readonly front: Front; readonly environment: { readonly [name: string]: string } }

const home = 'eu-central-1', regions = [home, 'us-east-1', 'eu-west-1'];
export const runProgram = (p: TestProgram, options: RunOptions = {}): Promise<RunResult> => p.run({ kinds: [guestCommand as never], ...options });
export const notesOf = (p: TestProgram): string => p.events.flatMap(e => (e.type === 'note' || e.type === 'warning' ? [e.message] : [])).join('\n');

export function ec2Contract(start: (guests: Guests) => Promise<Ec2Backend>): void {
  let server: Ec2Backend, port: number, found: readonly string[];
  const before = { ...process.env };
  beforeAll(async () => {
    const guests = await sshGuests();
    ({ port } = guests);
    server = await start(guests);
    Object.assign(process.env, server.environment);
  });
  afterAll(async () => {
    process.env = before;
    await server?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    found = await inventory(regions);
    server.front.faults = [];
    server.front.complaints.length = 0;
    server.front.calls.length = 0;
  });
  /** What there is now that was not there when the test began. */
  const made = async (): Promise<string[]> => (await inventory(regions)).filter(what => !found.includes(what));
  const calls = (name: string): number => server.front.calls.filter(c => c.action === `ec2:${name}` && c.input['DryRun'] !== true).length;
  const build = (more: object = {}, command?: (folder: string) => string): Promise<TestProgram> => program((app, folder) => new ImageBuild(app, 'web', {
    sources: [new AmazonEbsSource(ebsProps(port, more))], provisioners: [new GuestCommand(command?.(folder) ?? 'true')],
  }));

  it('makes an image of an instance that was really provisioned, and leaves nothing else', async () => {
    const p = await build({
      sourceAmi: undefined, sourceAmiFilter: { owners: ['136693071363'], filters: { name: 'debian-*' }, mostRecent: true }, tags: { Base: sourceImage.name, Packer: 'on {{ .SourceAMI }}', Text: text`from ${sourceImage.id} in ${sourceImage.region}` },
      snapshotTags: { Part: 'disk' },
    }, folder => `echo provisioned by $(id -un) > ${join(folder, 'guest')}`);
    const result = await runProgram(p), [target] = result.targets;
    expect(target!.error).toBeUndefined();
    expect(await p.read('guest')).toBe(`provisioned by ${userInfo().username}\n`);
    const { amiId, amis, snapshots } = target!.outputs as { amiId: string; amis: object; snapshots: { [region: string]: string[] } };
    expect(target!.outputs).toMatchObject({ region: home, sourceAmi: 'ami-00000000debian12', sourceAmiName: 'debian-12-amd64-20261101' });
    expect(amis).toEqual({ [home]: amiId });
    expect(target!.artifacts).toMatchObject([{ madeBy: 'source/amazon-ebs', id: `${home}:${amiId}` }]);
    expect(await made()).toEqual([expect.stringContaining(amiId), ...snapshots[home]!.map(s => `${home}: snapshot ${s}`)]);
    expect(await tagsOf(amiId)).toMatchObject({ Base: 'debian-12-amd64-20261101', Packer: 'on ami-00000000debian12', Text: `from ami-00000000debian12 in ${home}`, 'imagebake:run-id': result.run, 'imagebake:target': 'web/amazon-ebs' });
    expect(await tagsOf(amiId)).not.toHaveProperty('imagebake:expires-at');
    expect(await tagsOf(snapshots[home]![0]!)).toMatchObject({ Part: 'disk', 'imagebake:run-id': result.run });
    expect(server.front.complaints).toEqual([]);
    expect(existsSync(join(p.folder, '.bake/journal', `${result.run}.jsonl`))).toBe(false);
  });

  const tagsOf = async (id: string): Promise<{ [key: string]: string }> => {
    const { DescribeTagsCommand, EC2Client } = await import('@aws-sdk/client-ec2'), client = new EC2Client({ region: home });
    const { Tags = [] } = await client.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [id] }] }));
    client.destroy();
    return Object.fromEntries(Tags.map(t => [t.Key!, t.Value!]));
  };

  it('copies the image to other regions at the same time, and shares it', async () => {
    const p = await build({ amiRegions: ['us-east-1', 'eu-west-1'], amiUsers: ['444455556666'] });
    const [target] = (await runProgram(p)).targets;
    expect(target!.error).toBeUndefined();
    const { amis } = target!.outputs as { amis: { [region: string]: string } };
    expect(Object.keys(amis).sort()).toEqual([...regions].sort());
    expect(calls('CopyImage')).toBe(2);
    expect(server.front.calls.filter(c => c.action === 'ec2:ModifyImageAttribute' && c.input['DryRun'] !== true).map(c => c.region).sort()).toEqual([...regions].sort());
    expect((await made()).filter(what => !/image|snapshot/.test(what))).toEqual([]);
    expect(server.front.complaints).toEqual([]);
  });

  it('leaves nothing when a step fails, and says which', async () => {
    const result = await runProgram(await build({}, () => 'echo no luck; exit 7'));
    expect(result).toMatchObject({ outcome: 'failed', targets: [{ failedStep: 'web/@test:guest:command' }] });
    expect(await made()).toEqual([]);
  });

  it('finds a taken name before anything is made, and takes it over only on request, when the new image is ready', async () => {
    const name = newName();
    const first = (await runProgram(await build({ amiName: name }))).targets[0]!.outputs as { amiId: string };
    server.front.calls.length = 0;
    const refused = await runProgram(await build({ amiName: name }));
    expect(refused).toMatchObject({ exit: 5, problems: [{ code: 'AMI_NAME_TAKEN', message: `There is an image '${name}' in ${home} already: ${first.amiId}.` }] });
    expect(calls('RunInstances')).toBe(0);
    const second = await runProgram(await build({ amiName: name, forceDeregister: true, forceDeleteSnapshot: true }));
    expect(second.targets[0]!.error).toBeUndefined();
    const order = server.front.calls.filter(c => c.input['DryRun'] !== true).map(c => c.action);
    expect(order.indexOf('ec2:DeregisterImage')).toBeGreaterThan(order.indexOf('ec2:StopInstances'));
    expect((await made()).filter(what => what.includes('image'))).toEqual([expect.stringContaining((second.targets[0]!.outputs as { amiId: string }).amiId)]);
  });

  it('tries again after throttling and faults of the server, and never after a refusal', async () => {
    server.front.faults = [
      { call: 'RunInstances', nth: 1, then: { code: 'RequestLimitExceeded', status: 503 } }, { call: 'StopInstances', nth: 1, then: { code: 'InternalError', status: 500 } },
      { call: 'DescribeInstances', nth: [2, 3], then: 'drop-before' }, { call: 'CreateImage', nth: 1, then: { code: 'Throttling' } },
      // Made a moment ago, and not seen everywhere yet.
      { call: 'AuthorizeSecurityGroupIngress', nth: 1, then: { code: 'InvalidGroup.NotFound' } },
    ];
    const result = await runProgram(await build());
    expect(result.targets[0]!.error).toBeUndefined();
    expect([calls('RunInstances'), calls('StopInstances'), calls('CreateImage')]).toEqual([2, 2, 2]);
    server.front.faults = [{ call: 'StopInstances', then: { code: 'UnauthorizedOperation', status: 403, message: 'You are not authorized.' } }];
    server.front.calls.length = 0;
    const denied = await runProgram(await build());
    expect(denied.targets[0]!.error).toMatchObject({ code: 'AWS_DENIED', message: 'AWS does not allow ec2:StopInstances: You are not authorized.', remedy: expect.stringContaining('bake policy aws') });
    expect(calls('StopInstances')).toBe(1);
  });

  it('makes nothing twice when an answer is lost', async () => {
    server.front.faults = ['ImportKeyPair', 'CreateSecurityGroup', 'CreateImage', ...(server.ignoresTokens ? [] : ['CopyImage'])].map(call => ({ call, nth: 1, then: 'drop-after' as const }));
    const p = await build({ amiRegions: ['us-east-1'] }), result = await runProgram(p);
    expect(result.targets[0]!.error).toBeUndefined();
    const { amis, snapshots } = result.targets[0]!.outputs as { amis: { [region: string]: string }; snapshots: { [region: string]: string[] } };
    expect((await made()).map(what => what.split(' ').slice(0, 3).join(' '))).toEqual(Object.entries(amis).flatMap(([region, id]) => [`${region}: image ${id}`, ...snapshots[region]!.map(s => `${region}: snapshot ${s}`)]).sort());
  });

  it('does nothing where the image is there and nothing changed, and makes it again where it is gone', async () => {
    const p = await build(), checkpoints = { store: new CheckpointStore(join(p.folder, 'store')) };
    const first = await runProgram(p, { checkpoints });
    expect(first.targets[0]!.error).toBeUndefined();
    server.front.calls.length = 0;
    expect(await runProgram(p, { checkpoints })).toMatchObject({ targets: [{ outcome: 'cached', outputs: first.targets[0]!.outputs }] });
    expect(calls('RunInstances')).toBe(0);
    const driver = (await import('../../lib/runtime/sources/amazon-ebs.js')).default;
    await driver.destroy(first.targets[0]!.artifacts[0]!);
    expect(await made()).toEqual([]);
    expect((await runProgram(p, { checkpoints })).targets[0]).toMatchObject({ outcome: 'done' });
  });

  it('goes on from an instance that was saved on request, until that is forgotten', async () => {
    const steps = join((await build()).folder, 'steps'), of = (word: string): Promise<TestProgram> => program(app => new ImageBuild(app, 'web', {
      sources: [new AmazonEbsSource(ebsProps(port))], provisioners: [new GuestCommand(`echo first >> ${steps}`, { name: 'first', checkpoint: 'always' }), new GuestCommand(`echo ${word} >> ${steps}`)],
    }));
    const p = await of('one'), store = new CheckpointStore(join(p.folder, 'store'), outsideOf());
    for (const each of [p, await of('two')]) expect((await runProgram(each, { checkpoints: { store } })).targets[0]!.error).toBeUndefined();
    expect(readFileSync(steps, 'utf8')).toBe('first\none\ntwo\n');
    const left = await made(), [checkpoint] = left.filter(what => what.includes('imagebake-checkpoint'));
    expect(left.filter(what => !/: (image|snapshot) /.test(what))).toEqual([]);
    expect(await collectGarbage(join(p.folder, '.bake'))).toMatchObject({ found: [] });
    await store.prune({ all: true });
    expect(left.length - (await made()).length).toBe(2);
    expect(await made()).not.toContain(checkpoint);
  });

  it('ends with nothing left when it is cancelled while it waits', async () => {
    for (const phase of ['RunInstances', 'CreateImage']) {
      const p = await build(), stop = new AbortController();
      server.front.onCall = call => { if (call.action === `ec2:${phase}` && call.input['DryRun'] !== true) setTimeout(() => stop.abort(), 30); };
      const result = await runProgram(p, { signal: stop.signal });
      server.front.onCall = undefined;
      expect(result.outcome).toBe('cancelled');
      expect(await made()).toEqual([]);
      expect(await collectGarbage(join(p.folder, '.bake'))).toMatchObject({ found: [] });
    }
  });
}
