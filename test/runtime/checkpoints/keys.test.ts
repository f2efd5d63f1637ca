import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { AmazonEbsSource, App, DockerSource, Duration, generated, host, ImageBuild, QemuSource, Secret, ShellProvisioner, Size, text, timestamp, uuid, Variable } from '../../../lib/index.js';
import { field, Provisioner, provisioner, Source, source } from '../../../lib/kit.js';
import { captureKey, type LateInputs, machineKey, sourceKey, stepKey } from '../../../lib/runtime/checkpoints/keys.js';
import { makeRegistry } from '../../../lib/runtime/registry.js';
import { synth } from '../../../lib/synth/synth.js';

const machine = source('machine', {
  image: field.string({ required: true }),
  memory: field.size({ default: Size.mib(512), affects: 'machine' }),
  imageName: field.string({ affects: 'capture' }),
  from: field.image('machine'),
  ssh: field.group({ username: field.string(), timeout: field.duration({ affects: 'none' }) }, { prefix: 'ssh_' }),
});
const script = provisioner('script', {
  inline: field.list(field.string()),
  file: field.path(),
  environment: field.map(field.sensitiveString()),
  logLevel: field.string({ affects: 'none' }),
});
class Machine extends Source<typeof machine> { constructor(props: object) { super(machine, props as never); } }
class Script extends Provisioner<typeof script> { constructor(props: object) { super(script, props as never); } }

const folder = mkdtempSync(join(tmpdir(), 'bake-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'tree/deep'), { recursive: true });
  writeFileSync(join(folder, 'a.sh'), 'echo a');
  writeFileSync(join(folder, 'tree/deep/b'), 'b');
});

const known: LateInputs = { image: () => 'base-content', output: () => 'out', data: () => 'data', generated: () => 'generated', secret: () => undefined };

interface Keys { readonly start: string; readonly steps: string[]; readonly memory: string; readonly capture: string }
function keysOf(source: object, steps: readonly object[], { variables = {}, late = known, revision = 1, where = folder, raw = {} }: { variables?: object; late?: LateInputs; revision?: number; where?: string; raw?: { readonly source?: object; readonly step?: object } } = {}): Keys {
  const app = new App({ variables: variables as never });
  new Variable(app, 'v', { default: 'one' });
  new Variable(app, 'hidden', { default: 'x', sensitive: true });
  new ImageBuild(app, 'web', { sources: [new Machine(source)], provisioners: steps.map(s => new Script(s)) });
  const target = synth(app, { folder: where }).plan.targets[0]!;
  // References as synth leaves them in a plan, to things that this program does not have.
  Object.assign(target.source.props, raw.source);
  Object.assign(target.provisioners[0]?.props ?? {}, raw.step);
  const start = sourceKey(machine, target.source, late, undefined);
  const keys: string[] = [];
  for (const step of target.provisioners) keys.push(stepKey(keys.at(-1) ?? start, { ...script, revision }, step, late));
  const last = keys.at(-1) ?? start;
  return { start, steps: keys, memory: machineKey(last, machine, target.source, late), capture: captureKey(last, machine, target.source, late, where) };
}
const data = { $expr: { op: 'data', path: 'newest', output: 'id' } }, output = { $expr: { op: 'output', target: 'other/machine', output: 'id' } };
const pair = (raw: object, late: Partial<LateInputs>): readonly [Keys, Keys] => [keysOf(base, three, { raw }), keysOf(base, three, { raw, late: { ...known, ...late } })];
const variable = (name: string) => ({ $expr: { op: 'variable', name } });
const base = { image: 'debian' }, three = [{ inline: ['a'] }, { file: 'a.sh' }, { inline: ['c'] }];

