import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  AmazonEbsSource, App, DockerSource, Duration, EnvironmentData, FileProvisioner, FileSource, GitData, host, HttpData, ImageBuild, local, NullSource, QemuSource, Secret, SecretVariable, ShellLocalProvisioner, ShellProvisioner, Size, sourceImage, templateFile, text, types, Variable, when,
} from '../../lib/index.js';
import { PackerComponent, PackerManifestPostProcessor, PackerNullSource, PackerQemuSource, PackerShellLocalProvisioner, PackerShellProvisioner, PackerVagrantPostProcessor, toPackerHcl, toPackerJson } from '../../lib/packer/index.js';
import { formatdateOf } from '../../lib/synth/packer-time.js';
import { goDuration, inUnit, sizeText } from '../../lib/synth/packer-units.js';

const build = (props: object, app = new App()): App => { new ImageBuild(app, 'web', { sources: [new PackerNullSource({ communicator: 'none' })], ...props } as never); return app; };
const hcl = (app: App, options = {}): string => toPackerHcl(app, options).files['packer.pkr.hcl']!;
const json = (app: App): any => JSON.parse(Object.values(toPackerJson(app).files)[0]!);
const codes = ({ problems }: { readonly problems: readonly { readonly code: string; readonly path: string; readonly field?: string }[] }): string[] => problems.map(p => `${p.code} ${p.path}${p.field === undefined ? '' : `, ${p.field}`}`);

describe('variables', () => {
  test('stay symbolic, with type, default, description and rules; those of a list or an object too', () => {
    const app = new App();
    const list = new Variable(app, 'list', { default: ['a'] }), object = new Variable(app, 'object', { type: types.object({ a: types.string, b: types.list(types.number) }) });
    const text_ = hcl(build({ provisioners: [new PackerShellLocalProvisioner({ inline: list, environmentVars: [text`A=${object}`] })] }, app));
    expect(text_).toContain('variable "list" {\n  type    = list(string)\n  default = ["a"]\n}');
    expect(text_).toContain('variable "object" {\n  type = object({ a = string, b = list(number) })\n}');
    expect(text_).toContain('inline           = var.list');
  });

  test('without a value are no problem: Packer asks for it', () => {
    const app = new App(), name = new Variable(app, 'name');
    expect(codes(toPackerHcl(build({ provisioners: [new PackerShellLocalProvisioner({ command: name })] }, app)))).toEqual([]);
  });

  test('whose value the program read are warned of, with the place', () => {
    const app = new App(), flag = new Variable(app, 'flag', { default: true });
    build({ provisioners: flag.value ? [new PackerShellLocalProvisioner({ command: 'true' })] : [] }, app);
    const [problem] = toPackerHcl(app).problems;
    expect(problem).toMatchObject({ code: 'EXPORT_STRUCTURAL', severity: 'warning', path: 'flag' });
    expect(problem!.at).toMatch(/packer\.test\.ts:\d+/);
  });

  test('with rules that are functions lose them, and that is said', () => {
    const app = new App();
    new Variable(app, 'odd', { default: 3, validate: [{ condition: n => n % 2 === 1, message: 'An odd number.' }] });
    expect(codes(toPackerHcl(build({}, app)))).toEqual(['EXPORT_VALIDATION odd']);
  });
});

describe('secrets', () => {
  test('become sensitive variables without values, from wherever they come', () => {
    const app = new App(), password = new SecretVariable(app, 'password'), pin = new Variable(app, 'pin', { default: '1234', sensitive: true });
    build({ provisioners: [new PackerShellLocalProvisioner({ command: 'x', env: { A: password, B: Secret.env('TOKEN'), C: Secret.file('/run/key.pem'), D: Secret.command(['pass', 'show', 'x']), E: pin } })] }, app);
    const out = hcl(app);
    for (const name of ['password', 'token', 'key', 'secret-pass', 'pin']) expect(out).toMatch(new RegExp(`variable "${name}" \\{[^}]*sensitive += true`));
    expect(out).not.toContain('1234');
    expect(out).toContain('default   = env("TOKEN")');
    expect(json(app)).toMatchObject({ variables: { password: null, token: '{{env `TOKEN`}}', key: null, pin: null }, 'sensitive-variables': ['key', 'password', 'pin', 'secret-pass', 'token'] });
  });
});

