import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isBakeError } from '../../../lib/errors.js';
import type { Event } from '../../../lib/events.js';
import {
  App, CommandData, EnvironmentData, FileData, GitData, HttpData, ImageBuild, member, NullSource, Secret, ShellLocalProvisioner, text, Variable,
} from '../../../lib/index.js';
import { readLock } from '../../../lib/runtime/images-lock.js';
import { updateData } from '../../../lib/runtime/update.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';

let folder: string, lockFile: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'bake-data-')); lockFile = join(folder, 'images.lock'); });
afterEach(() => { rmSync(folder, { recursive: true }); });

/** A web server whose answer a test decides; `asked` is what it was asked. */
let server: Server, url: string, answer: (path: string) => { status?: number; body?: string; headers?: { [name: string]: string } };
let asked: { path: string; method: string; headers: { [name: string]: unknown }; body: string }[];
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', chunk => { body += chunk; }).on('end', () => {
      asked.push({ path: request.url!, method: request.method!, headers: request.headers, body });
      const { status = 200, body: text = '', headers = {} } = answer(request.url!);
      response.writeHead(status, headers).end(text);
    });
  });
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => { asked = []; answer = () => ({ body: 'one' }); });
afterAll(async () => { await new Promise(resolve => { server.close(resolve); server.closeAllConnections(); }); });

type Reading = { readonly outputs: { readonly [output: string]: unknown } };
const planOf = (program: (app: App) => void) => { const app = new App(); program(app); return synth(app, { folder }).plan; };
/** The outputs of the only data source of a program. */
async function read(program: (app: App) => void, environment: NodeJS.ProcessEnv = process.env): Promise<Reading['outputs']> {
  const plan = planOf(program), app = { data: plan.data.map(d => ({ ...d, lock: true })) };
  await updateData({ ...plan, ...app }, { file: lockFile, programFolder: folder, environment });
  return readLock(lockFile)[plan.data[0]!.path]!.outputs;
}
const problemOf = async (work: Promise<unknown>): Promise<[string, string]> => work.then(() => ['none', ''], (error: unknown) => { if (isBakeError(error)) return [error.code, error.message]; throw error; });
/** Builds with what a data source said in a command; the lines that it printed. */
async function build(program: (app: App) => void, lock?: Parameters<typeof run>[1] & object): Promise<{ lines: string[]; result: Awaited<ReturnType<typeof run>>; events: Event[] }> {
  const events: Event[] = [];
  const result = await run(planOf(program), { programFolder: folder, listen: event => { events.push(event); }, ...lock });
  return { lines: events.flatMap(e => (e.type === 'output' ? e.text.split('\n').filter(Boolean) : [])), result, events };
}
const echo = (app: App, value: Parameters<typeof text>[1]): void => { new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: [new ShellLocalProvisioner({ inline: [text`echo said ${value as string}`] })] }); };

