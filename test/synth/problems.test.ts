import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { App, DataSource, Duration, host, ImageBuild, jsonEncode, local, member, ProvisionerGroup, Secret, SecretVariable, Size, templateFile, text, timestamp, types, upper, Variable } from '../../lib/index.js';
import { isBakeError } from '../../lib/errors.js';
import { data as dataKind, source } from '../../lib/kinds.js';
import { field } from '../../lib/fields.js';
import { Source } from '../../lib/constructs/component.js';
import type { Problem } from '../../lib/problems.js';
import { synth, trySynth } from '../../lib/synth/synth.js';
import { CloudSource, Copy, Lookup, Pack, Script, VmSource } from '../support/components.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(joinPath(tmpdir(), 'bake-problems-'));
  mkdirSync(joinPath(folder, 'site'));
  writeFileSync(joinPath(folder, 'disk.img'), 'disk');
  writeFileSync(joinPath(folder, 'motd.tpl'), 'Hello ${name}, $${HOME}\n');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

/** What synth says of a program, each problem as one line. Values that types refuse come in as `any`, as from plain JavaScript. */
const say = (program: (app: App) => void, app = new App()): string[] => { program(app); return trySynth(app, { folder }).problems.map(line); };
const line = (p: Problem): string => `${p.severity === 'error' ? '' : `${p.severity}: `}${p.code} [${p.path}${p.field === undefined ? '' : `, ${p.field}`}] ${p.message}${p.remedy === undefined ? '' : ` | ${p.remedy}`}`;
const build = (props: any, more: any = {}) => (app: App): void => { new ImageBuild(app, 'web', { sources: [new VmSource(props)], ...more }); };
const script = (props: any) => build({ isoUrl: 'x' }, { provisioners: [new (Script as any)(props)] });
const any = (value: unknown): any => value;

test('a good program has no problems', () => {
  expect(say(build({ diskImage: 'disk.img', login: { username: 'root', password: Secret.env('X') } }, { provisioners: [new Script({ inline: ['x'] })], postProcessors: [new Pack({})] }))).toEqual([]);
});