describe('expressions', () => {
  test('locals, conditions, times and host values in HCL and in JSON', () => {
    const app = new App(), big = new Variable(app, 'big', { default: false }), name = local(app, 'name', text`x-${big}`);
    build({ provisioners: [new PackerShellLocalProvisioner({ command: text`${name} ${when(big, 'L', 'S')} ${host.guestHost}:${host.guestPort}` })] }, app);
    expect(hcl(app)).toContain('command = "${local.name} ${var.big ? "L" : "S"} ${build.Host}:${build.Port}"');
    expect(hcl(app)).toContain('locals {\n  name = "x-${var.big}"\n}');
    expect(json(app).provisioners[0].command).toBe('x-{{user `big`}} {{if eq (user `big`) `true`}}L{{else}}S{{end}} {{ build `Host` }}:{{ build `Port` }}');
  });

  test('data sources that Packer lacks become variables', () => {
    const app = new App(), git = new GitData(app, 'git'), home = new EnvironmentData(app, 'home', { name: 'HOME' }), page = new HttpData(app, 'page', { url: 'https://example.org' });
    build({ provisioners: [new PackerShellLocalProvisioner({ command: text`${git.outputs.commit} ${home.outputs.value} ${page.outputs.body} ${page.outputs.json as never}` })] }, app);
    const result = toPackerHcl(app);
    expect(result.files['packer.pkr.hcl']).toContain('command = "${var.git_commit} ${var.home_value} ${data.http.page.body} ${var.page_json}"');
    expect(result.files['packer.pkr.hcl']).toContain('data "http" "page" {');
    expect(codes(result)).toEqual(['EXPORT_NO_COMPONENT git', 'EXPORT_NO_COMPONENT home']);
  });

  test('what only the machine knows: as Packer\'s text while a source starts, as build.X in steps', () => {
    const app = new App();
    new ImageBuild(app, 'web', {
      sources: [new AmazonEbsSource({ region: 'eu-central-1', sourceAmi: 'ami-1', instanceType: 't3.small', ssh: { username: 'admin' }, amiName: 'web', tags: { Base: text`${sourceImage.name} of ${sourceImage.owner}` } })],
      provisioners: [new ShellProvisioner({ inline: [text`echo ${sourceImage.id}`] })],
    });
    expect(hcl(app)).toContain('Base = "{{ .SourceAMIName }} of {{ .SourceAMIOwner }}"');
    expect(hcl(app)).toContain('inline = ["echo ${build.SourceAMI}"]');
    expect(hcl(app)).toContain('metadata_options {\n    http_tokens = "required"\n  }');
    expect(json(app).provisioners[0].inline).toEqual(['echo {{ build `SourceAMI` }}']);
  });

  test('a dollar before an expression stays a dollar', () => {
    const app = new App(), name = new Variable(app, 'name', { default: 'x' });
    expect(hcl(build({ provisioners: [new PackerShellLocalProvisioner({ command: text`a$${name}` })] }, app))).toContain('command = "a${"$"}${var.name}"');
  });
});