describe('keys of saved machines', () => {
  it('change from the step whose script changed by a byte, and before it not', () => {
    const before = keysOf(base, three);
    writeFileSync(join(folder, 'a.sh'), 'echo b');
    const after = keysOf(base, three);
    expect(after.start).toBe(before.start);
    expect(after.steps[0]).toBe(before.steps[0]);
    expect(after.steps[1]).not.toBe(before.steps[1]);
    expect(after.steps[2]).not.toBe(before.steps[2]);
  });

  it('change with whichever step is changed, and only from there on (property)', () => {
    fc.assert(fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 6 }), fc.nat(), fc.string(), (lines, at, other) => {
      const index = at % lines.length;
      fc.pre(lines[index] !== other);
      const before = keysOf(base, lines.map(l => ({ inline: [l] }))), after = keysOf(base, lines.map((l, i) => ({ inline: [i === index ? other : l] })));
      for (const [i] of lines.entries()) expect(before.steps[i] === after.steps[i]).toBe(i < index);
    }), { numRuns: 60 });
  });

  const changing: { readonly [what: string]: () => readonly [Keys, Keys] } = {
    'a prop of the source that affects the disk': () => [keysOf(base, three), keysOf({ image: 'ubuntu' }, three)],
    'a variable that a step uses': () => [keysOf(base, [{ inline: [variable('v')] }]), keysOf(base, [{ inline: [variable('v')] }], { variables: { v: 'two' } })],
    'the executable bit of a file': () => { const before = keysOf(base, three); chmodSync(join(folder, 'a.sh'), 0o755); return [before, keysOf(base, three)]; },
    'the content of a file in a folder': () => [keysOf(base, [{ file: 'tree/' }]), (writeFileSync(join(folder, 'tree/deep/b'), 'other'), keysOf(base, [{ file: 'tree/' }]))],
    'the name of a file in a folder': () => [keysOf(base, [{ file: 'tree/' }]), (renameSync(join(folder, 'tree/deep/b'), join(folder, 'tree/deep/c')), keysOf(base, [{ file: 'tree/' }]))],
    'the mode of a folder in a folder': () => [keysOf(base, [{ file: 'tree/' }]), (chmodSync(join(folder, 'tree/deep'), 0o700), keysOf(base, [{ file: 'tree/' }]))],
    'a data source that a step uses': () => pair({ step: { inline: [data] } }, { data: () => 'other' }),
    'an output of another target that a step uses': () => pair({ step: { inline: [output] } }, { output: () => 'other' }),
    'the content of the image below': () => pair({ source: { from: { $image: 'below/machine' } } }, { image: () => 'other content' }),
    'the content of a file that the run makes': () => [keysOf(base, [{ file: generated('g') }]), keysOf(base, [{ file: generated('g') }], { late: { ...known, generated: () => 'other' } })],
    'the revision of a kind': () => [keysOf(base, three), keysOf(base, three, { revision: 2 })],
    'the name of a secret': () => [keysOf(base, [{ environment: { A: Secret.env('X') } }]), keysOf(base, [{ environment: { A: Secret.env('Y') } }])],
    'the cacheKey of a secret': () => [keysOf(base, [{ environment: { A: Secret.env('X') } }]), keysOf(base, [{ environment: { A: Secret.env('X', { cacheKey: '2' }) } }])],
    'the value of a sensitive variable': () => [keysOf(base, [{ inline: [variable('hidden')] }], { late: { ...known, secret: () => 'digest 1' } }), keysOf(base, [{ inline: [variable('hidden')] }], { late: { ...known, secret: () => 'digest 2' } })],
    'the order of steps': () => [keysOf(base, [{ inline: ['a'] }, { inline: ['b'] }]), keysOf(base, [{ inline: ['b'] }, { inline: ['a'] }])],
  };
  it.each(Object.keys(changing))('change with %s', what => {
    const [before, after] = changing[what]!();
    expect(after.steps.at(-1)).not.toBe(before.steps.at(-1));
  });

  const same: { readonly [what: string]: () => readonly [Keys, Keys] } = {
    'names and tags': () => [keysOf({ ...base, imageName: 'a' }, three), keysOf({ ...base, imageName: 'b' }, three)],
    'memory, for the disk': () => [keysOf(base, three), keysOf({ ...base, memory: Size.gib(2) }, three)],
    'timeouts, retries and log settings': () => [
      keysOf({ ...base, ssh: { timeout: Duration.seconds(1) } }, [{ inline: ['a'], timeout: Duration.seconds(1), maxRetries: 1, logLevel: 'x' }]),
      keysOf({ ...base, ssh: { timeout: Duration.seconds(9) } }, [{ inline: ['a'], timeout: Duration.seconds(9), maxRetries: 2, logLevel: 'y', pauseBefore: Duration.seconds(1), name: 'other' }]),
    ],
    'the order of keys': () => [keysOf(base, [{ inline: ['a'], environment: { A: '1', B: '2' } }]), keysOf(base, [{ environment: { B: '2', A: '1' }, inline: ['a'] }])],
    'times and host values': () => [keysOf(base, [{ inline: [text`${timestamp()} ${host.httpAddress} ${uuid()}`] }]), keysOf(base, [{ inline: [text`${timestamp()} ${host.httpAddress} ${uuid()}`] }])],
    'times of files': () => { const before = keysOf(base, three); utimesSync(join(folder, 'a.sh'), 1, 1); return [before, keysOf(base, three)]; },
    'where the program lies': () => {
      const before = keysOf(base, three);
      renameSync(folder, `${folder}-moved`);
      const after = keysOf(base, three, { where: `${folder}-moved` });
      renameSync(`${folder}-moved`, folder);
      return [before, after];
    },
    'the value of a secret': () => [keysOf(base, [{ environment: { A: Secret.env('X') } }]), keysOf(base, [{ environment: { A: Secret.env('X') } }])],
  };
  it.each(Object.keys(same))('do not change with %s', what => {
    const [before, after] = same[what]!();
    expect(after.start).toBe(before.start);
    expect(after.steps).toEqual(before.steps);
  });

  it('change for a memory state with the machine, and for the artifact with its name', () => {
    const before = keysOf(base, three), larger = keysOf({ ...base, memory: Size.gib(2) }, three), renamed = keysOf({ ...base, imageName: 'b' }, three);
    expect(larger.memory).not.toBe(before.memory);
    expect(renamed.memory).toBe(before.memory);
    expect(renamed.capture).not.toBe(before.capture);
  });
});

