import { spawnSync, execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFile, packFolder } from '../../../lib/runtime/formats/tar.js';
import { unpackFolder } from '../../../lib/runtime/formats/untar.js';

let at: string;
beforeEach(() => { at = mkdtempSync(join(tmpdir(), 'bake-tar-')); mkdirSync(join(at, 'from')); });
afterEach(() => { execFileSync('chmod', ['-R', 'u+w', at]); rmSync(at, { recursive: true, force: true }); });

const all = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => { const out: Uint8Array[] = []; for await (const chunk of chunks) out.push(chunk); return Buffer.concat(out); };
async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> { for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size); }
/** Names, modes, links and contents of a folder, one line each. */
const listing = (folder: string): string => execFileSync('sh', ['-c', `cd "$1" && find . -printf '%P %y %m %l ' -type f -exec md5sum {} \\; -o -printf '%P %y %m %l\\n' | sort`, 'sh', folder], { encoding: 'utf8' });

function fill(folder: string): void {
  mkdirSync(join(folder, 'empty'));
  mkdirSync(join(folder, 'read-only'));
  writeFileSync(join(folder, 'read-only/file'), 'x');
  chmodSync(join(folder, 'read-only'), 0o555);
  writeFileSync(join(folder, 'with space, \'quotes" and ünï 雪'), 'text');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/bytes-`), Buffer.of(0xff, 0xfe)]), 'not UTF-8');
  mkdirSync(join(folder, 'deep/'.repeat(30)), { recursive: true });
  writeFileSync(join(folder, 'deep/'.repeat(30), 'n'.repeat(200)), 'deep');
  writeFileSync(join(folder, 'zero'), '');
  writeFileSync(join(folder, 'script'), '#!/bin/sh\n', { mode: 0o755 });
  chmodSync(join(folder, 'script'), 0o4755);
  writeFileSync(join(folder, 'big'), Buffer.alloc(3_000_001, 'abcdefg'));
  truncateSync(join(folder, 'zero'), 0);
  symlinkSync('script', join(folder, 'link'));
  symlinkSync('/no/where/'.padEnd(150, 'x'), join(folder, 'long dead link'));
}

test('a folder packed and unpacked by us is the same: modes, links, empty folders, names of any bytes', async () => {
  fill(join(at, 'from'));
  await unpackFolder(packFolder(join(at, 'from')), join(at, 'to'));
  expect(listing(join(at, 'to')).split('\n').slice(1)).toEqual(listing(join(at, 'from')).split('\n').slice(1));
});

test('tar(1) reads what we pack, and we read what tar(1) packs, in each of its formats', async () => {
  fill(join(at, 'from'));
  mkdirSync(join(at, 'theirs'));
  expect(spawnSync('tar', ['-xpf', '-', '-C', join(at, 'theirs')], { input: await all(packFolder(join(at, 'from'))) }).stderr.toString()).toBe('');
  expect(listing(join(at, 'theirs')).split('\n').slice(1)).toEqual(listing(join(at, 'from')).split('\n').slice(1));
  for (const format of ['gnu', 'pax']) {
    const archive = execFileSync('tar', ['-cf', '-', `--format=${format}`, '-C', join(at, 'from'), '.'], { maxBuffer: 2 ** 26 });
    await unpackFolder(pieces(archive, 1000), join(at, format));
    expect(listing(join(at, format))).toEqual(listing(join(at, 'from')));
  }
});

test('contents of any size survive, however the stream is cut', async () => {
  await fc.assert(fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 2000 }), { maxLength: 6 }), fc.integer({ min: 1, max: 5000 }), async (files, cut) => {
    const from = mkdtempSync(join(at, 'f-')), to = mkdtempSync(join(at, 't-'));
    files.forEach((content, i) => writeFileSync(join(from, `${i}`), content));
    await unpackFolder(pieces(await all(packFolder(from)), cut), to);
    files.forEach((content, i) => expect(readFileSync(join(to, `${i}`)).equals(Buffer.from(content))).toBe(true));
  }), { numRuns: 30 });
});

test('one file can be packed under another name, from content or from a path', async () => {
  await unpackFolder(packFile('etc/motd', Buffer.from('hello'), { mode: 0o640 }), join(at, 'a'));
  expect(readFileSync(join(at, 'a/etc/motd'), 'utf8')).toBe('hello');
  expect(statSync(join(at, 'a/etc/motd')).mode & 0o777).toBe(0o640);
  writeFileSync(join(at, 'from/x'), Buffer.alloc(700_000, 7), { mode: 0o600 });
  await unpackFolder(packFile('y', join(at, 'from/x')), join(at, 'a'));
  expect(readFileSync(join(at, 'a/y')).equals(Buffer.alloc(700_000, 7))).toBe(true);
});

test('unpacking merges: folders that are there keep their mode, files and links are replaced, not followed', async () => {
  mkdirSync(join(at, 'to/sub'), { recursive: true });
  chmodSync(join(at, 'to'), 0o1777);
  chmodSync(join(at, 'to/sub'), 0o700);
  writeFileSync(join(at, 'outside'), 'untouched');
  symlinkSync(join(at, 'outside'), join(at, 'to/sub/a'));
  mkdirSync(join(at, 'from/sub'));
  writeFileSync(join(at, 'from/sub/a'), 'new');
  await unpackFolder(packFolder(join(at, 'from')), join(at, 'to'));
  expect([statSync(join(at, 'to')).mode & 0o7777, statSync(join(at, 'to/sub')).mode & 0o777]).toEqual([0o1777, 0o700]);
  expect(readFileSync(join(at, 'outside'), 'utf8')).toBe('untouched');
  expect(readFileSync(join(at, 'to/sub/a'), 'utf8')).toBe('new');
});

test('a folder that is a link at the destination is unpacked into, as /lib is in a guest', async () => {
  mkdirSync(join(at, 'to/usr/lib'), { recursive: true });
  symlinkSync('usr/lib', join(at, 'to/lib'));
  mkdirSync(join(at, 'from/lib'));
  writeFileSync(join(at, 'from/lib/x'), 'x');
  await unpackFolder(packFolder(join(at, 'from')), join(at, 'to'));
  expect(readlinkSync(join(at, 'to/lib'))).toBe('usr/lib');
  expect(existsSync(join(at, 'to/usr/lib/x'))).toBe(true);
});

test('archives that reach outside of the folder are refused', async () => {
  await expect(unpackFolder(packFile('../x', Buffer.from('x')), join(at, 'to'))).rejects.toMatchObject({ code: 'UNTAR_UNSAFE' });
  symlinkSync('/tmp', join(at, 'from/a'));
  const link = (await all(packFolder(join(at, 'from')))).subarray(0, 512), through = await all(packFile('a/evil', Buffer.from('x')));
  await expect(unpackFolder(pieces(Buffer.concat([link, through]), 512), join(at, 'to'))).rejects.toMatchObject({ code: 'UNTAR_UNSAFE' });
  await unpackFolder(packFile('/etc/x', Buffer.from('x')), join(at, 'abs'));
  expect(lstatSync(join(at, 'abs/etc/x')).isFile()).toBe(true);
});

test('an archive cut short, and one that is none, are refused', async () => {
  fill(join(at, 'from'));
  const archive = await all(packFolder(join(at, 'from')));
  await expect(unpackFolder(pieces(archive.subarray(0, 2_000_000), 512), join(at, 'to'))).rejects.toMatchObject({ code: 'UNTAR_TRUNCATED' });
  await expect(unpackFolder(pieces(Buffer.alloc(1024, 'x'), 512), join(at, 'to2'))).rejects.toMatchObject({ code: 'UNTAR_FORMAT' });
});
