/** What must be seen from outside: a program that is started by itself, plans on their own, signals, exit codes. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bakeFile, type Ended, runCommandLines, runNode, sourceEnvironment, tsx } from '../support/command-lines.js';
import { temporaryFolder } from '../support/program.js';

async function folderWith(program: string, files: { readonly [name: string]: string } = {}): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, text] of Object.entries({ 'images.ts': program, 'package.json': '{ "type": "module" }\n', ...files })) {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  return folder;
}

const bake = (cwd: string, ...lines: readonly (readonly string[])[]): Promise<Ended[]> => runCommandLines(lines.map(args => ({ args, cwd })));

const hello = `
import { appendFileSync } from 'node:fs';
import { App, FileSource, ImageBuild, Variable } from 'imagebake';
export const app = new App();
const count = new Variable(app, 'count', { default: 1 });
for (let i = 0; i < count.value; i++) new ImageBuild(app, \`hello-\${i}\`, { sources: [new FileSource({ content: 'hello', target: \`out/\${i}\` })] });
await app.run(import.meta);
appendFileSync('loaded', 'x');
`;

describe('a program that is started by itself', () => {
  it('builds, also with values that it reads before it runs the command line', async () => {
    const folder = await folderWith(hello), ended = await runNode('images.ts', ['--var', 'count=2'], folder);
    expect(ended).toMatchObject({ code: 0 });
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['0', '1']);
    expect(ended.stderr).toContain('2 done in ');
  });

  it('takes any command', async () => {
    const folder = await folderWith(hello), ended = await runNode('images.ts', ['list', '--var-file', 'x.env'], await cwdWith(folder, { 'x.env': 'count=3\n' }));
    expect(ended.stdout.split('\n').filter(l => l.startsWith('hello'))).toEqual(['hello-0', 'hello-1', 'hello-2']);
    expect(existsSync(join(folder, '.bake'))).toBe(false);
  });

  it('is told of a value that it cannot read as bake would tell it, without a stack', async () => {
    const folder = await folderWith(hello), ended = await runNode('images.ts', ['--var', 'count=many'], folder);
    expect(ended).toMatchObject({ code: 3, stdout: '' });
    expect(ended.stderr).toMatch(/^error VARIABLE_NO_VALUE: variable 'count': "many" is not a number \(given by --var\)\n {2}at images\.ts:6:27\n/);
    expect(ended.stderr).not.toMatch(/^ {4}at /m);
  });

  it('only describes when another program imports it', async () => {
    const folder = await folderWith(hello, { 'other.ts': `import { app } from './images.js';\nconsole.log(app.node.children.map(c => c.node.id).join());\n` });
    expect(await runNode('other.ts', [], folder)).toMatchObject({ code: 0, stdout: 'count,hello-0\n', stderr: '' });
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });

  it('is loaded once, and not run, by bake', async () => {
    const folder = await folderWith(hello);
    expect(await runNode(bakeFile, ['build', '--log-level', 'error'], folder)).toMatchObject({ code: 0 });
    expect(readFileSync(join(folder, 'loaded'), 'utf8')).toBe('x');
    expect(readdirSync(join(folder, '.bake/runs'))).toHaveLength(1);
  });
});

async function cwdWith(folder: string, files: { readonly [name: string]: string }): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe('a plan', () => {
  it('builds in another folder with the program gone, and asks for its secrets again', async () => {
    const folder = await folderWith(`
import { App, FileSource, ImageBuild, SecretVariable, ShellLocalProvisioner, Variable, text } from 'imagebake';
const app = new App(), version = new Variable(app, 'version', { default: '1' }), token = new SecretVariable(app, 'token');
new ImageBuild(app, 'web', {
  sources: [new FileSource({ source: 'site/page.html', target: text\`out/page-\${version}.html\` })],
  provisioners: [new ShellLocalProvisioner({ script: 'go.sh', environment: { TOKEN: token } })],
});
`, { 'site/page.html': '<p>', 'go.sh': 'printf %s "$TOKEN" | wc -c > size\n' });
    expect(await bake(folder, ['synth', '--out', 'plan', '--var', 'version=2'])).toMatchObject([{ code: 0 }]);
    const elsewhere = await temporaryFolder();
    await rename(join(folder, 'plan'), join(elsewhere, 'moved'));
    await rm(folder, { recursive: true });
    await writeFile(join(elsewhere, 'secrets.env'), `token='abc'\n`);
    expect(await bake(elsewhere, ['list', 'moved'], ['inspect', 'web', 'moved/plan.json'], ['validate', 'moved'])).toMatchObject([{ code: 0, stdout: 'web\n  web/file  file  1 step\n' }, { code: 0, stdout: expect.stringContaining("target  'out/page-2.html'") }, { code: 0, stdout: 'The plan is valid: 1 build, 1 target.\n' }]);
    expect(await bake(elsewhere, ['build', 'moved/plan.json', '--log-level', 'error'], ['build', 'moved', '--var-file', 'secrets.env'])).toMatchObject([{ code: 5, stderr: expect.stringContaining('SECRET_NOT_GIVEN') }, { code: 0 }]);
    expect([readFileSync(join(elsewhere, 'moved/out/page-2.html'), 'utf8'), readFileSync(join(elsewhere, 'moved/size'), 'utf8').trim()]).toEqual(['<p>', '3']);
  });
});

describe('events as JSON', () => {
  it('are lines on standard output, the result last; a failed build ends with 4', async () => {
    const folder = await folderWith(`
import { App, ImageBuild, NullSource, ShellLocalProvisioner } from 'imagebake';
const app = new App();
new ImageBuild(app, 'bad', { sources: [new NullSource({})], provisioners: [new ShellLocalProvisioner({ inline: ['echo before', 'exit 7'] })] });
new ImageBuild(app, 'good', { sources: [new NullSource({})], provisioners: [new ShellLocalProvisioner({ inline: ['true'] })] });
`);
    const ended = await runNode(bakeFile, ['build', '--json'], folder);
    const events = ended.stdout.trim().split('\n').map(line => JSON.parse(line) as { type: string });
    expect(ended).toMatchObject({ code: 4, stderr: '' });
    expect(events[0]).toMatchObject({ type: 'run-start', targets: ['bad/null', 'good/null'] });
    expect(events.filter(e => e.type === 'output')).toMatchObject([{ text: 'before\n', step: ['bad/null', 'bad/shell-local'] }]);
    expect(events.at(-1)).toMatchObject({ type: 'result', exit: 4, targets: [{ target: 'bad/null', outcome: 'failed', error: { code: 'SHELL_LOCAL_FAILED' } }, { target: 'good/null', outcome: 'done' }] });
  });
});

describe('a program with nothing in it', () => {
  it('builds nothing, and says so; problems are in the JSON result', async () => {
    const folder = await folderWith(`import { App, Variable } from 'imagebake';\nconst app = new App();\nif (process.env['ASK']) new Variable(app, 'x');\n`);
    expect(await bake(folder, ['build', '--log-level', 'warning'])).toEqual([{ code: 0, stdout: '', stderr: 'The program has nothing to build.\n' }]);
    const [asked] = await runCommandLines([{ args: ['build', '--json'], cwd: folder, env: { ASK: '1' } }]);
    expect([asked!.code, JSON.parse(asked!.stdout)]).toMatchObject([3, { type: 'result', exit: 3, problems: [{ code: 'MISSING_VARIABLE', path: 'x' }] }]);
  });
});

describe('what was built before', () => {
  const program = `
import { App, FileSource, ImageBuild, NullSource, ShellLocalProvisioner, Variable } from 'imagebake';
const app = new App(), greeting = new Variable(app, 'greeting', { default: 'hello' });
new ImageBuild(app, 'motd', { sources: [new FileSource({ content: greeting, target: 'out/motd' })] });
new ImageBuild(app, 'check', { sources: [new NullSource({})], provisioners: [new ShellLocalProvisioner({ script: 'check.sh' })] });
`;
  it('is planned for, explained, not built again, and retried where it failed', async () => {
    const folder = await folderWith(program, { 'check.sh': 'exit 3\n' });
    const [plan, built, again, why, changed] = await bake(folder, ['plan'], ['build', '--var', 'greeting=hi'], ['plan', '--var', 'greeting=hi', '--json'], ['why', 'motd', '--var', 'greeting=hi'], ['why', 'motd', '--no-color']);
    expect(plan!.stdout).toMatch(/^check\/null +full .*\n.*\nmotd\/file +full .*\n +because it was never built here\n/);
    expect(built).toMatchObject({ code: 4, stderr: expect.stringContaining('1 done, 1 failed in ') });
    expect(JSON.parse(again!.stdout)).toMatchObject([{ target: 'check/null', state: 'full' }, { target: 'motd/file', state: 'up-to-date', because: [] }]);
    expect(why!.stdout).toBe('motd/file is up to date.\n');
    expect(changed!.stdout).toBe('motd/file is built in full, because\n  content changed from "hi" to "hello"\n');
    await writeFile(join(folder, 'check.sh'), 'exit 0\n');
    const [retried, nothing, cached] = await bake(folder, ['retry'], ['retry'], ['build', 'motd', '--var', 'greeting=hi']);
    expect(retried).toMatchObject({ code: 0, stderr: expect.stringMatching(/\n1 done in .*\n$/) });
    expect(nothing).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Run \S+ finished everything\.\n$/) });
    expect(cached).toMatchObject({ code: 0, stderr: expect.stringContaining('1 up to date in ') });
    const [listed, used, verified, pruned] = await bake(folder, ['cache', 'ls'], ['cache', 'du', '--json'], ['cache', 'verify'], ['cache', 'prune', '--all', '--json']);
    expect(listed!.stdout).toContain('motd/file');
    expect(JSON.parse(used!.stdout)).toMatchObject({ folder: join(folder, '.cache/checkpoints'), limit: 20 * 2 ** 30 });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('all whole') });
    expect(JSON.parse(pruned!.stdout)).toMatchObject({ left: 0 });
  });

  it('that lies elsewhere and cannot be removed there is named by a prune, and kept', async () => {
    const folder = await folderWith(program, { 'check.sh': 'exit 0\n' }), key = 'a'.repeat(64), records = join(folder, '.cache/checkpoints/records');
    await mkdir(records, { recursive: true });
    const outside = { bytes: 5_000_000, requires: {}, from: folder };
    await writeFile(join(records, `${key}.json`), JSON.stringify({ key, what: 'machine', label: 'web/gone after web/shell', created: 1, sawSecret: false, driver: '@gone/kind:machine', blobs: {}, outside }));
    const [pruned, json] = await bake(folder, ['cache', 'prune', '--all'], ['cache', 'prune', '--all', '--json']);
    expect(pruned).toMatchObject({ code: 4, stdout: expect.stringMatching(/^0 entries removed, .*\n1 entry could not be removed; the next prune tries again:\n {2}a{19} {2}web\/gone after web\/shell: .*@gone/) });
    expect([json!.code, JSON.parse(json!.stdout)]).toMatchObject([4, { removed: [], failed: [{ entry: { record: { key } } }] }]);
  });

  it('is retried with the values that it was given, and those of now over them', async () => {
    const folder = await folderWith(program.replace(`script: 'check.sh'`, `inline: ['test "$G" = bye'], environment: { G: greeting }`));
    expect(await bake(folder, ['build', 'check', '--var', 'greeting=hi'], ['retry'], ['retry', '--var', 'greeting=bye'])).toMatchObject([{ code: 4 }, { code: 4 }, { code: 0 }]);
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});

describe('data sources', () => {
  it('are asked once, recorded, and asked again by bake update alone', async () => {
    const folder = await folderWith(`
import { App, CommandData, FileSource, ImageBuild } from 'imagebake';
const app = new App(), release = new CommandData(app, 'release', { command: ['cat', 'release.txt'] });
new ImageBuild(app, 'motd', { sources: [new FileSource({ content: release.outputs.stdout, target: 'out/motd' })] });
`, { 'release.txt': 'one\n' });
    const motd = (): string => readFileSync(join(folder, 'out/motd'), 'utf8');
    expect(await bake(folder, ['build', '--frozen'], ['build'])).toMatchObject([{ code: 5, stderr: expect.stringContaining('DATA_NOT_LOCKED') }, { code: 0 }]);
    await writeFile(join(folder, 'release.txt'), 'two\n');
    expect(await bake(folder, ['build', '--force', '--no-cache', '--frozen'])).toMatchObject([{ code: 0 }]);
    expect(motd()).toBe('one');
    const [shown, taken, again] = await bake(folder, ['update', '--dry-run'], ['update', 'rel*'], ['update']);
    expect(shown!.stdout).toContain("release.stdout  'one'  ->  'two'\n");
    expect([taken!.stdout, again!.stdout]).toEqual([shown!.stdout, 'Nothing changed.\n']);
    expect(await bake(folder, ['build', '--force'])).toMatchObject([{ code: 0 }]);
    expect(motd()).toBe('two');
  });
});

describe('secrets', () => {
  it('are in no output and no file of a full run, raw or encoded', async () => {
    const secret = `pä"ss'w\\ord\nof two lines ${'x'.repeat(5)}`;
    const folder = await folderWith(`
import { App, ImageBuild, NullSource, SecretVariable, ShellLocalProvisioner } from 'imagebake';
const app = new App();
const environment = { TOKEN: new SecretVariable(app, 'token') };
new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: [
  new ShellLocalProvisioner({ inline: ['printf "%s" "$TOKEN"', 'printf "%s" "$TOKEN" | base64 -w0', 'tr "\\\\0" "\\\\n" < /proc/self/environ | grep -A1 TOKEN >&2', 'ps -ef | grep "[o]f two lines" && exit 9', 'exit 7'], environment }),
] });
`);
    const [ended, json] = await runCommandLines([['build', '--verbose'], ['build', '--json']].map(args => ({ args, cwd: folder, env: { BAKE_VAR_token: secret } }))) as [Ended, Ended];
    expect([ended.code, json.code]).toEqual([4, 4]);
    const texts = [ended.stdout, ended.stderr, json.stdout, json.stderr, ...filesIn(join(folder, '.bake')).map(f => readFileSync(f, 'utf8'))];
    expect(texts.join('')).toContain('***');
    for (const form of [secret, ...secret.split('\n'), Buffer.from(secret).toString('base64'), encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      expect(texts.filter(t => t.includes(form))).toEqual([]);
    }
  });
});

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).filter(e => e.isFile()).map(e => join(e.parentPath, e.name));
}

const endless = `
import { App, FileSource, ImageBuild, ShellLocalProvisioner } from 'imagebake';
const app = new App();
new ImageBuild(app, 'web', {
  sources: [new FileSource({ content: 'x', target: 'out/x' })],
  provisioners: [new ShellLocalProvisioner({ inline: [process.env['STUBBORN'] ? "trap '' TERM INT HUP" : ':', 'echo running', 'while :; do sleep 0.2; done'] })],
});
`;

/** A build that is in the middle of its step. */
async function running(env: { readonly [name: string]: string } = {}) {
  const folder = await folderWith(endless);
  const child = spawn(process.execPath, ['--import', tsx, bakeFile, 'build', '--json'], { cwd: folder, env: { ...sourceEnvironment, BAKE_CACHE_DIR: join(folder, '.cache'), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => { child.kill('SIGKILL'); });
  let said = '';
  const ended = new Promise<number | null>(resolve => { child.once('close', code => resolve(code)); });
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', chunk => { said += String(chunk); if (said.includes('running\\n')) resolve(); });
    child.stderr.on('data', chunk => { said += String(chunk); });
    void ended.then(code => reject(new Error(`it ended with ${code} and said: ${said}`)));
  });
  return { folder, child, ended, said: () => said };
}

