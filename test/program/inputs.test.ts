import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { App, SecretVariable, types, Variable } from '../../lib/index.js';
import { isBakeError } from '../../lib/errors.js';
import { setInputs, variableSecrets } from '../../lib/program.js';
import { trySynth } from '../../lib/synth/synth.js';

let folder: string;
const touched = ['BAKE_VAR_v', 'PKR_VAR_v', 'BAKE_VAR_s', 'BAKE_VAR_n', 'BAKE_VAR_list'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-inputs-'));
  setInputs([], [], folder);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const name of touched) delete process.env[name];
  setInputs([], []);
});
const file = (name: string, text: string): string => { writeFileSync(join(folder, name), text); return name; };
const valueOf = (app: App, name = 'v'): unknown => trySynth(app, { folder }).plan.variables[name]?.value;
const withV = (variables?: { readonly [name: string]: unknown }): App => {
  const app = new App(variables === undefined ? {} : { variables });
  new Variable(app, 'v', { default: 'default' });
  return app;
};
function code(work: () => unknown): string {
  try { work(); } catch (error) { if (isBakeError(error)) return error.code; throw error; }
  return 'none';
}

describe('the value of a variable', () => {
  it('comes from the App, --var, a file, BAKE_VAR_, PKR_VAR_ or the default, in this order', () => {
    const path = file('a.json', '{ "v": "file" }');
    expect(valueOf(withV())).toBe('default');
    process.env['PKR_VAR_v'] = 'pkr';
    expect(valueOf(withV())).toBe('pkr');
    process.env['BAKE_VAR_v'] = 'bake';
    expect(valueOf(withV())).toBe('bake');
    setInputs([], [path], folder);
    expect(valueOf(withV())).toBe('file');
    setInputs(['v=a=b', 'v=flag='], [path], folder);
    expect(valueOf(withV())).toBe('flag=');
    expect(valueOf(withV({ v: 'app' }))).toBe('app');
  });

  it('comes from the last file that has it, of whatever format', () => {
    const files = [file('1.env', 'BAKE_VAR_v=env\n'), file('2.auto.pkrvars.hcl', 'v = "hcl"\n'), file('3.pkrvars.json', '{"other": 1}')];
    setInputs([], files, folder);
    expect(valueOf(withV())).toBe('hcl');
    setInputs([], files.slice(0, 1), folder);
    expect(valueOf(withV())).toBe('env');
  });

  it('is converted from text to the type of the variable, for the plan and for the program that reads it', () => {
    const app = new App();
    const n = new Variable(app, 'n', { default: 1 }), list = new Variable<string[]>(app, 'list', { type: types.list(types.string) });
    setInputs(['n=3', 'list=["a","b"]'], [], folder);
    expect([n.value, list.value, valueOf(app, 'n'), valueOf(app, 'list')]).toEqual([3, ['a', 'b'], 3, ['a', 'b']]);
    setInputs([], [file('a.pkrvars.hcl', 'n = 4\nlist = ["c"]\n')], folder);
    expect([n.value, list.value]).toEqual([4, ['c']]);
  });

  it('that breaks a rule is refused when the program reads it', () => {
    const v = new Variable(new App(), 'v', { default: 'x', validate: [{ condition: value => value.length > 1, message: 'Use two letters.' }] });
    expect(() => v.value).toThrow(`variable 'v': "x" (given by its default) breaks a rule`);
    setInputs(['v=xy'], [], folder);
    expect(v.value).toBe('xy');
  });

  it('may be the empty text', () => {
    process.env['BAKE_VAR_v'] = '';
    expect(valueOf(withV())).toBe('');
  });
});

describe('secrets for a run', () => {
  it('are what the App, files, the environment and defaults say, and never --var', () => {
    const app = new App({ variables: { a: 'from the app' } });
    for (const name of ['a', 's', 'f', 'none']) new SecretVariable(app, name);
    new Variable(app, 'sensitive', { sensitive: true, default: 'its default' });
    new Variable(app, 'v', { default: 'plain' });
    process.env['BAKE_VAR_s'] = 'from the environment';
    setInputs(['none=from the command line'], [file('a.json', '{ "f": { "deep": [1] } }')], folder);
    expect(variableSecrets(trySynth(app, { folder }).plan, app)).toEqual({ a: 'from the app', s: 'from the environment', f: '{"deep":[1]}', sensitive: 'its default' });
  });
});

describe('a variable file', () => {
  it.each([['nope.json', 'VAR_FILE_UNREADABLE'], ['.', 'VAR_FILE_UNKNOWN_FORMAT']])('%s is %s', (path, expected) => expect(code(() => setInputs([], [path], folder))).toBe(expected));
  it.each([['a.json', '[1]', 'VAR_FILE_NOT_JSON'], ['a.json', '{', 'VAR_FILE_NOT_JSON'], ['a.yaml', 'a: 1', 'VAR_FILE_UNKNOWN_FORMAT'], ['a.hcl', 'a = b', 'HCL_SYNTAX'], ['.env', 'a b', 'ENV_FILE_SYNTAX'], ['.env.production', 'a=1', 'none']])('%s with %j is %s', (name, text, expected) => {
    expect(code(() => setInputs([], [file(name, text)], folder))).toBe(expected);
  });
  it('that is wrong is told without a word of what it holds', () => {
    for (const [name, text] of [['a.json', '{"password": hunter2}'], ['b.env', 'hunter2'], ['c.env', 'password="hunter2']] as const) {
      try { setInputs([], [file(name, text)], folder); expect.unreachable(); } catch (error) { expect((error as Error).message).not.toContain('unter'); }
    }
  });
});
