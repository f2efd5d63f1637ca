import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { App, Duration, ImageBuild, isotime, local, matrix, ProvisionerGroup, Secret, SecretVariable, Size, templateFile, text, timestamp, uuid, Variable } from '../../lib/index.js';
import { canonicalJson } from '../../lib/json.js';
import { parsePlan } from '../../lib/plan-schema.js';
import type { Plan, Target } from '../../lib/plan.js';
import { synth } from '../../lib/synth/synth.js';
import { CloudSource, Copy, Lookup, Pack, Script, type ScriptProps, VmSource, type VmSourceProps } from '../support/components.js';

let folder: string;
const inFolder = (name: string): string => joinPath(folder, name);
beforeAll(() => {
  folder = mkdtempSync(joinPath(tmpdir(), 'bake-plan-'));
  writeFileSync(inFolder('disk.img'), 'disk');
  writeFileSync(inFolder('setup.sh'), 'echo\n', { mode: 0o755 });
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const planOf = (program: (app: App) => void, app = new App()): Plan => { program(app); return synth(app, { folder }).plan; };
/** What must be the same on every run: all but the places in the source. */
const bytes = (plan: Plan): string => canonicalJson(plan).replaceAll(/"at":"[^"]*",?/g, '');
const only = (plan: Plan): Target => plan.targets[0]!;
const vm = (props: Partial<VmSourceProps> = {}): Plan => planOf(app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x', ...props })] }); });
const step = (props: ScriptProps<any, any>): Target => only(planOf(app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Script(props) as any] }); }));

/** A program with something of everything. */
const everything = (app: App, order: <T>(list: T[]) => T[] = list => list): void => {
  const version = new Variable(app, 'version', { default: '1' }), password = new SecretVariable(app, 'password');
  const found = new Lookup(app, 'found', { name: version });
  const name = local(app, 'name', text`web-${version}`);
  const make = {
    base: () => new ImageBuild(app, 'base', { sources: [new VmSource({ diskImage: 'disk.img', login: { username: 'root', password } })] }),
    other: () => new ImageBuild(app, 'other', { sources: [new CloudSource({ region: 'x', imageName: name, tags: Object.fromEntries(order([['a', '1'], ['b', found.outputs.id], ['c', timestamp()]])) })] }),
  };
  const made = Object.fromEntries(order(Object.entries(make)).map(([id, f]) => [id, f()])) as unknown as { base: ImageBuild<[VmSource]>; other: ImageBuild<[CloudSource]> };
  new ImageBuild(app, 'web', {
    sources: [new VmSource({ from: made.base, ...Object.fromEntries(order([['diskSize', Size.gib(1)], ['headless', true], ['accelerator', 'tcg']])) })],
    provisioners: [new Script({ file: 'setup.sh', environment: Object.fromEntries(order([['A', version], ['B', Secret.env('B')], ['C', made.other.outputs.cloud.imageId]])) })],
    postProcessors: [[new Pack({ level: 1 }), new Pack({})]],
  });
};