describe('http', () => {
  test('gives the body, its JSON, the headers and the address that answered', async () => {
    answer = path => (path === '/' ? { status: 302, headers: { location: '/there' } } : { body: '{"version":"1.2"}', headers: { 'x-answer': 'yes', 'set-cookie': 'secret=1' } });
    const outputs = await read(app => { new HttpData(app, 'release', { url: `${url}/` }); });
    expect(outputs).toMatchObject({ body: '{"version":"1.2"}', json: { version: '1.2' }, url: `${url}/there`, responseHeaders: { 'x-answer': 'yes' } });
    expect(JSON.stringify(outputs)).not.toContain('secret=1');
  });

  test('sends method, headers and body, with secrets in them', async () => {
    await read(app => { new HttpData(app, 'd', { url, method: 'POST', requestHeaders: { authorization: text`Bearer ${Secret.env('TOKEN')}` }, requestBody: 'hello' }); }, { ...process.env, TOKEN: 'hunter2' });
    expect(asked).toMatchObject([{ method: 'POST', headers: { authorization: 'Bearer hunter2' }, body: 'hello' }]);
    expect(readFileSync(lockFile, 'utf8')).not.toContain('hunter2');
  });

  test('asks a server that is busy again, and takes no other refusal', async () => {
    answer = () => (asked.length < 3 ? { status: 503 } : { body: 'there' });
    expect(await read(app => { new HttpData(app, 'd', { url }); })).toMatchObject({ body: 'there' });
    answer = () => ({ status: 404 });
    asked = [];
    expect(await problemOf(read(app => { new HttpData(app, 'd', { url: `${url}/x` }); }))).toEqual(['DATA_HTTP_STATUS', `${url}/x answered 404 Not Found`]);
    expect(asked).toHaveLength(1);
  });

  test('takes only the body whose checksum was given', async () => {
    const good = '7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed';
    expect(await read(app => { new HttpData(app, 'd', { url, sha256: good }); })).toMatchObject({ body: 'one' });
    answer = () => ({ body: 'two' });
    expect(await problemOf(read(app => { new HttpData(app, 'd', { url, sha256: good }); }))).toEqual(['DATA_HTTP_CHECKSUM', expect.stringMatching(`^${url}/? has the SHA-256 3fc4cc.*, and ${good} was expected.$`)]);
  });

  test('names a wrong address at once', async () => {
    expect((await problemOf(read(app => { new HttpData(app, 'd', { url: 'nonsense' }); })))[0]).toBe('DATA_HTTP_UNREACHABLE');
  });
});

test('file gives text, base64, JSON and digest of a file that travels with the plan', async () => {
  writeFileSync(join(folder, 'release.json'), '{"a":1}');
  expect(await read(app => { new FileData(app, 'd', { path: 'release.json' }); })).toEqual({ text: '{"a":1}', base64: 'eyJhIjoxfQ==', json: { a: 1 }, sha256: '015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862' });
});

test('environment gives a variable, else the default, else says what is not set', async () => {
  const program = (fallback?: string) => (app: App) => { new EnvironmentData(app, 'd', { name: 'CHANNEL', default: fallback }); };
  expect(await read(program('x'), { CHANNEL: 'stable' })).toEqual({ value: 'stable' });
  expect(await read(program('edge'), {})).toEqual({ value: 'edge' });
  expect(await problemOf(read(program(), {}))).toEqual(['DATA_ENVIRONMENT_NOT_SET', 'The environment variable CHANNEL is not set.']);
});

describe('command', () => {
  test('gives what a program prints, with its environment, input and folder, and no shell between', async () => {
    mkdirSync(join(folder, 'sub'));
    const script = 'const fs=require("fs");console.log(JSON.stringify([process.argv[1],process.env.A,fs.readFileSync(0,"utf8"),process.cwd().endsWith("sub")]))';
    const outputs = await read(app => { new CommandData(app, 'd', { command: [process.execPath, '-e', script, '$HOME *'], environment: { A: 'b' }, input: 'in', workingDirectory: 'sub' }); });
    expect(outputs).toEqual({ stdout: '["$HOME *","b","in",true]', json: ['$HOME *', 'b', 'in', true] });
  });

  test('that fails says how, with what it said', async () => {
    expect(await problemOf(read(app => { new CommandData(app, 'd', { command: ['sh', '-c', 'echo no luck >&2; exit 7'] }); }))).toEqual(['PROCESS_FAILED', 'sh ended with code 7: no luck']);
  });
});