describe('steps', () => {
  const sources = [new PackerNullSource({ communicator: 'none' }), new PackerNullSource({ name: 'other', communicator: 'none' }), new PackerNullSource({ name: 'third', communicator: 'none' })];
  test('name sources in each format\'s own way; one of only and except is left', () => {
    const app = build({ sources, provisioners: [new PackerShellLocalProvisioner({ command: 'a', only: ['null', 'other'], except: ['other'] }), new PackerShellLocalProvisioner({ command: 'b', except: ['other'] })] });
    expect(hcl(app)).toContain('only = ["null.web"]');
    expect(hcl(app)).toContain('except = ["null.web-other"]');
    expect(hcl(app)).toContain('sources = ["source.null.web", "source.null.web-other", "source.null.web-third"]');
    expect(json(app).provisioners.map((p: any) => [p.only, p.except])).toEqual([[['null'], undefined], [undefined, ['other']]]);
    expect(json(app).builders.map((b: any) => b.name)).toEqual([undefined, 'other', 'third']);
  });

  test('that would run nowhere are left out: to Packer an empty `only` means everywhere', () => {
    const app = build({ sources, provisioners: [new PackerShellLocalProvisioner({ command: 'a', only: ['other'], except: ['other'] })], postProcessors: [new PackerManifestPostProcessor({ only: ['other'], except: ['other'] })] });
    expect([json(app).provisioners, json(app)['post-processors']]).toEqual([undefined, undefined]);
  });

  test('what one source overrides is a block of its own in HCL, and only what differs in JSON', () => {
    const app = build({ sources, provisioners: [new PackerShellLocalProvisioner({ command: 'a', tempfileExtension: '.sh', only: ['null', 'other'], override: { other: { command: 'b' } } })] });
    expect(hcl(app).match(/only = .*\n\n(?: {4}.*\n)+/g)).toEqual(['only = ["null.web"]\n\n    command            = "a"\n    tempfile_extension = ".sh"\n', 'only = ["null.web-other"]\n\n    command            = "b"\n    tempfile_extension = ".sh"\n']);
    expect(json(app).provisioners[0].override).toEqual({ other: { command: 'b' } });
  });

  test('pauses, time limits and retries; what Packer does not know is warned of', () => {
    const app = build({
      timeout: Duration.hours(2), checkpoint: 'always',
      provisioners: [
        new PackerShellLocalProvisioner({ command: 'a', pauseBefore: Duration.seconds(90), pauseAfter: Duration.seconds(3), timeout: Duration.milliseconds(1500), maxRetries: 2, continueOnError: true, expires: Duration.days(1), creates: ['x'] }),
        new PackerShellProvisioner({ inline: ['a'], pauseAfter: Duration.minutes(1) }),
      ],
    });
    expect(json(app).provisioners).toEqual([
      { type: 'shell-local', pause_before: '1m30s', timeout: '1s500ms', max_retries: '2', command: 'a' }, { type: 'sleep', duration: '3s' }, { type: 'shell', inline: ['a'], pause_after: '1m' },
    ]);
    expect(codes(toPackerHcl(app))).toEqual(['EXPORT_NO_SETTING web, timeout', 'EXPORT_NO_SETTING web, checkpoint', 'EXPORT_NO_SETTING web/shell-local, expires', 'EXPORT_NO_SETTING web/shell-local, creates', 'EXPORT_NO_SETTING web/shell-local, continueOnError']);
  });

  test('for clean-up after an error there is one', () => {
    const step = (command: string): object => new PackerShellLocalProvisioner({ command });
    const app = build({ errorCleanup: [step('a'), step('b')] });
    expect(json(app)['error-cleanup-provisioner']).toEqual({ type: 'shell-local', command: 'a' });
    expect(hcl(app)).toContain('error-cleanup-provisioner "shell-local" {\n    command = "a"');
    expect(codes(toPackerHcl(app))).toEqual(['EXPORT_CLEANUP web']);
  });
});

