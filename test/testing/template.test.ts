import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { App, Duration, ImageBuild, Secret, SecretVariable, Size, text, timestamp, Variable } from '../../lib/index.js';
import { Capture, Match, Template } from '../../lib/testing/index.js';
import { CloudSource, Copy, Lookup, Pack, Script, VmSource } from '../support/components.js';

let folder: string, app: App, template: Template, password: SecretVariable;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-template-'));
  writeFileSync(join(folder, 'base.sh'), 'echo base');
  app = new App();
  password = new SecretVariable(app, 'password');
  const version = new Variable(app, 'version', { default: '1.0' });
  new Lookup(app, 'found', { name: 'x' });
  const base = new ImageBuild(app, 'base', { description: 'What all stand on', sources: [new VmSource({ isoUrl: 'https://example.com/debian.iso', diskSize: Size.gib(10), login: { username: 'root', password } })], provisioners: [new Script({ file: 'base.sh' })] });
  new ImageBuild(app, 'web', {
    sources: [new VmSource({ from: base, login: { username: 'root' } }), new CloudSource({ region: 'eu', imageName: text`web-${version}-${timestamp()}` })],
    provisioners: [new Script({ name: 'update', inline: ['apt-get update', 'apt-get upgrade -y'], timeout: Duration.minutes(5) }), new Copy({ from: 'base.sh', to: '/x' }), new Script({ inline: ['true'], environment: { TOKEN: Secret.env('T') }, override: { cloud: { inline: ['false'] } } })],
    postProcessors: [[new Pack({ level: 9, only: ['vm'] })]],
  });
  template = Template.fromApp(app, { folder });
});
afterAll(() => { rmSync(folder, { recursive: true }); });