describe.each<[string, [string, (app: App) => void, string[]][]]>([
  ['a prop', [
    ['that is unknown, with the one that was meant', build({ isoUrll: 'x', isoUrl: 'x' }), [`UNKNOWN_PROP [web/vm, isoUrll] there is no prop 'isoUrll' here | Did you mean 'isoUrl'?`]],
    ['that is unknown and like none', build({ isoUrl: 'x', login: { username: 'x', qqqqqq: 1 } }), [`UNKNOWN_PROP [web/vm, login.qqqqqq] there is no prop 'qqqqqq' here | Its props are: username, password, port, timeout.`]],
    ['that is missing', build({ isoUrl: 'x', login: {} }), [`MISSING_PROP [web/vm, login.username] 'username' is required and missing | Give it a string.`]],
    ['that is missing in one of several blocks', build({ isoUrl: 'x', extraDisks: [{ size: Size.gib(1) }, { label: 'a' }] }), [`MISSING_PROP [web/vm, extraDisks[1].size] 'size' is required and missing | Give it a Size, such as Size.gib(40).`]],
    ['without its unit', build({ isoUrl: 'x', diskSize: 40 }), [`WRONG_TYPE [web/vm, diskSize] 40 is not a Size, such as Size.gib(40) | Give it a Size, such as Size.gib(40).`]],
    ['in another unit', build({ isoUrl: 'x', diskSize: Duration.seconds(1) }), [`WRONG_TYPE [web/vm, diskSize] Duration.milliseconds(1000) is not a Size, such as Size.gib(40) | Give it a Size, such as Size.gib(40).`]],
    ['out of its range', build({ isoUrl: 'x', login: { username: 'x', port: 70_000 } }), [`WRONG_TYPE [web/vm, login.port] 70000 is not a whole number from 1 to 65535 | Give it a whole number from 1 to 65535.`]],
    ['that is none of the choices', build({ isoUrl: 'x', accelerator: 'kwm' }), [`WRONG_TYPE [web/vm, accelerator] 'kwm' is not 'kvm' or 'tcg' | Did you mean 'kvm'?`]],
    ['of another type inside of a list', script({ inline: ['a', 1] }), [`WRONG_TYPE [web/script, inline[1]] 1 is not a string | Give it a string.`]],
    ['of another type inside of a map', script({ inline: [], environment: { A: [1] } }), [`WRONG_TYPE [web/script, environment.A] [1] is not a string or a Secret | Give it a string or a Secret.`]],
    ['that is no list', script({ inline: 'a' }), [`WRONG_TYPE [web/script, inline] 'a' is not a list (each: a string) | Give it a list (each: a string).`]],
    ['that is an instance of a class', script({ inline: [], answers: { when: new Date(0) } }), [`WRONG_TYPE [web/script, answers.when] a Date is not any JSON value | Give it any JSON value.`]],
    ['that is a function', script({ inline: [], answers: { f: () => 1 } }), [`WRONG_TYPE [web/script, answers.f] a function is not any JSON value | Give it any JSON value.`]],
  ]],
  ['a rule', [
    ['exactlyOne with none', build({}), [`RULE_BROKEN [web/vm, isoUrl] needs exactly one of isoUrl, diskImage, from, and has none | What holds here: exactly one of isoUrl, diskImage, from.`]],
    ['exactlyOne with two', build({ isoUrl: 'x', diskImage: 'disk.img' }), [`RULE_BROKEN [web/vm, isoUrl] needs exactly one of isoUrl, diskImage, from, and has isoUrl and diskImage | What holds here: exactly one of isoUrl, diskImage, from.`]],
    ['needs', script({ inline: [], group: 'x' }), [`RULE_BROKEN [web/script, group] has group, which needs user too | What holds here: group needs user.`]],
    ['takes undefined for unset', build({ isoUrl: 'x', diskImage: undefined }), []],
  ]],
  ['a secret', [
    ['in a plain field', build({ isoUrl: Secret.env('X') }), [`SECRET_IN_PLAIN_FIELD [web/vm, isoUrl] a secret stands where a plain value belongs: it would be printed and stored | Use a field that takes secrets, or pass it to the guest through an environment variable.`]],
    ['in text in a plain field', build({ isoUrl: any(text`a${Secret.env('X')}`) }), [`SECRET_IN_PLAIN_FIELD [web/vm, isoUrl] a secret stands where a plain value belongs: it would be printed and stored | Use a field that takes secrets, or pass it to the guest through an environment variable.`]],
    ['hidden in a function', build({ isoUrl: upper(any(Secret.env('X'))) }), [`SECRET_IN_PLAIN_FIELD [web/vm, isoUrl] secret 'env:X' stands where a plain value belongs: it would be printed and stored | Use a field that takes secrets.`]],
    ['hidden in an object', build({ isoUrl: jsonEncode({ a: [Secret.env('X')] }) }), [`SECRET_IN_PLAIN_FIELD [web/vm, isoUrl] secret 'env:X' stands where a plain value belongs: it would be printed and stored | Use a field that takes secrets.`]],
    ['written out is not repeated', build({ isoUrl: 'x', login: { username: 'x', password: 'hunter2' } }), [`WRONG_TYPE [web/vm, login.password] a string written out is not a Secret, such as Secret.env('NAME') | Give it a Secret, such as Secret.env('NAME').`]],
    ['written out in a variable is not repeated', app => build({ isoUrl: 'x', login: { username: 'x', password: new Variable(app, 'p', { default: 'hunter2' }) } })(app), [`WRONG_TYPE [web/vm, login.password] a string written out is not a Secret, such as Secret.env('NAME') | Give it a Secret, such as Secret.env('NAME').`]],
    ['in a command is refused', script({ inline: [Secret.env('X')] }), [`SECRET_IN_PLAIN_FIELD [web/script, inline[0]] a secret stands where a plain value belongs: it would be printed and stored | Use a field that takes secrets, or pass it to the guest through an environment variable.`]],
    ['in an environment is taken', app => script({ inline: [], environment: { A: Secret.env('X'), B: new SecretVariable(app, 's'), C: text`x${Secret.file('f')}` } })(app), []],
    ['that is a sensitive variable is taken anywhere', app => build({ isoUrl: new Variable(app, 'token', { default: 'x', sensitive: true }) })(app), []],
  ]],
  ['a file', [
    ['that is not there', build({ diskImage: 'nope.img' }), [`MISSING_FILE [web/vm, diskImage] there is no file or folder 'nope.img' | It was looked for at nope.img. Paths are relative to the program's folder; a file that an earlier step makes is written generated('nope.img').`]],
    ['that is a folder', build({ diskImage: 'site' }), [`MISSING_FILE [web/vm, diskImage] 'site' is a folder where a file is needed | Name a file.`]],
    ['that is a web address', build({ diskImage: new URL('https://example.com/x') }), [`WRONG_TYPE [web/vm, diskImage] the URL https://example.com/x is no file | Give a path, or new URL(…, import.meta.url).`]],
    ['in a variable that is not there', app => build({ diskImage: new Variable(app, 'disk', { default: 'nope.img' }) })(app), [`MISSING_FILE [web/vm, diskImage] there is no file or folder 'nope.img' | It was looked for at nope.img. Paths are relative to the program's folder; a file that an earlier step makes is written generated('nope.img').`]],
  ]],
  ['a template file', [
    ['that is not there', build({ isoUrl: templateFile('nope.tpl', {}) }), [`BAD_EXPRESSION [web/vm, isoUrl] there is no file 'nope.tpl' | Look at the values that go into it.`]],
    ['that mentions a name without a value', build({ isoUrl: templateFile('motd.tpl', {}) }), [`BAD_EXPRESSION [web/vm, isoUrl] motd.tpl mentions \${name}, and is given no such value | Look at the values that go into it.`]],
    ['that is given another name', build({ isoUrl: templateFile('motd.tpl', { name: 'x', nam: 'y' }) }), [`BAD_EXPRESSION [web/vm, isoUrl] motd.tpl is given 'nam', and does not mention it. Did you mean 'name'? | Look at the values that go into it.`]],
    ['with a secret, in a plain field', build({ isoUrl: templateFile('motd.tpl', { name: Secret.env('X') }) }), [`SECRET_IN_PLAIN_FIELD [web/vm, isoUrl] a secret stands where a plain value belongs: it would be printed and stored | Use a field that takes secrets, or pass it to the guest through an environment variable.`]],
  ]],
  ['a reference', [
    ['to a build without such a source', app => build({ from: new ImageBuild(app, 'ami', { sources: [new CloudSource({ region: 'x', imageName: 'x' })] }) })(app), [`BAD_IMAGE [web/vm, from] build 'ami' has no 'vm' source | Add one to it, or start from a build that has one.`]],
    ['to a build with two such sources', app => build({ from: new ImageBuild(app, 'two', { sources: [new VmSource({ isoUrl: 'x' }), new VmSource({ name: 'big', isoUrl: 'x' })] }) })(app), [`BAD_IMAGE [web/vm, from] build 'two' has 2 sources of type 'vm' | Say which: source('vm') or source('big') of that build.`]],
    ['to a source that is not there', app => build({ from: new ImageBuild(app, 'b', { sources: [new VmSource({ isoUrl: 'x' })] }).source(any('nope')) })(app), [`BAD_IMAGE [web/vm, from] there is no source 'b/nope' | The program's sources are: b/vm, web/vm.`]],
    ['to a source of another type', app => build({ from: new ImageBuild(app, 'b', { sources: [new CloudSource({ region: 'x', imageName: 'x' })] }).source(any('cloud')) })(app), [`BAD_IMAGE [web/vm, from] 'b/cloud' is a 'cloud' source, and 'vm' is needed | Name a source of type 'vm'.`]],
    ['to a build of another App', build({ from: new ImageBuild(new App(), 'other', { sources: [new VmSource({ isoUrl: 'x' })] }) }), [`BAD_IMAGE [web/vm, from] build 'other' belongs to another App | Put both builds into one App.`]],
    ['to something that is no build', build({ from: 'base' }), [`BAD_IMAGE [web/vm, from] a string is not a build | Give it an ImageBuild, or build.source(name).`]],
    ['to an output that is not there', build({ isoUrl: { $expr: { op: 'output', target: 'web/vm', output: 'nope' } } }), [`BAD_REFERENCE [web/vm, isoUrl] 'web/vm' has no output 'nope' | Its outputs are: path.`]],
    ['to outputs of a post-processor that is not in the build', app => { const other = new ImageBuild(app, 'b', { sources: [new VmSource({ isoUrl: 'x' })] }); build({ isoUrl: other.outputsOf(new Pack({})).vm.file })(app); },
      [`BAD_REFERENCE [b] outputs of a post-processor (pack) are asked for that is not in this build | Put it into provisioners or postProcessors first.`, `BAD_REFERENCE [web/vm, isoUrl] there is no step or post-processor '' | Put it into the build whose outputs are asked for.`]],
    ['to a variable of another App', build({ isoUrl: new Variable(new App(), 'v', { default: 'x' }) }), [`BAD_REFERENCE [web/vm, isoUrl] there is no variable 'v' in this App | Declare it: new Variable(app, 'v').`]],
    ['to a data source of another App', build({ isoUrl: new Lookup(new App(), 'l', { name: 'x' }).outputs.id }), [`BAD_REFERENCE [web/vm, isoUrl] there is no data source 'l' in this App | Declare it in the same App.`]],
    ['to a member that is not there', app => build({ isoUrl: member(new Variable<any>(app, 'o', { default: { a: 'x' } }) as any, 'b' as never) })(app), [`BAD_EXPRESSION [web/vm, isoUrl] there is no 'b' in {"a":"x"} | Look at the values that go into it.`]],
    ['to itself, as a local', app => { const scope = new ImageBuild(app, 'scope', { sources: [new VmSource({ isoUrl: 'x' })] }); build({ isoUrl: local(scope, 'l', local(app, 'l', { $expr: { op: 'local', name: 'l' } })) })(app); },
      [`DUPLICATE_NAME [l] two locals are called 'l' | Give one of them another name.`, `BAD_REFERENCE [web/vm, isoUrl] local 'l' is defined by itself`]],
    ['in a circle', app => { const a = new ImageBuild(app, 'a', { sources: [new VmSource({ from: { $image: 'b/vm' } })] }); new ImageBuild(app, 'b', { sources: [new VmSource({ from: a })] }); },
      ['CYCLE [a/vm] these stand on each other: a/vm -> b/vm -> a/vm | Start one of them from something else.']],
    ['to its own output', build({ isoUrl: 'x', args: [[{ $expr: { op: 'output', target: 'web/vm', output: 'path' } }]] }), [`NOT_KNOWN_YET [web/vm] output 'path' of 'web/vm' is used while it is made | Use it in another build, or in a post-processor.`]],
  ]],
  ['a build', [
    ['without sources', app => { new ImageBuild(app, 'web', { sources: [] }); }, [`NO_SOURCES [web] this build has no sources | Give it at least one: sources: [new QemuSource({…})].`]],
    ['with two sources of one name', app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' }), new VmSource({ isoUrl: 'y' })] }); }, [`DUPLICATE_SOURCE [web/vm] two sources of this build are called 'vm' | Give one of them a name of its own, such as name: 'vm-2'.`]],
    ['with a source whose name has a slash', build({ name: 'a/b', isoUrl: 'x' }), [`BAD_NAME [web] 'a/b' is no name for a source | Use text without '/': a source is known by the path of its build and its name.`]],
    ['with a source whose name is a number', build({ name: 5, isoUrl: 'x' }), [`BAD_NAME [web] 5 is no name for a source | Use text without '/': a source is known by the path of its build and its name.`]],
    ['with two steps of one name', build({ isoUrl: 'x' }, { provisioners: [new Script({ name: 'x', inline: [] }), new Script({ name: 'x', inline: [] })] }), [`DUPLICATE_NAME [web/x] two components here are called 'x' | Give one of them another name.`]],
    ['with a source among its provisioners', build({ isoUrl: 'x' }, { provisioners: [new VmSource({ isoUrl: 'x' })] }), [`WRONG_TYPE [web] provisioners holds a source (vm) where it takes a provisioner | Put a provisioner, such as new ShellProvisioner({…}) there.`]],
    ['whose provisioners are no list', build({ isoUrl: 'x' }, { provisioners: new Script({ inline: [] }) }), [`WRONG_TYPE [web] provisioners is a provisioner (script) where it must be a list | Write it in brackets: provisioners: [ … ].`]],
    ['with a source without props', app => { new ImageBuild(app, 'web', { sources: [new (VmSource as any)()] }); }, [`WRONG_TYPE [web/vm] the props are missing where an object belongs | Write them in braces: { … }.`]],
    ['with a step without props', app => { new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new (Script as any)()], postProcessors: [new (Pack as any)(null)] }); },
      [`WRONG_TYPE [web/script] the props are missing where an object belongs | Write them in braces: { … }.`, `WRONG_TYPE [web/pack] the props are null where an object belongs | Write them in braces: { … }.`]],
  ]],
  ['a step', [
    ['only for an unknown source', script({ inline: [], only: ['wm'] }), [`UNKNOWN_SOURCE [web/script, only] 'wm' is none of this build's sources | Did you mean 'vm'?`]],
    ['with an override for an unknown source', script({ inline: [], override: { vmware: {} } }), [`UNKNOWN_SOURCE [web/script, override] 'vmware' is none of this build's sources | Its sources are: vm.`]],
    ['with an unknown prop in its override', script({ inline: [], override: { vm: { inlin: [] } } }), [`UNKNOWN_PROP [web/script, inlin] there is no prop 'inlin' here | Did you mean 'inline'?`]],
    ['whose override is no object', script({ inline: [], override: { vm: 'x' } }), [`WRONG_TYPE [web/script, override.vm] 'x' is not an object of props | Write the props by source name: override: { 'name': { … } }.`]],
    ['that never runs', script({ inline: [], only: [] }), [`warning: NEVER_RUN [web/script, only] 'only' is an empty list, so this never runs | Name sources in it, or take it out.`]],
    ['with a time limit that is known too late', app => script({ inline: [], timeout: { $expr: new Lookup(app, 'l', { name: 'x' }).outputs.count.$expr } })(app), [`NOT_KNOWN_YET [web/script, timeout] output 'count' of data source 'l' is known only while the run goes on, and 'timeout' must be known before | Give it a value, or a variable.`]],
    ['with a negative number of retries', script({ inline: [], maxRetries: -1 }), [`WRONG_TYPE [web/script, maxRetries] -1 is not a whole number of at least 0 | Give it a whole number of at least 0.`]],
  ]],
  ['a variable', [
    ['without a value', app => { new Variable(app, 'version'); }, [`MISSING_VARIABLE [version] no value was given | Give one: --var version=…, BAKE_VAR_version, --var-file, or a default.`]],
    ['of another type', app => { new Variable<number>(app, 'n', { type: types.number, default: any('x') }); }, [`BAD_VARIABLE [n] "x" is not a number (given by its default) | Give it a number.`]],
    ['whose object lacks a member', app => { new Variable<any>(app, 'o', { type: types.object({ a: types.string, b: types.optional(types.number) }), default: any({ b: 1 }) }); }, [`BAD_VARIABLE [o] a is missing (given by its default) | Give it an object with a, b.`]],
    ['whose object has one too many', app => { new Variable<any>(app, 'o', { type: types.object({ a: types.string }), default: { a: 'x', c: 'y' } }); }, [`BAD_VARIABLE [o] 'c' is none of its attributes (a) (given by its default) | Give it an object with a.`]],
    ['that breaks a rule', app => { new Variable(app, 'v', { default: 'x', validate: [{ condition: v => v.length > 3, message: 'Use more than three letters.' }] }); }, [`BAD_VARIABLE [v] "x" (given by its default) breaks a rule | Use more than three letters.`]],
    ['declared twice', app => { new Variable(app, 'v', { default: 'x' }); new Variable(new ImageBuild(app, 'b', { sources: [new VmSource({ isoUrl: 'x' })] }), 'v', { default: 'x' }); }, [`DUPLICATE_NAME [v] two variables are called 'v' | Give one of them another name.`]],
    ['that is null where it may be', app => { new Variable<string | null>(app, 'v', { type: types.nullable(types.string), default: null }); }, []],
  ]],
  ['a data source', [
    ['that uses what is built later', app => { const web = new ImageBuild(app, 'b', { sources: [new VmSource({ isoUrl: 'x' })] }); new Lookup(app, 'l', { name: web.outputs.vm.path }); }, [`NOT_KNOWN_YET [l] output 'path' of 'b/vm' is used here, and is known only once something was built | Data sources are read before anything is built: give it a value that is known by then.`]],
    ['that uses a value of the guest', app => { new Lookup(app, 'l', { name: host.guestHost }); }, [`NOT_KNOWN_YET [l] host.guestHost is used here, and is known only once something was built | Data sources are read before anything is built: give it a value that is known by then.`]],
  ]],
])('%s', (_, cases) => {
  test.each(cases)('%s', (_, program, lines) => { expect(say(program)).toEqual(lines); });
});