describe('our components', () => {
  test('say in Packer\'s options and units what they do; defaults that Packer does not share are written', () => {
    const app = new App();
    new ImageBuild(app, 'vm', { sources: [new QemuSource({ diskImage: 'https://example.org/d.qcow2' as never, diskSize: Size.gib(40), memory: Size.gib(2), ssh: { username: 'root', password: Secret.env('PASSWORD'), timeout: Duration.minutes(20) }, qemuArgs: [['-device', 'x']] })] });
    const out = hcl(app);
    for (const line of ['disk_image +=', 'disk_size += "40G"', 'memory += 2048', 'cpus += 2', 'disk_cache += "unsafe"', 'ssh_timeout += "20m"', 'ssh_password += var.password', 'qemuargs += \\[\\["-device", "x"\\]\\]', 'iso_checksum += "none"']) expect(out).toMatch(new RegExp(`\n  ${line}`));
    for (const option of ['net_device', 'ssh_port', 'format', 'temporary_key_pair_type']) expect(out).not.toContain(option);
  });

  test('images on images become variables, with a warning', () => {
    const app = new App(), base = new ImageBuild(app, 'base', { sources: [new DockerSource({ image: 'debian:12', commit: true })] });
    new ImageBuild(app, 'web', { sources: [new DockerSource({ from: base, commit: true })], provisioners: [new ShellProvisioner({ inline: [text`echo ${base.outputs.docker.imageId}`] })] });
    const result = toPackerHcl(app);
    expect(result.files['packer.pkr.hcl']).toMatch(/image += var\.base_docker_image/);
    expect(result.files['packer.pkr.hcl']).toContain('inline = ["echo ${var.base_docker_image_id}"]');
    expect(codes(result)).toEqual(['EXPORT_IMAGE web/docker, from']);
  });

  test('props that Packer has no option for are warned of where they are set', () => {
    const app = build({ sources: [new NullSource()], provisioners: [new FileProvisioner({ content: 'x', destination: '/x', mode: '0644' })] });
    expect(codes(toPackerHcl(app))).toEqual(['EXPORT_NO_OPTION web/file, mode']);
  });

  test('`{{` means itself; where Packer would read it as its own, commands become a script, and the rest is refused', () => {
    const app = build({ sources: [new FileSource({ content: 'a {{b}}', target: 'x' })], provisioners: [new ShellLocalProvisioner({ inline: ['echo {{a}}'] }), new ShellLocalProvisioner({ command: 'echo {{a}}' })] });
    const result = toPackerHcl(app);
    expect(result.files['packer.pkr.hcl']).toContain('content = "a {{`{{`}}b}}"');
    expect(result.files['scripts/web-shell-local.sh']).toBe('#!/bin/sh -e\necho {{a}}\n');
    expect(result.files['packer.pkr.hcl']).toContain(`inline = ["/bin/sh -e '\${path.root}/scripts/web-shell-local.sh'"]`);
    expect(codes(result)).toEqual(['EXPORT_BRACES web/shell-local-2, command']);
  });

  test('paths of the program are found from where the template lies', () => {
    const app = build({ sources: [new FileSource({ source: new URL('./packer-trees.ts', import.meta.url), target: 'out/x' })] });
    const folder = new URL('.', import.meta.url).pathname.replace(/\/$/, '');
    expect(hcl(app)).toMatch(/source = "packer-trees\.ts"\n {2}target = "out\/x"/);
    expect(hcl(app, { out: `${folder}/template/packer` })).toMatch(/source = "\$\{path\.root\}\/\.\.\/\.\.\/packer-trees\.ts"/);
    expect(Object.values(toPackerJson(app, { out: `${folder}/template` }).files)[0]).toContain('"source": "{{template_dir}}/../packer-trees.ts"');
    const place = mkdtempSync(join(tmpdir(), 'bake-test-'));
    onTestFinished(() => rmSync(place, { recursive: true }));
    writeFileSync(join(place, 'motd.tmpl'), 'a ${a}\n');
    const filled = build({ provisioners: [new FileProvisioner({ content: templateFile('motd.tmpl', { a: 'b' }), destination: '/x' })] });
    expect(hcl(filled, { folder: place })).toContain('content     = templatefile("motd.tmpl", { a = "b" })');
    expect(hcl(filled, { folder: place, out: join(place, 'template') })).toContain('content     = templatefile("${path.root}/../motd.tmpl", { a = "b" })');
  });
});