describe('a signal', () => {
  it.each([['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const)('%s ends a build cleanly with exit code %i', async (signal, code) => {
    const { folder, child, ended, said } = await running();
    child.kill(signal);
    expect(await ended).toBe(code);
    expect(said()).toContain(`${signal}: stopping, and cleaning up.`);
    expect(existsSync(join(folder, 'out'))).toBe(false);
    expect(readdirSync(join(folder, '.bake/journal'))).toEqual([]);
  });

  it('that comes again ends it at once, and bake gc finds what was left', async () => {
    const { folder, child, ended, said } = await running({ STUBBORN: '1' });
    // Two that are close together count as one, so it is sent until it is heard.
    const again = setInterval(() => child.kill('SIGINT'), 500);
    onTestFinished(() => { clearInterval(again); });
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    clearInterval(again);
    expect(said()).toContain('SIGINT again: leaving at once.');
    expect(await bake(folder, ['gc', '--dry-run'], ['gc'], ['gc', '--yes'], ['gc', '--dry-run'])).toMatchObject([
      { code: 0, stdout: expect.stringMatching(/web\/file/) },
      { code: 0, stderr: 'Nothing was removed: there is no terminal to ask at. bake gc --yes removes it.\n' },
      { code: 0, stdout: expect.stringMatching(/\d+ things? removed\.\n$/) },
      { code: 0, stdout: 'Nothing is left behind.\n' },
    ]);
  });
});

describe('a copy of the package of its own', () => {
  it('does not keep bake from finding the program and giving it its values', async () => {
    const folder = await folderWith(hello.replace(`'imagebake'`, `'./copy/lib/index.js'`));
    for (const part of ['lib', 'bin']) await cp(join(bakeFile, '../..', part), join(folder, 'copy', part), { recursive: true });
    for (const part of ['package.json', 'node_modules']) await linkInto(join(folder, 'copy'), part);
    expect(await runNode(bakeFile, ['list', '--var', 'count=2'], folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('hello-1') });
  });
});

async function linkInto(folder: string, name: string): Promise<void> {
  await symlink(join(bakeFile, '../..', name), join(folder, name));
}