test('a value given to an App that has no such variable is a problem', () => {
  const app = new App({ variables: { verison: '1' } });
  new Variable(app, 'version', { default: '1' });
  expect(trySynth(app).problems.map(p => p.remedy)).toEqual([`Did you mean 'version'?`]);
});

test('all problems are found at once, errors first, each once, with the place where it was written', () => {
  const app = new App();
  const shared = new Script({ inline: [1 as never], only: [] });
  new ImageBuild(app, 'a', { sources: [new VmSource({ isoUrl: 'x' }), new CloudSource({ region: 'x', imageName: 'x' })], provisioners: [shared, new Copy({ from: 'disk.img', to: 5 as never })] });
  const { problems } = trySynth(app, { folder });
  expect(problems.map(line)).toEqual([
    `WRONG_TYPE [a/copy, to] 5 is not a string | Give it a string.`,
    `warning: NEVER_RUN [a/script, only] 'only' is an empty list, so this never runs | Name sources in it, or take it out.`,
  ]);
  for (const problem of problems) expect(problem.at).toMatch(/problems\.test\.ts:\d+:\d+$/);
});

test('synth throws one error with every problem, exit code 3 and no stack of ours in its text', () => {
  const app = new App();
  build({ isoUrll: 'x', diskSize: 5 })(app);
  try {
    synth(app);
    expect.unreachable();
  } catch (error) {
    if (!isBakeError(error)) throw error;
    expect([error.code, error.exit, error.problems.length]).toEqual(['PROGRAM_PROBLEMS', 3, 3]);
    expect(error.message).toMatch(/^3 problems in the program:\nerror UNKNOWN_PROP \[web\/vm, isoUrll \(.*problems\.test\.ts:\d+:\d+\)\]: there is no prop 'isoUrll' here\n {2}Did you mean 'isoUrl'\?\n/);
    expect(error.message).not.toMatch(/node_modules|\n\s+at /);
  }
});