describe('Packer\'s own options', () => {
  test('an option that the table does not know is an error with a suggestion, a wrong type too', () => {
    const wrong = toPackerHcl(build({ sources: [new PackerComponent('builder', 'file', { contents: 'x', target: ['y'] })] }));
    expect(wrong.problems).toMatchObject([
      { code: 'EXPORT_UNKNOWN_OPTION', severity: 'error', path: 'web/file', field: 'contents', remedy: `Did you mean 'content'?` }, { code: 'EXPORT_TYPE', field: 'target', message: "Packer's 'target' is a string, and this is a list" },
    ]);
  });

  test('what Packer requires is a rule of the kind', () => {
    expect(codes(toPackerHcl(build({ sources: [new PackerQemuSource({ isoUrl: 'x' })] })))).toEqual(['RULE_BROKEN web/qemu, isoChecksum', 'RULE_BROKEN web/qemu, communicator']);
  });

  test('what refers to nothing is a problem of the program, and is not printed', () => {
    const other = new Variable(new App(), 'elsewhere', { default: 'x' });
    const result = toPackerHcl(build({ provisioners: [new PackerShellLocalProvisioner({ command: other })] }));
    expect([result.files, codes(result)]).toEqual([{}, ['BAD_REFERENCE web/shell-local, command']]);
  });

  test('objects in objects are for JSON, where HCL takes names and texts', () => {
    const app = build({ postProcessors: [new PackerVagrantPostProcessor({ override: { virtualbox: { output: 'x.box' } } })] });
    expect([codes(toPackerHcl(app)), codes(toPackerJson(app))]).toEqual([['EXPORT_TYPE web/vagrant, override'], []]);
    expect(json(app)['post-processors'][0].override).toEqual({ virtualbox: { output: 'x.box' } });
  });

  test('packerOverrides has the last word: options set, taken away, and blocks; unknown ones are warned of', () => {
    const app = build({ sources: [new PackerQemuSource({ isoUrl: 'x', isoChecksum: 'none', sshUsername: 'root', headless: true, packerOverrides: { headless: null, memory: 512, qemu_img_args: { convert: ['-o', 'x'] }, brand_new: true } })] });
    expect(json(app).builders[0]).toEqual({ type: 'qemu', iso_checksum: 'none', iso_url: 'x', ssh_username: 'root', memory: 512, brand_new: true, qemu_img_args: { convert: ['-o', 'x'] } });
    expect(codes(toPackerHcl(app))).toEqual(['EXPORT_UNKNOWN_OPTION web/qemu, packerOverrides.brand_new']);
  });

  test('are refused by name where they stand in a build of ours: the kind says what to do', () => {
    expect(new PackerQemuSource({}).kind.exportOnly).toContain('bake synth --format packer-hcl');
  });
});

test('a program with two builds is one folder of HCL, and a JSON template each', () => {
  const app = new App();
  for (const id of ['web server', 'db']) new ImageBuild(app, id, { sources: [new PackerNullSource({ communicator: 'none' })] });
  expect(Object.keys(toPackerJson(app).files)).toEqual(['db.json', 'web-server.json']);
  expect(hcl(app)).toContain('source "null" "web-server" {');
  expect(Object.keys(toPackerHcl(app, { split: true }).files)).toEqual(['sources.pkr.hcl', 'build.pkr.hcl']);
});

test('policies hold for the program and not for the template', () => {
  const app = build({});
  app.addPolicy({ id: 'no-root', check: () => {} });
  expect(codes(toPackerHcl(app))).toEqual(['EXPORT_POLICY ']);
});

test('units are written as Packer reads them', () => {
  expect([0, 500, 90_000, 3_600_000, 5_445_500].map(goDuration)).toEqual(['0s', '500ms', '1m30s', '1h', '1h30m45s500ms']);
  expect([1, 1024, 1536 * 1024, 40 * 1024 ** 3].map(sizeText)).toEqual(['1', '1K', '1536K', '40G']);
  expect([inUnit(1536, 'mib'), inUnit(90_000, 'minutes'), inUnit(2000, 'seconds')]).toEqual([1, 2, 2]);
});

test('layouts of Go become those of formatdate, where it has them', () => {
  expect(['2006-01-02', '20060102-1504', "at 15h o'clock", 'Jan _2', '2006-01-02T15:04:05Z07:00'].map(formatdateOf)).toEqual(['YYYY-MM-DD', 'YYYYMMDD-hhmm', "'at' hh'h' 'o''clock'", undefined, "YYYY-MM-DD'T'hh:mm:ssZ"]);
});
