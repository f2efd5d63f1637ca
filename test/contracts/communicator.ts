/** The contract of communicators: every implementation runs this suite. */
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, createReadStream, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync, openSync, writeSync, closeSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Communicator, ExecOptions, Exit } from '../../lib/runtime/driver.js';

export interface CommunicatorFixture {
  readonly guest: Communicator;
  /** An empty folder of the guest that the user may write to. */
  readonly folder: string;
  /** Cuts the connection while a command runs; left out where there is none to cut. */
  readonly drop?: () => void | Promise<void>;
  /** A folder of the guest on a file system of 4 MiB. */
  readonly tiny?: string;
  /** What is said of a full disk, where the protocol has no better word. */
  readonly full?: RegExp;
  readonly close: () => Promise<void>;
}

/** What a command printed and how it ended. */
export async function run(guest: Communicator, command: string, options: ExecOptions = {}): Promise<{ exit: Exit; out: string; err: string }> {
  const out: Uint8Array[] = [], err: Uint8Array[] = [];
  const exit = await guest.exec(command, { ...options, stdout: chunk => { out.push(Buffer.from(chunk)); }, stderr: chunk => { err.push(Buffer.from(chunk)); } });
  return { exit, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

/** In `npm run soak -- communicators`: every exit code, a file of 1 GB, minutes without a word. */
const long = process.env['BAKE_SERIES'] === '1';

const done = { how: 'exited', code: 0 } as const;
const awkward = [`with space`, `it's`, `"quoted"`, `ünï 雪 🙂`, `$HOME;*?[a]`, `-dash`, `back\\slash`, `new\nline`];

/** Declares the suite. `open` is called once, before the first test. */
export function communicatorContract(open: () => Promise<CommunicatorFixture>, options: { readonly bigFile?: number; readonly groups?: readonly ('commands' | 'files' | 'folders' | 'connection')[] } = {}): void {
  const group = (name: 'commands' | 'files' | 'folders' | 'connection', tests: () => void): void => { if (options.groups?.includes(name) ?? true) describe(name, tests); };
  let fixture: CommunicatorFixture, guest: Communicator, local: string, remote: string;
  const sh = (command: string, more?: ExecOptions): ReturnType<typeof run> => run(guest, command, more);
  const out = async (command: string, more?: ExecOptions): Promise<string> => {
    const result = await sh(command, more);
    expect(result, command).toMatchObject({ exit: done });
    return result.out;
  };
  beforeAll(async () => {
    local = mkdtempSync(join(tmpdir(), 'bake-contract-'));
    fixture = await open();
    ({ guest, folder: remote } = fixture);
  });
  afterAll(async () => {
    await fixture?.close();
    rmSync(local, { recursive: true, force: true });
  });

  group('commands', () => {
    test('exit codes arrive', async () => {
      const codes = long ? Array.from({ length: 256 }, (_, i) => i) : [0, 1, 7, 126, 127, 128, 255];
      expect(await Promise.all(codes.map(async code => (await sh(`exit ${code}`)).exit))).toEqual(codes.map(code => ({ how: 'exited', code })));
    });
    test('a command that ends by a signal has not succeeded, and the signal is known', async () => {
      for (const [signal, code] of [['TERM', 143], ['KILL', 137], ['SEGV', 139], ['HUP', 129]] as const) {
        const { exit } = await sh(`ulimit -c 0; kill -${signal} $$`);
        expect([{ how: 'signalled', signal }, { how: 'exited', code }], signal).toContainEqual(exit);
      }
    });
    test('a line of a megabyte, and one without an end, arrive whole', async () => {
      const text = await out(`head -c 1000000 /dev/zero | tr '\\0' x; echo; printf 'no end'`);
      expect(text === `${'x'.repeat(1_000_000)}\nno end`).toBe(true);
    });
    test('both outputs arrive, apart, whole and in order', async () => {
      expect(await sh('echo one; echo two >&2; printf three; printf four >&2')).toEqual({ exit: done, out: 'one\nthree', err: 'two\nfour' });
    });
    test('the command is one for sh, with quotes, variables, several lines and a here-document', async () => {
      expect(await out(`a='x y'\nfor i in 1 2; do echo "$i $a"; done | tail -n 1\ncat <<'END'\n"$b" \\\nEND\n`)).toBe('2 x y\n"$b" \\\n');
    });
    test('a command without input finds it empty', async () => expect(await out('cat; echo end')).toBe('end\n'));
    test('input arrives byte for byte, and output too', async () => {
      const bytes = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), randomBytes(300_000), Buffer.from('\r\n\0\n')]);
      const got: Uint8Array[] = [];
      expect(await guest.exec('cat', { stdin: bytes, stdout: chunk => { got.push(Buffer.from(chunk)); } })).toEqual(done);
      expect(Buffer.concat(got).equals(bytes)).toBe(true);
    });
    test('input may be a stream, and a command may end without reading it', async () => {
      async function* endless(): AsyncGenerator<Uint8Array> { for (;;) yield Buffer.alloc(65_536, 'x'); }
      expect(await out('head -c 5', { stdin: endless() })).toBe('xxxxx');
    });
    test('100,000 lines arrive whole and in order', async () => {
      let rest = '', expected = 1;
      const exit = await guest.exec('seq 1 100000', {
        stdout: chunk => {
          const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
          rest = lines.pop()!;
          for (const line of lines) { if (line !== `${expected}`) throw new Error(`'${line}' came where ${expected} should`); expected += 1; }
        },
      });
      expect([exit, rest, expected]).toEqual([done, '', 100_001]);
    });
    test('a reader that takes its time slows the command down; what is not read does not pile up here', async () => {
      const stop = new AbortController();
      let first = true, before = 0;
      const reading = guest.exec('head -c 400000000 /dev/zero', {
        signal: stop.signal,
        stdout: async () => {
          if (!first) return;
          first = false;
          before = process.memoryUsage().arrayBuffers;
          await sleep(1500);
          const grown = process.memoryUsage().arrayBuffers - before;
          stop.abort(new Error(grown < 100_000_000 ? 'bounded' : `${grown} bytes piled up`));
        },
      });
      await expect(reading).rejects.toThrow('bounded');
    });
    test('what a reader throws ends the command and comes out', async () => {
      await expect(guest.exec('echo x; sleep 300', { stdout: () => { throw new Error('enough'); } })).rejects.toThrow('enough');
    });
    test('several commands run at the same time, more than the guest takes at once', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, i) => out(`sleep 0.2; echo ${i}`)));
      expect(all).toEqual(Array.from({ length: 20 }, (_, i) => `${i}\n`));
    });
    test('cancelling ends the process in the guest, and those that it started', async () => {
      const stop = new AbortController(), pids = join(remote, 'pids');
      const cancelled = guest.exec(`sleep 300 & echo $$ $! >'${pids}.new'; mv '${pids}.new' '${pids}'; wait`, { signal: stop.signal });
      cancelled.catch(() => {});
      await until(async () => (await sh(`test -s '${pids}'`)).exit, exit => 'code' in exit && exit.code === 0);
      stop.abort(new Error('cancelled by the test'));
      await expect(cancelled).rejects.toThrow('cancelled by the test');
      await until(() => out(`for p in $(cat '${pids}'); do kill -0 $p 2>/dev/null && ! grep -q '^State:.Z' /proc/$p/status && echo alive; done; true`), text => text === '');
    });
    test('cancelling ends a process that ignores the polite signal too', async () => {
      const stop = new AbortController(), pid = join(remote, 'stubborn');
      const cancelled = guest.exec(`trap '' TERM; echo $$ >'${pid}.new'; mv '${pid}.new' '${pid}'; while :; do sleep 1; done`, { signal: stop.signal });
      cancelled.catch(() => {});
      await until(async () => (await sh(`test -s '${pid}'`)).exit, exit => 'code' in exit && exit.code === 0);
      stop.abort(new Error('cancelled by the test'));
      await expect(cancelled).rejects.toThrow('cancelled by the test');
      await until(() => out(`kill -0 $(cat '${pid}') 2>/dev/null && ! grep -q '^State:.Z' /proc/$(cat '${pid}')/status && echo alive; true`), text => text === '');
    });
    test('a signal that was given before the command starts keeps it from starting', async () => {
      await expect(guest.exec(`touch '${remote}/never'`, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow('too late');
      expect((await sh(`test -e '${remote}/never'`)).exit).toEqual({ how: 'exited', code: 1 });
    });
    test('a process left behind with the output open does not hold the command up for ever', async () => {
      expect(await out('sleep 300 & echo started')).toBe('started\n');
      await sh(`pkill -f '^sleep 300$'`);
    });
    test('a guest that was left alone for a while answers', async () => {
      await sleep(long ? 90_000 : 1200);
      expect(await out('echo here')).toBe('here\n');
    });
  });

  group('files', () => {
    test('content goes there and back unchanged: empty, binary, from memory and from a file', async () => {
      const bytes = randomBytes(70_001);
      writeFileSync(join(local, 'bytes'), bytes);
      await guest.upload(join(local, 'bytes'), `${remote}/bytes`);
      await guest.upload(bytes, `${remote}/memory`);
      await guest.upload(Buffer.alloc(0), `${remote}/empty`);
      expect(await out(`cd '${remote}' && cmp bytes memory && wc -c <empty`)).toBe('0\n');
      await guest.download(`${remote}/bytes`, join(local, 'back'));
      await guest.download(`${remote}/empty`, join(local, 'back-empty'));
      expect([readFileSync(join(local, 'back')).equals(bytes), statSync(join(local, 'back-empty')).size]).toEqual([true, 0]);
    });
    test('the path given is the final one, and its parents are made, on both sides', async () => {
      await guest.upload(Buffer.from('x'), `${remote}/a/b/c`);
      expect(await out(`cat '${remote}/a/b/c'`)).toBe('x');
      await guest.download(`${remote}/a/b/c`, join(local, 'x/y/z'));
      expect(readFileSync(join(local, 'x/y/z'), 'utf8')).toBe('x');
    });
    test('modes: the one asked for, else the file\'s own', async () => {
      writeFileSync(join(local, 'script'), 'x');
      chmodSync(join(local, 'script'), 0o750);
      await guest.upload(join(local, 'script'), `${remote}/own`);
      await guest.upload(join(local, 'script'), `${remote}/asked`, { mode: 0o604 });
      await guest.upload(Buffer.from('shorter'), `${remote}/asked`, { mode: 0o600 });
      expect(await out(`cd '${remote}' && stat -c %a own asked && cat asked`)).toBe('750\n600\nshorter');
      await guest.download(`${remote}/own`, join(local, 'own'));
      expect(statSync(join(local, 'own')).mode & 0o777).toBe(0o750);
    });
    test('names with spaces, quotes, unicode and everything that a shell takes for special', async () => {
      await Promise.all(awkward.map(async (name, i) => {
        await guest.upload(Buffer.from(`content ${i}`), `${remote}/awkward/${name}`);
        await guest.download(`${remote}/awkward/${name}`, join(local, `awkward-${i}`));
        expect(readFileSync(join(local, `awkward-${i}`), 'utf8')).toBe(`content ${i}`);
      }));
      expect(await out(`ls -1 '${remote}/awkward' | wc -l`)).toMatch(/^\s*9\n$/);
    });
    test('an existing file is written into: links to it stay', async () => {
      await out(`cd '${remote}' && echo old >target && ln -s target link`);
      await guest.upload(Buffer.from('new'), `${remote}/link`);
      expect(await out(`cd '${remote}' && test -L link && cat target`)).toBe('new');
    });
    const bigFile = long ? 1_000_000_000 : options.bigFile ?? 100_000_000;
    test(`a file of ${Math.round(bigFile / 1e6)} MB goes there and back, with its progress`, { timeout: 300_000 }, async () => {
      const size = bigFile, block = randomBytes(1_000_000), file = openSync(join(local, 'big'), 'w');
      for (let i = 0; i < size / block.length; i++) { block.writeUInt32BE(i); writeSync(file, block); }
      closeSync(file);
      let sent = 0;
      await guest.upload(join(local, 'big'), `${remote}/big`, { progress: bytes => { sent += bytes; } });
      expect(sent).toBe(size);
      const digest = await sha256(join(local, 'big'));
      expect((await out(`sha256sum <'${remote}/big'`)).slice(0, 64)).toBe(digest);
      await guest.download(`${remote}/big`, join(local, 'big-back'));
      expect(await sha256(join(local, 'big-back'))).toBe(digest);
      await out(`rm '${remote}/big'`);
    });
    test('a file with holes has the same content there and back', async () => {
      const file = openSync(join(local, 'holes'), 'w'), size = 8 * 1024 ** 2;
      writeSync(file, 'start');
      writeSync(file, 'end', size - 3);
      closeSync(file);
      await guest.upload(join(local, 'holes'), `${remote}/holes/file`);
      mkdirSync(join(local, 'with-holes'));
      copyFileSync(join(local, 'holes'), join(local, 'with-holes/file'));
      await guest.uploadFolder(join(local, 'with-holes'), `${remote}/holes/folder`);
      const digest = await sha256(join(local, 'holes'));
      for (const path of ['file', 'folder/file']) expect((await out(`sha256sum <'${remote}/holes/${path}'`)).slice(0, 64)).toBe(digest);
      await guest.downloadFolder(`${remote}/holes/folder`, join(local, 'holes-back'));
      expect(await sha256(join(local, 'holes-back/file'))).toBe(digest);
    });
    test('what cannot be written or read is an error that names the path and the reason', async () => {
      await expect(guest.upload(Buffer.from('x'), '/proc/sys/kernel/ostype')).rejects.toThrow(/\/proc\/sys\/kernel\/ostype.*(ermission denied|ead-only|not permitted|EACCES|EROFS|EPERM)/i);
      await expect(guest.upload(Buffer.from('x'), remote)).rejects.toThrow(remote);
      await expect(guest.download(`${remote}/not there`, join(local, 'no'))).rejects.toThrow(/not there.*(No such file|not found|ENOENT)/i);
      expect(existsSync(join(local, 'no'))).toBe(false);
    });
    test('a full disk is an error', async () => {
      const full = fixture.full ?? /No space left|ENOSPC/i;
      if (fixture.tiny === undefined) { await expect(guest.upload(Buffer.alloc(10_000), '/dev/full')).rejects.toThrow(full); return; }
      await expect(guest.upload(Buffer.alloc(7_000_000), `${fixture.tiny}/file`)).rejects.toThrow(full);
      await out(`rm -f '${fixture.tiny}/file'`);
      mkdirSync(join(local, 'too-much'));
      for (let i = 0; i < 7; i++) writeFileSync(join(local, `too-much/${i}`), Buffer.alloc(1_000_000, i));
      await expect(guest.uploadFolder(join(local, 'too-much'), `${fixture.tiny}/folder`)).rejects.toThrow(full);
    });
    test('a cancelled transfer rejects', async () => {
      const stop = new AbortController();
      await expect(guest.upload(Buffer.alloc(20_000_000), `${remote}/cancelled`, { signal: stop.signal, progress: () => stop.abort(new Error('enough')) })).rejects.toThrow('enough');
      expect(await out('echo usable')).toBe('usable\n');
    });
  });

  group('folders', () => {
    const plant = (): string => {
      const at = mkdtempSync(join(local, 'tree-'));
      mkdirSync(join(at, 'empty'));
      mkdirSync(join(at, 'deep/er'), { recursive: true });
      chmodSync(join(at, 'deep'), 0o711);
      writeFileSync(join(at, 'deep/er/file'), 'deep');
      writeFileSync(join(at, 'run.sh'), '#!/bin/sh\n');
      chmodSync(join(at, 'run.sh'), 0o755);
      writeFileSync(join(at, '.hidden'), '');
      for (const name of awkward) writeFileSync(join(at, name), name);
      symlinkSync('run.sh', join(at, 'link'));
      symlinkSync('deep', join(at, 'link-to-folder'));
      symlinkSync('/no/where', join(at, 'dead link'));
      return at;
    };
    const list = `find . ! -name . -exec sh -c 'for f; do [ -h "$f" ] && echo "$f -> $(readlink "$f")" || stat -c "%n %a %F" "$f"; done' sh {} + | LC_ALL=C sort; find . -type f -exec cat {} + | wc -c`;

    test('files, modes, links and empty folders go there and back; the path given is the folder\'s own', async () => {
      const at = plant();
      await guest.uploadFolder(at, `${remote}/new/tree`);
      const there = await out(`cd '${remote}/new/tree' && ${list}`);
      expect(there.split('\n')).toEqual(expect.arrayContaining(['./deep 711 directory', './run.sh 755 regular file', './empty 755 directory', './link -> run.sh', './dead link -> /no/where']));
      await guest.downloadFolder(`${remote}/new/tree`, join(local, 'tree-back/again'));
      await guest.uploadFolder(join(local, 'tree-back/again'), `${remote}/second`);
      expect(await out(`cd '${remote}/second' && ${list}`)).toBe(there);
      for (const name of awkward) expect(readFileSync(join(local, 'tree-back/again', name), 'utf8')).toBe(name);
    });
    test('a folder that is there is merged into, and keeps its mode', async () => {
      await out(`cd '${remote}' && mkdir -p merged/deep && chmod 1777 merged && echo mine >merged/mine && echo old >merged/run.sh`);
      await guest.uploadFolder(plant(), `${remote}/merged`);
      expect(await out(`cd '${remote}/merged' && cat mine run.sh && stat -c %a .`)).toBe('mine\n#!/bin/sh\n1777\n');
    });
    test('a link to a folder in the guest is followed, not replaced, as /lib is one', async () => {
      await out(`cd '${remote}' && mkdir -p rooted/usr/deep && ln -s usr/deep rooted/deep`);
      await guest.uploadFolder(plant(), `${remote}/rooted`);
      expect(await out(`cd '${remote}/rooted' && readlink deep && cat usr/deep/er/file`)).toBe('usr/deep\ndeep');
    });
    test('2,000 files in 40 folders', { timeout: 180_000 }, async () => {
      const at = join(local, 'many');
      for (let d = 0; d < 40; d++) {
        mkdirSync(join(at, `d${d}`), { recursive: true });
        for (let f = 0; f < 50; f++) writeFileSync(join(at, `d${d}/f${f}`), Buffer.alloc(8000, `${d} ${f} `));
      }
      await guest.uploadFolder(at, `${remote}/many`);
      await guest.downloadFolder(`${remote}/many`, join(local, 'many-back'));
      expect(await out(`cd '${remote}/many' && find . -type f | wc -l`)).toMatch(/^\s*2000\n$/);
      for (let d = 0; d < 40; d++) for (let f = 0; f < 50; f++) {
        if (!readFileSync(join(local, `many-back/d${d}/f${f}`)).equals(Buffer.alloc(8000, `${d} ${f} `))) throw new Error(`d${d}/f${f} differs`);
      }
    });
    test('a folder that is not there is an error that names it', async () => {
      await expect(guest.downloadFolder(`${remote}/no folder`, join(local, 'no-folder'))).rejects.toThrow('no folder');
    });
  });

  group('connection', () => {
    test('where it drops in mid-command there is no exit status, and the next command finds the guest again', async () => {
      if (!fixture.drop) return;
      let dropped = false;
      const exit = await guest.exec('echo started; sleep 20', { stdout: async () => { if (!dropped) { dropped = true; await fixture.drop!(); } } });
      expect(exit.how).toBe('disconnected');
      expect(await out('echo again')).toBe('again\n');
    });
    test('reconnecting leaves a guest that answers', async () => {
      await guest.reconnect({ budget: 60_000 });
      expect(await out('echo new')).toBe('new\n');
    });
  });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function until<T>(look: () => Promise<T>, right: (value: T) => boolean): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (right(await look())) return;
    await sleep(100);
  }
  throw new Error(`it stayed: ${JSON.stringify(await look())}`);
}