describe('git', () => {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: folder, GIT_AUTHOR_DATE: '2026-03-04T17:06:07+0200', GIT_COMMITTER_DATE: '2026-03-04T17:06:07+0200' } }).trim();
  const here = (app: App): void => { new GitData(app, 'd', {}); };
  const start = (): void => { git('init', '-q', '-b', 'main'); git('config', 'user.email', 'x@example.com'); git('config', 'user.name', 'x'); writeFileSync(join(folder, 'a'), 'a'); writeFileSync(join(folder, '.gitignore'), 'images.lock\n'); git('add', '.'); git('commit', '-qm', 'a'); };

  test('gives commit, branch, tag and time, and whether the tree is as committed', async () => {
    start();
    const commit = git('rev-parse', 'HEAD');
    expect(await read(here)).toEqual({ commit, shortCommit: commit.slice(0, 12), branch: 'main', tag: '', dirty: false, committed: '2026-03-04T15:06:07Z' });
    for (const tag of ['v1.9', 'v1.10']) git('tag', tag);
    writeFileSync(join(folder, 'b'), 'b');
    expect(await read(here)).toMatchObject({ tag: 'v1.10', dirty: true });
    git('checkout', '-q', '--detach');
    expect(await read(here)).toMatchObject({ commit, branch: '' });
  });

  test('says where there is no commit', async () => {
    expect((await problemOf(read(here)))[0]).toBe('DATA_GIT_NO_COMMIT');
  });
});

describe('what was read', () => {
  const release = (app: App, path = '/'): void => { echo(app, new HttpData(app, 'release', { url: `${url}${path}` }).outputs.body); };
  const locked = { lock: { get file() { return lockFile; } } };

  test('is in the steps that use it', async () => {
    answer = () => ({ body: '{"tag":{"name":"v3"}}' });
    const { lines, result } = await build(app => { echo(app, member(member(new HttpData<{ tag: { name: string } }>(app, 'release', { url }).outputs.json, 'tag'), 'name')); });
    expect([result.outcome, lines]).toEqual(['done', ['said v3']]);
  });

  test('is recorded, and used again whatever the server says now', async () => {
    expect((await build(release, locked)).lines).toEqual(['said one']);
    answer = () => ({ status: 500 });
    expect((await build(release, locked)).lines).toEqual(['said one']);
    expect(asked).toHaveLength(1);
  });

  test('is recorded in the same bytes each time, with nothing that changes by itself', async () => {
    const program = (app: App): void => { release(app); new CommandData(app, 'b', { command: ['echo', 'x'] }); new CommandData(app, 'a', { command: ['echo', 'x'] }); };
    answer = () => ({ body: 'one', headers: { date: 'fixed', connection: 'close' } });
    await build(program, locked);
    const first = readFileSync(lockFile, 'utf8');
    rmSync(lockFile);
    await build(program, locked);
    expect(readFileSync(lockFile, 'utf8')).toBe(first);
    expect(Object.keys(JSON.parse(first).data)).toEqual(['a', 'b', 'release']);
    expect(first.endsWith('}\n')).toBe(true);
  });

  test('is asked again when the question changed', async () => {
    await build(release, locked);
    answer = () => ({ body: 'two' });
    expect((await build(app => { release(app, '/other'); }, locked)).lines).toEqual(['said two']);
    expect(asked.map(a => a.path)).toEqual(['/', '/other']);
  });

  test('is asked again when what another source said, and it uses, changed', async () => {
    const program = (app: App): void => {
      const first = new EnvironmentData(app, 'first', { name: 'NAME', default: 'x' });
      echo(app, new CommandData(app, 'second', { command: ['echo', first.outputs.value] }).outputs.stdout);
    };
    expect((await build(program, { ...locked, environment: { ...process.env, NAME: 'a' } })).lines).toEqual(['said a']);
    expect((await build(program, { ...locked, environment: { ...process.env, NAME: 'b' } })).lines).toEqual(['said b']);
  });

  test('is not recorded for files, environment and git, unless the program says so', async () => {
    await build(app => { echo(app, new EnvironmentData(app, 'e', { name: 'HOME' }).outputs.value); }, locked);
    expect(existsSync(lockFile)).toBe(false);
    await build(app => { echo(app, new EnvironmentData(app, 'e', { name: 'HOME', lock: true }).outputs.value); }, locked);
    expect(Object.keys(readLock(lockFile))).toEqual(['e']);
  });

  test('that is sensitive is neither recorded nor printed, and read each time', async () => {
    answer = () => ({ body: 'hunter2hunter2' });
    const program = (app: App): void => { echo(app, new HttpData(app, 'token', { url, sensitive: true }).outputs.body); };
    const { lines, events } = await build(program, locked);
    await build(program, locked);
    expect(lines).toEqual(['said ***']);
    expect(JSON.stringify(events)).not.toContain('hunter2');
    expect([existsSync(lockFile), asked.length]).toEqual([false, 2]);
  });

  test('is an error where nothing may be read anew', async () => {
    const frozen = { lock: { file: lockFile, frozen: true } };
    const { result } = await build(release, frozen);
    expect(result.problems.map(p => [p.code, p.message])).toEqual([['DATA_NOT_LOCKED', `The data source 'release' is not in images.lock, and nothing may be read anew here.`]]);
    await build(release, locked);
    expect((await build(release, frozen)).result.outcome).toBe('done');
    expect((await build(app => { release(app, '/x'); }, frozen)).result.problems.map(p => p.message)).toEqual([`The data source 'release' is asked something else than in images.lock, and nothing may be read anew here.`]);
  });

  test('of a variable is asked again when its value changes', async () => {
    const program = (value: string) => (app: App): void => { release(app, `/${value}`); void new Variable(app, 'v', { default: value }); };
    await build(program('1'), locked);
    await build(program('2'), locked);
    expect(asked.map(a => a.path)).toEqual(['/1', '/2']);
  });
});

