/** The texts of the command line: help, lists, and what is said to people who call it wrongly. UPDATE_GOLDENS=1 writes what is printed now. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, type Ended, runCommandLines } from '../support/command-lines.js';

const goldens = fileURLToPath(new URL('../golden/cli/', import.meta.url));
const cases: { readonly [name: string]: string | { readonly args: string; readonly env?: CommandLine['env'] } } = {
  help: '--help',
  'help-build': 'build --help', 'help-synth': 'synth --help', 'help-validate': 'validate --help', 'help-list': 'list --help', 'help-inspect': 'inspect --help',
  'help-retry': 'retry --help', 'help-plan': 'plan --help', 'help-why': 'why --help', 'help-update': 'update --help', 'help-screenshot': 'screenshot --help', 'help-cache': 'cache --help', 'help-gc': 'gc --help', 'help-ssh': 'ssh --help', 'help-destroy': 'destroy --help', 'help-explain': 'explain --help', 'help-schema': 'schema --help', 'help-policy': 'policy --help', 'policy-without-aws': 'policy aws', 'policy-of-another-cloud': 'policy aw', 'help-version': 'version --help',

  validate: 'validate', 'validate-json': 'validate --json --var vresion=2', list: 'list', 'list-json': 'list --json',
  inspect: 'inspect', 'inspect-target': 'inspect motd --var version=2.0.0',
  'inspect-nothing': 'inspect wbe/docker', explain: 'explain unknown-prop', 'explain-policy': 'explain POLICY', 'explain-nothing': 'explain UNKNOWN_PORP', 'explain-error': 'explain VAR_FILE_UNREADABLE',

  'no-command': '', 'no-such-command': 'biuld', 'no-such-flag': 'validate --strcit', 'no-such-argument': 'explain a b', 'flag-with-one-dash': 'build -var x=1', 'flag-of-packer': 'build -on-error=abort',
  'value-that-is-none': 'validate --var version', 'validate-no-plan': 'validate images.ts', 'validate-a-bad-plan': 'validate wrong.json',
  'flag-without-value': 'validate --var', 'flag-with-another-value': 'synth --format yaml', 'argument-missing': 'ssh',
  'no-such-program': 'validate --program imags.ts', 'program-that-is-a-plan': 'validate --program plan.json', 'program-that-is-no-program': 'validate --program scripts/note.sh',
  'no-such-plan': 'build nowhere/plan.json', 'plan-that-is-not-json': 'build broken.json', 'plan-of-another-format': 'build package.json', 'plan-that-is-wrong': 'build wrong.json', 'plan-with-values': 'build wrong.json --var version=2', 'two-plans': 'build a.json b.json',
  'parallel-that-is-none': 'build --parallel many', 'no-such-target': 'build wbe', 'nothing-left': 'build web --except web', 'no-such-run': 'ssh 20200101-000000-abcdef', 'nothing-to-destroy': 'destroy 20200101-000000-abcdef', 'nothing-to-collect': 'gc',
  'nothing-to-retry': 'retry', 'no-such-run-to-retry': 'retry 20200101-000000-abcdef', 'nothing-to-see': 'screenshot 20200101-000000-abcdef', 'why-nothing': 'why', 'no-such-action': 'cache prnue', 'cache-of-no-size': 'cache prune --size much', 'nothing-cached': 'cache ls', 'no-such-step-to-begin-with': 'build web --from shell-locla', 'no-such-step-to-end-after': 'plan web --until nothing-like-it', 'a-step-of-another-build': 'build motd --until note', 'begin-after-the-end': 'build web --from web/shell-local-2 --until shell-local',
  'no-folder-for-checkpoints': { args: 'cache ls', env: { BAKE_CHECKPOINT_DIR: '/dev/null' } }, 'no-folder-to-prune': { args: 'cache prune', env: { BAKE_CHECKPOINT_DIR: '/dev/null/below' } }, 'cache-size-that-is-none': { args: 'cache du', env: { BAKE_CACHE_SIZE: 'much' } }, 'nothing-to-update': 'update', plan: 'plan motd',
  'synth-to-a-folder-of-others': 'synth --out scripts',
  'secret-without-a-value': 'build null --log-level error',
  'wrong-values-of-several-variables': { args: 'validate --var version=1 --var mirrors=a,b', env: { BAKE_VAR_token: 'x' } },
};
const names = Object.keys(cases);
const results = new Map<string, string>();
let folder: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'bake-cli-')));
  cpSync(join(goldens, 'program'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(folder, 'broken.json'), '{ "format": ');
  writeFileSync(join(folder, 'wrong.json'), JSON.stringify({ format: 'imagebake/plan/1', requires: {}, variables: {}, data: [], files: {}, targets: [{ path: 'web/null', build: 5 }] }));
  const ended = await runCommandLines(names.map(name => {
    const each = cases[name]!, { args, env = {} } = typeof each === 'string' ? { args: each } : each;
    return { args: args.split(' ').filter(a => a !== ''), cwd: folder, env };
  }));
  names.forEach((name, i) => results.set(name, textOf(ended[i]!)));
});
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function textOf({ code, stdout, stderr }: Ended): string {
  return `${stdout}${stderr}exit code ${code}\n`.replaceAll(folder, '<folder>').replace(/\d{8}-\d{6}-[0-9a-f]{6}/g, '<run>').replace(/in \d+(\.\d+)? s/g, 'in <time>')
    .replace(/is not JSON: .*/, 'is not JSON: <why>');
}

describe('bake', () => {
  it.each(names)('prints: %s', name => {
    const file = join(goldens, `${name}.txt`), text = results.get(name)!;
    if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
    expect(text).not.toMatch(/node_modules|node:internal|^ {4}at |\bbug\b|\[object/m);
  });

  it('has no golden that nothing makes', () => {
    expect(readdirSync(goldens).filter(n => n.endsWith('.txt')).map(n => n.replace('.txt', '')).sort()).toEqual([...names].sort());
  });

  it('leaves nothing in the folder of a program that it does not build', () => expect(existsSync(join(folder, 'out'))).toBe(false));
});
