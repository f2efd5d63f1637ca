import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { App, FileProvisioner, ImageBuild, NullSource } from '../../../lib/index.js';
import type { file } from '../../../lib/constructs/provisioners/file.js';
import type { Resolved } from '../../../lib/kinds.js';
import { localCommunicator } from '../../../lib/runtime/communicators/local.js';
import driver from '../../../lib/runtime/provisioners/file.js';
import { synth } from '../../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';

type Props = Resolved<typeof file>;
let it: DriverContext, at: string, guest: string;
beforeEach(async () => {
  it = await driverContext();
  at = it.folder;
  guest = mkdtempSync(join(tmpdir(), 'bake-file-'));
  mkdirSync(join(at, 'site/css'), { recursive: true });
  writeFileSync(join(at, 'site/index.html'), 'index');
  writeFileSync(join(at, 'site/css/a.css'), 'css');
  writeFileSync(join(at, 'motd'), 'motd');
  chmodSync(join(at, 'motd'), 0o640);
});
afterEach(async () => { await it.end(); rmSync(guest, { recursive: true, force: true }); });
const run = (props: Props): Promise<void> => driver.run(props, localCommunicator(), it.ctx).then(() => undefined);
const text = (path: string): string => readFileSync(join(guest, path), 'utf8');

describe('where things go', () => {
  test.each([
    ['motd', 'etc/motd.new', 'etc/motd.new'], ['motd', 'etc/', 'etc/motd'],
    ['site', 'www', 'www/index.html'], ['site', 'www/', 'www/site/index.html'], ['site/', 'www', 'www/index.html'], ['site/', 'www/', 'www/index.html'],
  ])('%s to %s is %s: the destination is the final path, a slash at its end means "into"', async (source, destination, expected) => {
    await run({ source: `${join(at, source)}${source.endsWith('/') ? '/' : ''}`, destination: `${guest}/deep/${destination}` });
    expect(text(`deep/${expected}`)).toBe(expected.includes('motd') ? 'motd' : 'index');
  });
  test('several go into the destination, each under its own name', async () => {
    await run({ sources: [join(at, 'motd'), join(at, 'site')], destination: `${guest}/all` });
    expect([text('all/motd'), text('all/site/css/a.css')]).toEqual(['motd', 'css']);
  });
  test('a folder that is there is merged into', async () => {
    mkdirSync(join(guest, 'www'));
    writeFileSync(join(guest, 'www/mine'), 'mine');
    await run({ source: `${join(at, 'site')}/`, destination: `${guest}/www` });
    expect([text('www/mine'), text('www/index.html')]).toEqual(['mine', 'index']);
  });
});

describe('what is sent', () => {
  test('content becomes a file, with the mode asked for', async () => {
    await run({ content: 'a secret\n', destination: `${guest}/a/b`, mode: '0600' });
    await run({ content: 'open', destination: `${guest}/a/c` });
    expect([text('a/b'), statSync(join(guest, 'a/b')).mode & 0o777, statSync(join(guest, 'a/c')).mode & 0o777]).toEqual(['a secret\n', 0o600, 0o644]);
  });
  test('a file keeps its mode, or gets the one asked for', async () => {
    await run({ source: join(at, 'motd'), destination: `${guest}/own` });
    await run({ source: join(at, 'motd'), destination: `${guest}/asked`, mode: '755' });
    expect(['own', 'asked'].map(name => statSync(join(guest, name)).mode & 0o777)).toEqual([0o640, 0o755]);
  });
  test('a mode for a folder is refused before anything is done', async () => {
    expect(await driver.preflight({ source: join(at, 'site'), destination: '/x', mode: '0644' })).toMatchObject([{ code: 'FILE_MODE_OF_FOLDER', field: 'mode' }]);
    expect(await driver.preflight({ source: join(at, 'motd'), destination: '/x', mode: '0644' })).toEqual([]);
  });
  test.runIf(process.getuid?.() === 0)('is given to its owner, and nothing else in the same folder is', async () => {
    mkdirSync(join(guest, 'www'));
    writeFileSync(join(guest, 'www/mine'), '');
    await run({ source: `${join(at, 'site')}/`, destination: `${guest}/www`, owner: '12345:54321' });
    await run({ source: join(at, 'motd'), destination: `${guest}/motd`, owner: ':54321' });
    expect(['www', 'www/css/a.css', 'www/mine', 'motd'].map(name => { const { uid, gid } = statSync(join(guest, name)); return [uid, gid]; })).toEqual([[12345, 54321], [12345, 54321], [0, 0], [0, 54321]]);
  });
  test('an owner that the guest does not know is an error that names it', async () => {
    await expect(run({ source: join(at, 'motd'), destination: `${guest}/motd`, owner: 'nobody-of-that-name' })).rejects.toMatchObject({ code: 'FILE_OWNER', message: expect.stringContaining('nobody-of-that-name') as string });
  });
});

describe('what is brought here', () => {
  test('a file, under the name given or into a folder, relative to the program', async () => {
    writeFileSync(join(guest, 'log'), 'log');
    await run({ download: `${guest}/log`, destination: 'out/the.log' });
    await run({ download: `${guest}/log`, destination: 'out/' });
    expect(['the.log', 'log'].map(name => readFileSync(join(at, 'out', name), 'utf8'))).toEqual(['log', 'log']);
  });
  test('a folder, or what is in it', async () => {
    mkdirSync(join(guest, 'logs/deep'), { recursive: true });
    writeFileSync(join(guest, 'logs/deep/x'), 'x');
    await run({ download: `${guest}/logs`, destination: 'a' });
    await run({ download: `${guest}/logs`, destination: 'b/' });
    await run({ download: `${guest}/logs/`, destination: 'c/' });
    expect(['a/deep/x', 'b/logs/deep/x', 'c/deep/x'].map(path => existsSync(join(at, path)))).toEqual([true, true, true]);
  });
  test('what is not there is an error that names it', async () => {
    await expect(run({ download: `${guest}/none`, destination: 'x' })).rejects.toMatchObject({ code: 'FILE_NOT_THERE', message: `There is no '${guest}/none' in the guest.` });
  });
  test('changes this computer, so that such a step is never taken for done; sending changes the guest only', () => {
    expect([driver.effects({ download: '/x', destination: 'y' }), driver.effects({ content: 'x', destination: '/y' })]).toEqual(['both', 'guest']);
  });
});

test.each([
  [{ destination: '/x' }, 'exactly one of source, sources, content, download'],
  [{ content: 'x', destination: '/x/' }, 'must be the path of a file'],
  [{ content: 'x', destination: '/x', mode: 'rw' }, `'rw' is no mode`],
  [{ content: 'x', destination: '/x', owner: 'a b' }, `'a b' is no owner`],
  [{ download: '/x', destination: 'x', mode: '0644' }, 'takes no mode'],
])('%j is found wrong before anything runs: %s', (props, message) => {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new FileProvisioner(props as never)] });
  expect(() => synth(app)).toThrow(message);
});