describe('bake update', () => {
  const program = (app: App): void => { new HttpData(app, 'release', { url }); new CommandData(app, 'now', { command: ['echo', 'same'] }); };
  const update = (more: object = {}) => updateData(planOf(program), { file: lockFile, programFolder: folder, ...more });

  test('says what changed, and takes it', async () => {
    answer = () => ({ body: '1', headers: { date: 'fixed', connection: 'close' } });
    expect((await update()).map(c => [c.path, c.output, c.before, c.after])).toContainEqual(['release', 'body', undefined, '1']);
    answer = () => ({ body: '2', headers: { date: 'fixed', connection: 'close' } });
    expect(await update()).toEqual([{ path: 'release', output: 'body', before: '1', after: '2' }, { path: 'release', output: 'json', before: 1, after: 2 }]);
    expect(readLock(lockFile)['release']!.outputs['body']).toBe('2');
    expect(await update()).toEqual([]);
  });

  test('shows changes without taking them, and asks only those that are named', async () => {
    await update();
    answer = () => ({ body: 'two' });
    const before = readFileSync(lockFile, 'utf8');
    expect((await update({ dryRun: true })).map(c => [c.output, c.after])).toContainEqual(['body', 'two']);
    expect(readFileSync(lockFile, 'utf8')).toBe(before);
    asked = [];
    expect(await update({ only: ['now'] })).toEqual([]);
    expect(asked).toEqual([]);
    expect(await problemOf(update({ only: ['releases'] }))).toEqual(['UPDATE_NO_MATCH', `'releases' matches no data source that is recorded. Did you mean 'release'?`]);
  });

  test('removes what the program no longer asks', async () => {
    await update();
    expect((await updateData(planOf(app => { new HttpData(app, 'release', { url }); }), { file: lockFile, programFolder: folder })).map(c => [c.path, c.after])).toContainEqual(['now', undefined]);
    expect(Object.keys(readLock(lockFile))).toEqual(['release']);
  });
});

describe('a lock file', () => {
  test.each<[string, string, string]>([['no JSON', '{', 'LOCK_UNREADABLE'], ['another format', '{"format":"x"}', 'LOCK_OTHER_FORMAT'], ['entries that are none', '{"format":"imagebake/lock/1","data":{"a":1}}', 'LOCK_UNREADABLE']])('with %s is named, and not written over', async (_, content, code) => {
    writeFileSync(lockFile, content);
    expect((await problemOf(updateData(planOf(() => {}), { file: lockFile, programFolder: folder })))[0]).toBe(code);
    expect(readFileSync(lockFile, 'utf8')).toBe(content);
  });
});