describe('keys of the kinds that there are', () => {
  const keyOf = async (source: object): Promise<{ readonly disk: string; readonly memory: string; readonly artifact: string }> => {
    const app = new App();
    new ImageBuild(app, 'web', { sources: [source as never], provisioners: [new ShellProvisioner({ inline: ['true'] })] });
    const target = synth(app, { folder }).plan.targets[0]!, registry = makeRegistry();
    const kind = await registry.kind(target.source.kind), shell = await registry.kind('provisioner/shell');
    const disk = stepKey(sourceKey(kind, target.source, known, undefined), shell, target.provisioners[0]!, known);
    return { disk, memory: machineKey(disk, kind, target.source, known), artifact: captureKey(disk, kind, target.source, known, folder) };
  };
  const qemu = (more: object): object => new QemuSource({ diskImage: 'a.sh', ssh: { username: 'root' }, ...more });
  const docker = (more: object): object => new DockerSource({ image: 'debian:12', commit: true, ...more });
  const aws = (more: object): object => new AmazonEbsSource({ region: 'eu-central-1', instanceType: 't3.small', sourceAmi: 'ami-0123456789abcdef0', ssh: { username: 'admin' }, amiName: 'image-a', ...more });

  const changes: { readonly [what: string]: readonly [of: (more: object) => object, change: object, changed: readonly string[]] } = {
    'the name of a disk image': [qemu, { vmName: 'other' }, ['artifact']],
    'its format': [qemu, { format: 'raw' }, ['artifact']],
    'its compression': [qemu, { diskCompression: true }, ['artifact']],
    'its output folder': [qemu, { outputDirectory: 'elsewhere' }, ['artifact']],
    'memory of a virtual machine': [qemu, { memory: Size.gib(3) }, ['memory', 'artifact']],
    'its processors': [qemu, { cpus: 3 }, ['memory', 'artifact']],
    'the size of its disk': [qemu, { diskSize: Size.gib(50) }, ['disk', 'memory', 'artifact']],
    'how long logging in may take': [qemu, { ssh: { username: 'root', timeout: Duration.minutes(9) } }, []],
    'how long it may take to shut down': [qemu, { shutdown: { timeout: Duration.minutes(9) } }, []],
    'the author and message of an image': [docker, { author: 'me', message: 'it' }, ['artifact']],
    'changes to the configuration of an image': [docker, { changes: ['ENV A=1'] }, ['artifact']],
    'the image that a container starts from': [docker, { image: 'debian:13' }, ['disk', 'memory', 'artifact']],
    'the name of an AMI': [aws, { amiName: 'image-b' }, ['artifact']],
    'its tags': [aws, { tags: { a: 'b' } }, ['artifact']],
    'the AMI that it starts from': [aws, { sourceAmi: 'ami-00000000000000000' }, ['disk', 'memory', 'artifact']],
  };
  it.each(Object.keys(changes))('change where they have to with: %s', async what => {
    const [of, change, changed] = changes[what]!, before = await keyOf(of({})), after = await keyOf(of(change));
    expect((['disk', 'memory', 'artifact'] as const).filter(name => before[name] !== after[name])).toEqual(changed);
  });
});
