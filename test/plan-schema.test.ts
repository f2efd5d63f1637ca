import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { isBakeError } from '../lib/errors.js';
import { App, ImageBuild } from '../lib/index.js';
import type { Json } from '../lib/json.js';
import { parsePlan } from '../lib/plan-schema.js';
import { synth } from '../lib/synth/synth.js';
import { Copy, Pack, Script, VmSource } from './support/components.js';

let good: any;
beforeAll(() => {
  const app = new App();
  const base = new ImageBuild(app, 'base', { sources: [new VmSource({ isoUrl: 'x' })] });
  new ImageBuild(app, 'web', { sources: [new VmSource({ from: base })], provisioners: [new Script({ inline: ['a'] }), new Copy({ from: new URL(import.meta.url), to: '/x' })], postProcessors: [new Pack({})] });
  good = JSON.parse(JSON.stringify(synth(app).plan));
});
/** A good plan with one thing changed. */
const changed = (change: (plan: any) => void): any => { const plan = structuredClone(good); change(plan); return plan; };
const problem = (plan: unknown): string => { try { parsePlan(plan as Json, 'plan.json'); return 'none'; } catch (error) { if (isBakeError(error)) return `${error.code}: ${error.message}`; throw error; } };

test('a good plan is read as it is, from text and from a value', () => {
  expect(parsePlan(good)).toEqual(good);
  expect(parsePlan(JSON.stringify(good))).toEqual(good);
});

test.each<[string, (plan: any) => void, string]>([
  ['a field that is missing', p => { delete p.targets[1].source.kind; }, `PLAN_INVALID: plan.json is not a valid plan:\n  targets.1.source.kind: Invalid key: Expected "kind" but received undefined`],
  ['a field too many', p => { p.targets[0].nonsense = 1; }, `PLAN_INVALID: plan.json is not a valid plan:\n  targets.0.nonsense: Invalid key: Expected never but received "nonsense"`],
  ['a digest that is none', p => { p.targets[0].source.own.disk = 'sha256:xyz'; }, 'PLAN_INVALID: plan.json is not a valid plan:\n  targets.0.source.own.disk: must be sha256: and 64 hexadecimal digits'],
  ['a kind without a role', p => { p.targets[0].source.kind = 'vm'; }, 'PLAN_INVALID: plan.json is not a valid plan:\n  targets.0.source.kind: must be role/type, such as source/qemu'],
  ['a target twice', p => { p.targets.push(p.targets[0]); }, `PLAN_INVALID: plan.json is not a valid plan:\n  targets: 'base/vm' stands there twice`],
  ['an order that cannot be', p => { p.targets.reverse(); }, `PLAN_INVALID: plan.json is not a valid plan:\n  targets: 'web/vm' comes before 'base/vm', which it stands on`],
  ['a file that is not among files', p => { p.files = {}; }, 'PLAN_INVALID: plan.json is not a valid plan:\n  web/copy: names the file sha256:'],
  ['another format', p => { p.format = 'imagebake/plan/2'; }, 'PLAN_OTHER_FORMAT: plan.json has the format "imagebake/plan/2", and this version reads imagebake/plan/1'],
  ['no format', p => { delete p.format; }, 'PLAN_OTHER_FORMAT: plan.json has the format of no plan'],
])('%s is named', (_, change, message) => { expect(problem(changed(change)).slice(0, message.length)).toBe(message); });

test.each<[string, unknown, string]>([['text that is no JSON', '{"a":', 'PLAN_NOT_JSON'], ['a list', [], 'PLAN_OTHER_FORMAT'], ['null', null, 'PLAN_OTHER_FORMAT'], ['an empty text', '', 'PLAN_NOT_JSON']])('%s is no plan', (_, plan, code) => {
  expect(problem(plan)).toMatch(new RegExp(`^${code}: `));
});

test('a bad plan ends the command line with exit code 3, and says what to do', () => {
  try { parsePlan('x'); expect.unreachable(); } catch (error) {
    if (!isBakeError(error)) throw error;
    expect([error.exit, error.remedy]).toEqual([3, 'Make it again with bake synth --out.']);
  }
});

test('whatever it is given, it reads it or says what is wrong: nothing else is thrown', () => {
  fc.assert(fc.property(fc.jsonValue(), value => { problem(value); problem({ ...(value as object), format: 'imagebake/plan/1' }); }));
  // One leaf of a good plan replaced by anything.
  const leaves: (readonly (string | number)[])[] = [];
  const walk = (value: any, path: (string | number)[]): void => { if (typeof value === 'object' && value !== null) for (const key of Object.keys(value)) walk(value[key], [...path, key]); else leaves.push(path); };
  walk(good, []);
  fc.assert(fc.property(fc.constantFrom(...leaves), fc.jsonValue(), (path, value) => {
    problem(changed(plan => { path.slice(0, -1).reduce((at, key) => at[key], plan)[path.at(-1)!] = value; }));
  }), { numRuns: 300 });
});

test('nesting deeper than any program writes is refused, and ends nothing', () => {
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  expect(problem(JSON.stringify(good).replace('"inline":["a"]', `"inline":${deep}`))).toMatch(/^PLAN_INVALID|^PLAN_NOT_JSON/);
});