const said = (work: () => unknown): string => { try { work(); } catch (error) { return (error as Error).message.replace(/[^\s(]*template\.test\.ts:\d+:\d+/g, 'FILE'); } throw new Error('nothing was said'); };

describe('a template', () => {
  test('has what the program has', () => {
    template
      .hasNoProblems()
      .hasBuild('web', { sources: ['cloud', 'vm'], provisioners: Match.arrayWith(['web/update', 'web/script']), postProcessors: [['web/pack']] }).hasBuild('base', { description: 'What all stand on' })
      .hasSource(VmSource, { isoUrl: 'https://example.com/debian.iso', diskSize: Size.gib(10) }).hasSource('source/cloud', { region: 'eu' }).hasSource('vm', { from: { $image: 'base/vm' } })
      .hasProvisioner(Script, { inline: ['apt-get update', 'apt-get upgrade -y'] }).hasProvisioner(Script, { file: 'base.sh' }, { in: 'base' }).hasProvisioner(Copy, { from: 'base.sh' }, { in: 'web/vm' })
      .hasProvisioner(Script, { inline: ['false'] }, { in: 'web/cloud' }).hasProvisioner(Script, { inline: ['true'] }, { in: 'web/vm' })
      .hasProvisionersInOrder('web', [Script, Copy, [Script, { environment: { TOKEN: Secret.env('T') } }]])
      .hasPostProcessor(Pack, { level: 9 }).hasDataSource(Lookup, { name: 'x' })
      .resourceCount(ImageBuild, 2).resourceCount(VmSource, 2).resourceCount(Script, 3).resourceCount('provisioner/copy', 1).resourceCount(Pack, 1);
    expect(template.allSources().map(s => s.path)).toEqual(['base/vm', 'web/cloud', 'web/vm']);
    expect(template.allSources(VmSource, { isoUrl: Match.stringLike('*.iso') }).map(s => s.target)).toEqual(['base/vm']);
  });

  test('matches units, secrets, secret variables, settings and text known later', () => {
    template.hasSource(VmSource, { login: { password } }).hasProvisioner(Script, { timeout: Duration.minutes(5) }).hasSource(CloudSource, { imageName: text`web-1.0-${timestamp()}` });
  });

  test('tells a class from the one that it extends', () => {
    class Hardened extends Script { constructor() { super({ inline: ['harden'] }); } }
    const own = new App();
    new ImageBuild(own, 'a', { sources: [new VmSource({ isoUrl: 'x' })], provisioners: [new Hardened(), new Script({ inline: ['x'] })] });
    Template.fromApp(own).resourceCount(Hardened, 1).resourceCount(Script, 2).hasProvisioner(Hardened, { inline: ['harden'] });
  });

  test('of a program with problems is one to ask about them', () => {
    const bad = new App();
    new ImageBuild(bad, 'web', { sources: [new VmSource({ isoUrll: 'x' } as never)] });
    const found = Template.fromApp(bad).hasProblem({ code: 'UNKNOWN_PROP', path: 'web/vm', message: Match.stringLike('*isoUrll*') });
    expect(said(() => found.hasNoProblems())).toMatch(/^The program has these problems:\n {2}error UNKNOWN_PROP \[web\/vm, isoUrll \(FILE\)\]: there is no prop 'isoUrll' here\n {4}Did you mean 'isoUrl'\?/);
    expect(said(() => found.hasProblem({ code: 'UNKNOWN_PROP', path: 'web/cloud' }))).toMatch(/^There is no such problem\. The nearest is UNKNOWN_PROP \[web\/vm\]\.\n {2}path:\n {4}expected 'web\/cloud'\n {4}found {4}'web\/vm'/);
  });
});

describe('an expectation that is not met', () => {
  test('shows the nearest candidate and where it differs first', () => {
    expect(said(() => template.hasSource(VmSource, { isoUrl: 'https://example.com/debian.iso', diskSize: Size.gib(80), login: { username: 'admin' } }))).toMatch(new RegExp([
      `^No 'VmSource' is as expected\\. The nearest of 2 is base/vm \\(FILE\\)\\.`, '  diskSize:', '    expected Size\\.gib\\(80\\)', '    found    Size\\.gib\\(10\\)', '  and differs in 1 more place: login\\.username', 'Its properties: \\{',
    ].join('\n')));
  });

  test.each<[string, () => unknown, string]>([
    ['a kind that is not there', () => template.hasSource('qemu'), `There is no source 'qemu'.\nThere are:\n  base/vm (source/vm)\n  web/cloud (source/cloud)\n  web/vm (source/vm)`],
    ['a kind that is almost there', () => template.hasSource('clowd'), `There is no source 'clowd'. Did you mean 'cloud'?\n`],
    ['a build that is almost there', () => template.hasBuild('wep'), `There is no build 'wep'. Did you mean 'web'?\nThe program's builds are: base, web.`],
    ['a build with other sources', () => template.hasBuild('web', { sources: ['vm'] }), `Build 'web' is not as expected.\n  sources[0]:\n    expected 'vm'\n    found    'cloud'`],
    ['a place that is not there', () => template.hasProvisioner(Script, {}, { in: 'web/cloudy' }), `There is no build or target 'web/cloudy'. Did you mean 'web/cloud'?\n`],
    ['a step that is not there', () => template.hasProvisionersInOrder('web/vm', [Script, [Script, { inline: ['reboot'] }]]), `web/vm: step 2, 'Script', is not there after web/update.\nNo 'Script' is as expected. The only one is web/script on web/vm (FILE).\n  inline[0]:\n    expected 'reboot'\n    found    'true'`],
    ['steps in another order', () => template.hasProvisionersInOrder('web', [Copy, [Script, { inline: Match.arrayWith(['apt-get update']) }]]), `web/cloud: step 2, 'Script', is not there after web/copy: it comes before, as web/update.`],
    ['another number', () => template.resourceCount(Script, 4), `There are 3 of 'Script', and 4 were expected: base/script, web/update, web/script.`],
    ['one of none', () => template.resourceCount('qemu', 1), `There are 0 of 'qemu', and 1 was expected.`],
    ['a file that is another', () => template.hasProvisioner(Copy, { from: 'other.sh' }), `No 'Copy' is as expected. The nearest of 2 is web/copy on web/cloud (FILE).\n  from:\n    expected 'other.sh'\n    found    the file 'base.sh'`],
    ['a secret that is another', () => template.hasProvisioner(Script, { environment: { TOKEN: Secret.env('U') } }), `No 'Script' is as expected. The nearest of 5 is web/script on web/cloud (FILE).\n  environment.TOKEN:\n    expected {"$secret":"env:U"}\n    found    {"$secret":"env:T"}`],
  ])('says so of %s', (_, work, message) => { expect(said(work).slice(0, message.length)).toBe(message); });

  test('points at the line of the test', () => {
    try { template.hasBuild('nope'); expect.unreachable(); } catch (error) { expect((error as Error).stack!.split('\n').find(l => l.includes('    at '))).toContain('template.test.ts'); }
  });

  test('shows the problems of a program, which may be the reason', () => {
    const bad = new App();
    new ImageBuild(bad, 'web', { sources: ['not a source' as never] });
    expect(said(() => Template.fromApp(bad).hasSource(VmSource))).toMatch(/^There is no source 'VmSource': the program has no sources at all\.\nThe program has these problems:\n {2}error WRONG_TYPE/);
  });
});

describe('a matcher', () => {
  const fits = (expected: unknown): boolean => { try { template.hasProvisioner(Script, { inline: expected }, { in: 'web/vm' }); return true; } catch { return false; } };
  test.each<[string, unknown, boolean]>([
    ['arrayWith members in order', Match.arrayWith(['apt-get update', 'apt-get upgrade -y']), true], ['arrayWith one of them', Match.arrayWith(['apt-get upgrade -y']), true],
    ['arrayWith the wrong order', Match.arrayWith(['apt-get upgrade -y', 'apt-get update']), false], ['arrayWith a matcher inside', Match.arrayWith([Match.stringLike('*upgrade*')]), true],
    ['a list that is shorter', ['apt-get update'], false], ['anyValue', Match.anyValue(), true], ['absent', Match.absent(), false], ['not', Match.not(['true']), true], ['not with a matcher', Match.not(Match.arrayWith([Match.anyValue()])), false],
    ['regexp', [Match.regexp(/update$/), Match.regexp('^apt')], true], ['regexp with the g flag', [Match.regexp(/update/g), Match.anyValue()], true], ['stringLike with dots', [Match.stringLike('apt.get*'), Match.anyValue()], false], ['undefined means absent', undefined, false],
  ])('%s', (_, expected, result) => { expect(fits(expected)).toBe(result); });

  test('objectLike takes more members, exact does not', () => {
    template.hasSource(VmSource, { login: Match.objectLike({ username: 'root' }) });
    expect(said(() => template.hasSource(VmSource, { login: Match.exact({ username: 'root' }) }))).toContain('  login.port:\n    expected nothing\n    found    22');
  });

  test('is said in words in a message', () => {
    expect(said(() => template.hasSource(VmSource, { isoUrl: Match.not(Match.stringLike('https:*')) }, { in: 'base' }))).toContain(`expected anything but text like 'https:*'\n    found    'https://example.com/debian.iso'`);
  });
});

describe('a capture', () => {
  test('keeps what stood there, of every match', () => {
    const inline = new Capture<string[]>(), size = new Capture<Size>();
    template.hasProvisioner(Script, { inline, timeout: Match.absent() }, { in: 'web' }).hasSource(VmSource, { diskSize: size, isoUrl: Match.anyValue() });
    expect([inline.values, size.value]).toEqual([[['false'], ['true']], Size.gib(10)]);
  });

  test('keeps nothing of candidates that did not match, and says when it has nothing', () => {
    const url = new Capture<string>(Match.stringLike('https:*'));
    expect(() => template.hasSource(VmSource, { isoUrl: url, diskSize: Size.gib(99) })).toThrow();
    expect(url.values).toEqual([]);
    expect(() => url.value).toThrow('Nothing was captured');
  });
});

describe('a snapshot', () => {
  test('is the same whatever the digests, the places in the source and the order of keys', () => {
    writeFileSync(join(folder, 'base.sh'), 'echo something else, and longer');
    expect(JSON.stringify(Template.fromApp(app, { folder }))).toBe(JSON.stringify(template));
    writeFileSync(join(folder, 'base.sh'), 'echo base');
    expect(template.toJSON()).toMatchObject({ files: { 'digest-1': { path: 'base.sh', kind: 'file' } }, targets: [{ provisioners: [{ props: { file: { $file: 'digest-1', name: 'base.sh' } } }] }, {}, {}] });
    expect(JSON.stringify(template)).not.toMatch(/sha256:|template\.test\.ts/);
  });

  test('keeps digests where that is wanted', () => {
    expect(JSON.stringify(template.toJSON({ digests: 'keep' }))).toMatch(/"own":\{"capture":"sha256:[0-9a-f]{64}"/);
  });

  test('is one that vitest takes as it is', () => {
    const small = new App();
    new ImageBuild(small, 'web', { sources: [new CloudSource({ region: 'eu', imageName: 'x', tags: { at: 'kept', own: 'kept' } })] });
    expect(Template.fromApp(small)).toMatchInlineSnapshot(`
      {
        "data": [],
        "files": {},
        "format": "imagebake/plan/1",
        "requires": {},
        "targets": [
          {
            "after": [],
            "build": "web",
            "errorCleanup": [],
            "name": "cloud",
            "path": "web/cloud",
            "postProcessors": [],
            "provisioners": [],
            "settings": {},
            "source": {
              "kind": "source/cloud",
              "path": "web/cloud",
              "props": {
                "imageName": "x",
                "region": "eu",
                "tags": {
                  "at": "kept",
                  "own": "kept",
                },
              },
            },
          },
        ],
        "variables": {},
      }
    `);
  });
});
