import { expect, test } from 'vitest';
import { acknowledge, App, ImageBuild, type Policy, Size } from '../../lib/index.js';
import { trySynth } from '../../lib/synth/synth.js';
import { CloudSource, Pack, Script, VmSource } from '../support/components.js';

/** Every source must be small. */
const small: Policy = {
  id: 'small-disks',
  check(build, report) {
    for (const { component } of build.sources) {
      const { diskSize } = component.props as { diskSize?: Size };
      if (diskSize !== undefined && diskSize.$size > Size.gib(50).$size) report.error({ message: 'the disk is too large', remedy: 'Make it smaller.', component, field: 'diskSize' });
    }
  },
};
const large = (app: App, id = 'web'): ImageBuild<any> => new ImageBuild(app, id, { sources: [new VmSource({ isoUrl: 'x', diskSize: Size.gib(80) }), new VmSource({ name: 'big', isoUrl: 'x', diskSize: Size.gib(90) })] });
const found = (app: App) => { const { plan, problems } = trySynth(app); return { problems: problems.map(p => [p.code, p.severity, p.path, p.field, p.acknowledged]), acknowledged: plan.acknowledged }; };

test('a finding is a problem of its component, with its place, field and remedy', () => {
  const app = new App().addPolicy(small);
  large(app);
  expect(found(app)).toEqual({ problems: [['POLICY small-disks', 'error', 'web/vm', 'diskSize', undefined], ['POLICY small-disks', 'error', 'web/big', 'diskSize', undefined]], acknowledged: undefined });
  expect(trySynth(app).problems[0]).toMatchObject({ message: 'the disk is too large', remedy: 'Make it smaller.', at: expect.stringMatching(/policies\.test\.ts:\d+:\d+$/) });
});

test('a finding that is accepted for a build is information, and its reason stands in the plan', () => {
  const app = new App().addPolicy(small);
  large(app).acknowledge('small-disks', 'Needs room for the data set');
  expect(found(app)).toEqual({
    problems: [['POLICY small-disks', 'info', 'web/vm', 'diskSize', 'Needs room for the data set'], ['POLICY small-disks', 'info', 'web/big', 'diskSize', 'Needs room for the data set']],
    acknowledged: [{ policy: 'small-disks', path: 'web', reason: 'Needs room for the data set' }],
  });
});

test('a finding may be accepted for one component only', () => {
  const app = new App().addPolicy(small);
  large(app).acknowledge('small-disks', 'This one is meant to be', 'big');
  expect(found(app)).toEqual({
    problems: [['POLICY small-disks', 'error', 'web/vm', 'diskSize', undefined], ['POLICY small-disks', 'info', 'web/big', 'diskSize', 'This one is meant to be']],
    acknowledged: [{ policy: 'small-disks', path: 'web/big', reason: 'This one is meant to be' }],
  });
});

test('what is accepted for a program is so for every build; the nearest reason counts', () => {
  const app = new App().addPolicy(small);
  for (const id of ['b', 'a']) large(app, id);
  app.acknowledge('small-disks', 'For all');
  acknowledge(app.node.findChild('b'), 'small-disks', 'For this one');
  expect(found(app).acknowledged).toEqual([{ policy: 'small-disks', path: 'a', reason: 'For all' }, { policy: 'small-disks', path: 'b', reason: 'For this one' }]);
});

test('an acknowledgement that can never accept anything is a problem', () => {
  const app = new App().addPolicy(small);
  large(app).acknowledge('small-disk', 'A typo').acknowledge('small-disks', ' ').acknowledge('small-disks', 'x', 'vmm').acknowledge('policy-of-another-company', 'Not checked here');
  expect(trySynth(app).problems.filter(p => p.code === 'BAD_ACKNOWLEDGEMENT').map(p => [p.severity, p.message, p.remedy])).toEqual([
    ['error', `the findings of 'small-disks' are accepted without a reason`, 'Say why: it stands in the plan.'],
    ['error', `this build has no component 'vmm' to accept findings of`, 'Its components are: vm, big.'],
    ['warning', `there is no policy 'small-disk' to accept findings of`, `Did you mean 'small-disks'?`],
  ]);
});

test('a policy may add steps, once, whatever how often the program is synthesized', () => {
  const app = new App().addPolicy({ id: 'agent', extend: build => { build.addProvisioner(new Script({ name: 'agent', inline: ['install-agent'] })).addPostProcessor(new Pack({})); } });
  new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: 'x' })], provisioners: [new Script({ inline: ['x'] })] });
  trySynth(app);
  expect(trySynth(app).plan.targets.map(t => [...t.provisioners, ...t.postProcessors.flat()].map(p => p.path))).toEqual([['web/script', 'web/agent', 'web/pack'], ['web/script', 'web/agent', 'web/pack']]);
});

test('added steps are looked at by the policies, and held to the fields as any other', () => {
  const seen: string[] = [];
  const app = new App().addPolicy({ id: 'sees', check: build => { seen.push(...build.provisioners.map(p => p.node.id)); } }).addPolicy({ id: 'adds', extend: build => { build.addProvisioner(new Script({ inline: [1 as never] })); } });
  new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })] });
  expect(trySynth(app).problems.map(p => [p.code, p.path])).toEqual([['WRONG_TYPE', 'web/script']]);
  expect(seen).toEqual(['script']);
});

test('a policy that fails is a problem of its own, and the others go on', () => {
  const app = new App().addPolicy({ id: 'broken', check: () => { throw new Error('no such thing'); } }).addPolicy(small);
  large(app);
  expect(trySynth(app).problems.map(p => [p.code, p.message])).toEqual([
    ['POLICY broken', 'the policy itself failed: no such thing'], ['POLICY small-disks', 'the disk is too large'], ['POLICY small-disks', 'the disk is too large'],
  ]);
});