describe('a plan', () => {
  test('is one that parsePlan accepts, before and after a turn through JSON', () => {
    const plan = planOf(everything);
    expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
    expect(parsePlan(canonicalJson(plan))).toEqual(JSON.parse(canonicalJson(plan)));
  });

  test('is the same bytes whatever the order of keys and of independent statements', () => {
    const first = bytes(planOf(everything));
    fc.assert(fc.property(fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), seeds => {
      const order = <T>(list: T[]): T[] => list.map((item, i) => [item, seeds[i % 3]!] as const).sort(([, a], [, b]) => a - b).map(([item]) => item);
      expect(bytes(planOf(app => { everything(app, order); }))).toBe(first);
    }), { numRuns: 30 });
  });

  test('is the same when the same App is synthesized again', () => {
    const app = new App();
    everything(app);
    expect(synth(app, { folder }).plan).toEqual(synth(app, { folder }).plan);
  });

  test('names secrets and never holds their values, or those of sensitive variables', () => {
    process.env['BAKE_TEST_PLAN_SECRET'] = 'hunter2';
    const plan = planOf(app => {
      const token = new Variable(app, 'token', { sensitive: true });
      const password = new SecretVariable(app, 'password');
      new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: text`https://x?${token}`, login: { username: 'x', password } })], provisioners: [new Script({ inline: ['x'], environment: { A: Secret.env('BAKE_TEST_PLAN_SECRET'), B: text`a${Secret.file('f')}` } })] });
    }, new App({ variables: { token: 'correct horse' } }));
    delete process.env['BAKE_TEST_PLAN_SECRET'];
    expect(canonicalJson(plan)).not.toMatch(/hunter2|correct horse/);
    expect(only(plan).source.props).toMatchObject({ isoUrl: { $expr: { op: 'template', parts: [{ op: 'value', value: 'https://x?' }, { op: 'secret', secret: 'var:token' }] } }, login: { password: { $secret: 'var:password' } } });
    expect([only(plan).source.secrets, only(plan).provisioners[0]!.secrets]).toEqual([['var:password', 'var:token'], ['env:BAKE_TEST_PLAN_SECRET', 'file:f']]);
    expect(plan.variables).toEqual({ password: { type: 'secret', sensitive: true }, token: { type: expect.any(String), sensitive: true } });
  });

  test('has defaults filled in, units tagged, and unset props left out', () => {
    expect(only(vm({ diskImage: undefined, login: { username: 'x' } })).source.props).toEqual({
      isoUrl: 'x', diskSize: { $size: 40 * 1024 ** 3 }, memory: { $size: 1024 ** 3 }, login: { username: 'x', port: 22, timeout: { $duration: 300_000 } },
    });
  });

  test('converts text of variables to what the field wants', () => {
    const plan = planOf(app => {
      const v = (id: string, value: unknown) => new Variable<any>(app, id, { default: value as never }) as any;
      new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x', output: v('a', 5), diskSize: v('b', '10G'), headless: v('c', 'true'), login: { username: v('d', true), port: v('e', '2222'), timeout: v('f', '1m30s') } })] });
    });
    expect(only(plan).source.props).toMatchObject({ output: '5', diskSize: Size.gib(10), headless: true, login: { username: 'true', port: 2222, timeout: Duration.seconds(90) } });
  });

  test('evaluates what can be known, and keeps times, hosts, data and outputs as expressions', () => {
    const plan = planOf(app => {
      const version = new Variable(app, 'version', { default: '2' }), data = new Lookup(app, 'data', { name: 'x' });
      new ImageBuild(app, 'web', { sources: [new CloudSource({ region: text`eu-${version}`, imageName: text`web-${version}-${timestamp()}`, tags: { id: data.outputs.id } })] });
    });
    expect(only(plan).source.props).toEqual({
      region: 'eu-2', imageName: { $expr: { op: 'template', parts: [{ op: 'value', value: 'web-2-' }, { op: 'time', as: 'timestamp' }] } }, tags: { id: { $expr: { op: 'data', path: 'data', output: 'id' } } },
    });
  });
});