test('a check of a field sees plain values, and no secret, ref or file', () => {
  const seen: unknown[] = [];
  const check = (value: unknown): string | undefined => { seen.push(value); return value === 'bad' ? 'is bad' : undefined; };
  const kind = source('checked', { a: field.string({ check }), s: field.secret({ check: check as never }), size: field.size({ check: check as never }) });
  class Checked extends Source<typeof kind, string> {}
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new (Checked as any)(kind, { a: 'bad', s: Secret.env('X'), size: Size.gib(1) }), new (Checked as any)(kind, { name: 'later', a: timestamp() })] });
  expect(trySynth(app).problems.map(line)).toEqual(['WRONG_VALUE [web/checked, a] is bad']);
  expect(seen).toEqual(['bad', Size.gib(1)]);
});

test('a default that is a path must be there, and is tagged as any file', () => {
  const kind = dataKind('with-file', { file: field.path({ default: 'disk.img' }), other: field.path({ default: 'nope' }) });
  class WithFile extends DataSource<typeof kind> {}
  const app = new App();
  new WithFile(app, 'd', kind, {});
  const { plan, problems } = trySynth(app, { folder });
  expect(plan.data[0]!.props['file']).toEqual({ $file: expect.stringMatching(/^sha256:/), name: 'disk.img' });
  expect(problems.map(p => [p.code, p.field])).toEqual([['MISSING_FILE', 'other']]);
});

test('a group of steps is a place of its own in every path', () => {
  const app = new App();
  class Hardened extends ProvisionerGroup { constructor() { super({ provisioners: [new Script({ inline: ['a'] }), new Script({ inline: [1 as never] })] }); } }
  new ImageBuild(app, 'web', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Hardened(), new Hardened()] });
  expect(trySynth(app).problems.map(p => p.path)).toEqual(['web/hardened/script-2', 'web/hardened-2/script-2']);
});
