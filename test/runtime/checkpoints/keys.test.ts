import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { App, Duration, generated, host, ImageBuild, Secret, Size, text, timestamp, uuid, Variable } from '../../../lib/index.js';
import { field, Provisioner, provisioner, Source, source } from '../../../lib/kit.js';
import { captureKey, type LateInputs, machineKey, sourceKey, stepKey } from '../../../lib/runtime/checkpoints/keys.js';
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
beforeEach(() => { rmSync(folder, { recursive: true, force: true }); mkdirSync(folder); writeFileSync(join(folder, 'a.sh'), 'echo a'); });

const known: LateInputs = { image: () => 'base-content', output: () => 'out', data: () => 'data', generated: () => 'generated', secret: () => undefined };

interface Keys { readonly start: string; readonly steps: string[]; readonly memory: string; readonly capture: string }
function keysOf(source: object, steps: readonly object[], { variables = {}, late = known, revision = 1, where = folder }: { variables?: object; late?: LateInputs; revision?: number; where?: string } = {}): Keys {
  const app = new App({ variables: variables as never });
  new Variable(app, 'v', { default: 'one' });
  new Variable(app, 'hidden', { default: 'x', sensitive: true });
  new ImageBuild(app, 'web', { sources: [new Machine(source)], provisioners: steps.map(s => new Script(s)) });
  const target = synth(app, { folder: where }).plan.targets[0]!;
  const start = sourceKey(machine, target.source, late, undefined);
  const keys: string[] = [];
  for (const step of target.provisioners) keys.push(stepKey(keys.at(-1) ?? start, { ...script, revision }, step, late));
  const last = keys.at(-1) ?? start;
  return { start, steps: keys, memory: machineKey(last, machine, target.source, late), capture: captureKey(last, machine, target.source, late, where) };
}
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