describe('targets', () => {
  test('come after those that they stand on, whether by image or by output', () => {
    const plan = planOf(app => {
      const z = new ImageBuild(app, 'z', { sources: [new VmSource({ isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: 'x' })] });
      new ImageBuild(app, 'a', { sources: [new VmSource({ from: z })], provisioners: [new Script({ inline: [z.outputs.cloud.imageId] })] });
      new ImageBuild(app, 'b', { sources: [new VmSource({ isoUrl: text`http://${z.outputs.vm.path}` })] });
    });
    expect(plan.targets.map(t => [t.path, t.after])).toEqual([['z/cloud', []], ['z/vm', []], ['a/vm', ['z/cloud', 'z/vm']], ['b/vm', ['z/vm']]]);
  });

  test('come after those whose post-processors give what they use', () => {
    const plan = planOf(app => {
      const pack = new Pack({ name: 'zip' }), z = new ImageBuild(app, 'z', { sources: [new VmSource({ isoUrl: 'x' })], postProcessors: [pack] });
      new ImageBuild(app, 'a', { sources: [new VmSource({ isoUrl: text`http://${z.outputsOf(pack).vm.file}` })] });
    });
    expect(plan.targets.map(t => [t.path, t.after])).toEqual([['z/vm', []], ['a/vm', ['z/vm']]]);
    expect(plan.targets[1]!.source.props['isoUrl']).toEqual({ $expr: { op: 'template', parts: [{ op: 'value', value: 'http://' }, { op: 'output', target: 'z/vm', output: 'file', of: 'z/zip' }] } });
  });

  test('take one source of a build that has several by build.source(name)', () => {
    const plan = planOf(app => {
      const two = new ImageBuild(app, 'two', { sources: [new VmSource({ isoUrl: 'x' }), new VmSource({ name: 'big', isoUrl: 'x' })] });
      new ImageBuild(app, 'web', { sources: [new VmSource({ from: two.source('big') })] });
    });
    expect(plan.targets.at(-1)!.source.props['from']).toEqual({ $image: 'two/big' });
  });

  test('have only the steps that are meant for them', () => {
    const plan = planOf(app => {
      new ImageBuild(app, 'web', {
        sources: [new VmSource({ isoUrl: 'x' }), new VmSource({ name: 'big', isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: 'x' })],
        provisioners: [new Script({ inline: ['all'] }), new Script({ inline: ['vms'], except: ['cloud'] }), new Script({ inline: ['big'], only: ['big'] })],
        errorCleanup: [new Script({ inline: ['cleanup'], only: ['vm'] })],
        postProcessors: [new Pack({ only: ['cloud'] }), [new Pack({ except: ['cloud'] }), new Pack({ only: ['big'] })]],
      });
    });
    expect(plan.targets.map(t => [t.name, t.provisioners.map(p => p.path), t.errorCleanup.length, t.postProcessors.map(s => s.map(p => p.path))])).toEqual([
      ['big', ['web/script', 'web/script-2', 'web/script-3'], 0, [['web/pack-2', 'web/pack-3']]],
      ['cloud', ['web/script'], 0, [['web/pack']]],
      ['vm', ['web/script', 'web/script-2'], 1, [['web/pack-2']]],
    ]);
  });

  test('carry the settings of their build and of their steps', () => {
    const plan = planOf(app => {
      new ImageBuild(app, 'web', {
        sources: [new VmSource({ isoUrl: 'x' })], timeout: Duration.hours(1), checkpoint: 'never',
        provisioners: [new Script({ inline: ['a'], pauseBefore: Duration.seconds(1), timeout: Duration.minutes(1), maxRetries: 2, continueOnError: true, creates: ['x'], expires: Duration.days(1) }), new Script({ inline: ['b'], checkpoint: 'always' })],
        postProcessors: [new Pack({ keepInputArtifact: false })],
      });
    });
    expect([only(plan).settings, ...only(plan).provisioners.map(p => p.settings)]).toEqual([
      { checkpoint: 'never', timeout: 3_600_000 }, { pauseBefore: 1000, timeout: 60_000, maxRetries: 2, continueOnError: true, creates: ['x'], expires: 86_400_000, checkpoint: 'never' }, { checkpoint: 'always' },
    ]);
    expect(only(plan).postProcessors[0]![0]).toMatchObject({ props: { level: 6 }, keepInputArtifact: false });
    expect(only(plan).provisioners.flatMap(p => Object.keys(p.props))).toEqual(['inline', 'inline']);
  });
});

describe('an override', () => {
  test('replaces props for one source, and takes URLs and units', () => {
    const plan = planOf(app => {
      new ImageBuild(app, 'web', {
        sources: [new VmSource({ isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: 'x' })],
        provisioners: [
          new Script({ inline: ['a'], environment: { A: '1', B: '2' }, override: { cloud: { inline: undefined, file: new URL(`file://${inFolder('setup.sh')}`), environment: { B: '3' }, quota: Size.gib(2) } } }),
        ],
      });
    });
    const [cloud, local] = plan.targets.map(t => t.provisioners[0]!.props);
    expect(cloud).toEqual({ file: { $file: expect.any(String), name: 'setup.sh' }, environment: { B: '3' }, quota: Size.gib(2) });
    expect(local).toEqual({ inline: ['a'], environment: { A: '1', B: '2' } });
  });
});

describe('a group of steps', () => {
  test('is its members in order, at a place of its own, and groups hold groups', () => {
    class Inner extends ProvisionerGroup { constructor() { super({ provisioners: [new Script({ inline: ['2'] }), new Script({ name: 'last', inline: ['3'] })] }); } }
    const target = only(planOf(app => {
      new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new ProvisionerGroup({ name: 'outer', provisioners: [new Script({ inline: ['1'] }), new Inner()] }), new Script({ inline: ['4'] })] });
    }));
    expect(target.provisioners.map(p => [p.path, p.props['inline']])).toEqual([['web/outer/script', ['1']], ['web/outer/inner/script', ['2']], ['web/outer/inner/last', ['3']], ['web/script', ['4']]]);
  });

  test('may be used in two builds, as any step', () => {
    const shared = new ProvisionerGroup({ name: 'shared', provisioners: [new Script({ inline: ['1'] })] });
    const plan = planOf(app => { for (const id of ['a', 'b']) new ImageBuild(app, id, { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [shared] }); });
    expect(plan.targets.map(t => t.provisioners[0]!.path)).toEqual(['a/shared/script', 'b/shared/script']);
  });
});

describe('a matrix', () => {
  const cells = (axes: { os: string[]; arch: { name: string; cpu: number }[]; release: string[] }): Plan => planOf(app => {
    matrix(axes, cell => new ImageBuild(app, cell.id, { sources: [new VmSource({ isoUrl: `http://${cell.os}/${cell.release}`, args: [[`-cpu=${cell.arch.cpu}`]] })] }));
  });
  const axes = { os: ['debian', 'ubuntu', 'alpine'], arch: [{ name: 'x86', cpu: 1 }, { name: 'arm', cpu: 2 }, { name: 'riscv', cpu: 3 }], release: ['stable'] };

  test('of 3 x 3 is nine builds with names that say which', () => {
    expect(cells(axes).targets.map(t => t.build)).toEqual(['arm-alpine-stable', 'arm-debian-stable', 'arm-ubuntu-stable', 'riscv-alpine-stable', 'riscv-debian-stable', 'riscv-ubuntu-stable', 'x86-alpine-stable', 'x86-debian-stable', 'x86-ubuntu-stable']);
  });

  test('is the same bytes whatever the order of its axes and values', () => {
    const first = bytes(cells(axes));
    fc.assert(fc.property(fc.shuffledSubarray(axes.os, { minLength: 3 }), fc.shuffledSubarray(axes.arch, { minLength: 3 }), fc.boolean(), (os, arch, flip) => {
      expect(bytes(cells(flip ? { release: axes.release, arch, os } : { os, arch, release: axes.release }))).toBe(first);
    }), { numRuns: 20 });
  });

  test('refuses values whose names make one id twice', () => {
    expect(() => matrix({ a: ['x-y', 'x'], b: ['z', 'y-z'] }, () => 0)).toThrow(`matrix: two combinations have the id 'x-y-z'`);
  });
});

describe('a digest', () => {
  const digests = (plan: Plan): Target['source']['own'] => only(plan).source.own;
  const differing = (a: Plan, b: Plan): string[] => (['disk', 'machine', 'capture'] as const).filter(what => digests(a)[what] !== digests(b)[what]);

  test.each<[string, Partial<VmSourceProps>, Partial<VmSourceProps>, string[]]>([
    ['what is on the disk', {}, { diskSize: Size.gib(41) }, ['disk']],
    ['a saved memory state', {}, { memory: Size.gib(2) }, ['machine']],
    ['the machine, for a prop first set', {}, { accelerator: 'tcg' }, ['machine']],
    ['the capture', {}, { output: 'elsewhere' }, ['capture']],
    ['nothing, for settings that leave no trace', {}, { headless: true }, []],
    ['nothing, for a timeout inside of a group', { login: { username: 'x' } }, { login: { username: 'x', timeout: Duration.hours(1) } }, []],
    ['the disk, for another member of that group', { login: { username: 'x' } }, { login: { username: 'y' } }, ['disk']],
    ['the capture, for a member of a block', { extraDisks: [{ size: Size.gib(1) }] }, { extraDisks: [{ size: Size.gib(1), label: 'x' }] }, ['capture']],
    ['nothing, for a default written out', {}, { memory: Size.gib(1), diskSize: Size.gib(40) }, []],
    ['nothing, for the same size in another unit', { diskSize: Size.gib(1) }, { diskSize: Size.mib(1024) }, []],
    ['the disk, for the order of a list', { args: [['a'], ['b']] }, { args: [['b'], ['a']] }, ['disk']],
    ['the disk, for the name of a secret', { login: { username: 'x', password: Secret.env('A') } }, { login: { username: 'x', password: Secret.env('B') } }, ['disk']],
    ['the disk, for the cache key of a secret', { login: { username: 'x', password: Secret.env('A') } }, { login: { username: 'x', password: Secret.env('A', { cacheKey: '2' }) } }, ['disk']],
    ['the disk, for the cache key of a secret in a text', { login: { username: 'x', password: text`a${Secret.env('A')}` } }, { login: { username: 'x', password: text`a${Secret.env('A', { cacheKey: '2' })}` } }, ['disk']],
    ['the disk, for the form of a time, and never for its value', { isoUrl: text`x${isotime()}` }, { isoUrl: text`x${isotime('2006')}` }, ['disk']],
    ['nothing, where both are the same', { isoUrl: text`x${uuid()}` }, { isoUrl: text`x${uuid()}` }, []],
  ])('tells a change of %s', (_, a, b, what) => { expect(differing(vm(a), vm(b))).toEqual(what); });

  test('does not know names, settings, places or neighbours', () => {
    const a = step({ inline: ['x'] }), b = step({ inline: ['x'], name: 'other', timeout: Duration.hours(1), maxRetries: 3, only: ['vm'], override: { vm: {} } });
    expect(b.provisioners[0]!.own).toEqual(a.provisioners[0]!.own);
  });

  test('is that of the value, whether written out, in a variable, in text or in a template file', () => {
    writeFileSync(inFolder('line.tpl'), '${a} b');
    const plans = [() => 'a b', (app: App) => new Variable(app, 'v', { default: 'a b' }), (app: App) => text`a ${new Variable(app, 'v', { default: 'b' })}`, () => templateFile('line.tpl', { a: 'a' }), (app: App) => local(app, 'l', 'a b')]
      .map(value => planOf(app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Script({ inline: [value(app)] })] }); }));
    expect(new Set(plans.map(p => only(p).provisioners[0]!.own.disk)).size).toBe(1);
  });

  test('of any two different values of a field differs', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const same = canonicalJson(a) === canonicalJson(b);
      expect(step({ inline: ['x'], answers: { a } }).provisioners[0]!.own.disk === step({ inline: ['x'], answers: { a: b } }).provisioners[0]!.own.disk).toBe(same);
    }), { numRuns: 50 });
  });
});

describe('the digest of a file', () => {
  const digestOf = (from: string): string => (step2(from).props['from'] as { $file: string }).$file;
  const step2 = (from: string) => only(planOf(app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Copy({ from, to: '/x' })] }); })).provisioners[0]!;

  test('knows its content and its mode, not its place or time', () => {
    const write = (name: string, content: string, mode = 0o644): string => { writeFileSync(inFolder(name), content); chmodSync(inFolder(name), mode); return digestOf(name); };
    const first = write('one', 'content');
    expect(write('two', 'content')).toBe(first);
    expect(write('one', 'content', 0o664), 'what a umask decides does not count').toBe(first);
    expect(write('one', 'content', 0o600)).not.toBe(first);
    expect(write('one', 'content', 0o755)).not.toBe(first);
    expect(write('one', 'contenT')).not.toBe(first);
  });

  test('of a folder knows names, links, modes and empty folders', () => {
    const make = (change: (path: string) => void): string => {
      const path = inFolder('tree');
      rmSync(path, { recursive: true, force: true });
      mkdirSync(joinPath(path, 'sub'), { recursive: true });
      writeFileSync(joinPath(path, 'sub', 'a'), 'a');
      symlinkSync('sub/a', joinPath(path, 'link'));
      change(path);
      return digestOf('tree');
    };
    const first = make(() => {});
    expect(make(() => {})).toBe(first);
    const changed = [
      make(p => { writeFileSync(joinPath(p, 'sub', 'a'), 'b'); }), make(p => { chmodSync(joinPath(p, 'sub', 'a'), 0o755); }), make(p => { renameSync(joinPath(p, 'sub', 'a'), joinPath(p, 'sub', 'b')); }),
      make(p => { rmSync(joinPath(p, 'link')); symlinkSync('sub', joinPath(p, 'link')); }), make(p => { mkdirSync(joinPath(p, 'empty')); }), make(p => { rmSync(joinPath(p, 'link')); writeFileSync(joinPath(p, 'link'), 'sub/a'); }),
    ];
    expect(new Set([first, ...changed]).size).toBe(7);
  });

  test('is where the plan says that the file lies, relative to the program', () => {
    mkdirSync(inFolder('site'), { recursive: true });
    const plan = planOf(app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Copy({ from: 'site/', to: '/x' }), new Script({ file: inFolder('setup.sh') })] }); });
    const names = only(plan).provisioners.map(p => (p.props['from'] ?? p.props['file']) as { $file: string; name: string });
    expect(names.map(n => [n.name, plan.files[n.$file]!.path, plan.files[n.$file]!.kind])).toEqual([['site/', 'site', 'folder'], ['setup.sh', 'setup.sh', 'file']]);
  });
});

test('data sources stand in an order in which each comes after those that it uses', () => {
  const plan = planOf(app => {
    const z = new Lookup(app, 'z', { name: 'x' }), m = new Lookup(app, 'm', { name: z.outputs.id });
    new Lookup(app, 'a', { name: text`${m.outputs.id}-${z.outputs.id}` });
    new Lookup(app, 'b', { name: 'y' });
  });
  expect(plan.data.map(d => d.path)).toEqual(['z', 'm', 'a', 'b']);
});
