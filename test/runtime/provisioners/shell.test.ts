import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { shell } from '../../../lib/constructs/provisioners/shell.js';
import { fieldsOf } from '../../../lib/fields.js';
import type { Resolved } from '../../../lib/kinds.js';
import { localCommunicator } from '../../../lib/runtime/communicators/local.js';
import type { Communicator, Context } from '../../../lib/runtime/driver.js';
import driver from '../../../lib/runtime/provisioners/shell.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';

type Props = Resolved<typeof shell>;
const defaults = Object.fromEntries(fieldsOf(shell.fields).filter(([, f]) => f.default !== undefined).map(([name, f]) => [name, f.default]));
let it: DriverContext, at: string;
beforeEach(async () => { it = await driverContext(); at = mkdtempSync(join(tmpdir(), 'bake-shell-')); });
afterEach(async () => { await it.end(); rmSync(at, { recursive: true, force: true }); });

/** Runs a step on this computer; what it printed. */
async function run(props: Partial<Props>, guest: Communicator = localCommunicator(), ctx: Partial<Context> = {}): Promise<string> {
  const from = it.said.length;
  await driver.run({ ...defaults, remoteFolder: at, ...props } as Props, guest, { ...it.ctx, ...ctx } as Context);
  return it.said.slice(from).join('');
}
const script = (text: string | Buffer, name = 'script'): string => { writeFileSync(join(at, name), text); return join(at, name); };

describe('inline commands', () => {
  test('are one script: they share variables and the folder, and their output comes out', async () => {
    expect(await run({ inline: ['a=1', 'cd /', 'echo "$a $PWD"', 'echo to stderr >&2'] })).toBe('1 /\nto stderr\n');
  });
  test('stop at the first failure; the error says how it ended and what was said last', async () => {
    await expect(run({ inline: ['echo before', 'false', 'echo after'] })).rejects.toMatchObject({ code: 'SHELL_FAILED', message: 'The script exited with 1. It said:\nbefore' });
    await expect(run({ inline: ['exit 7'] })).rejects.toMatchObject({ message: 'The script exited with 7. It printed nothing.' });
    await expect(run({ inline: ['kill -9 $$'] })).rejects.toMatchObject({ code: 'SHELL_FAILED' });
  });
  test('that fail in a known way say so, and what to do', async () => {
    await expect(run({ inline: ['no-such-command'] })).rejects.toMatchObject({ message: expect.stringContaining('exited with 127 (a command, or what shall read the script, was not found). It said:') as string, remedy: expect.stringContaining('PATH') as string });
    await expect(run({ inline: ['sh -c \'kill -SEGV $$\''] })).rejects.toMatchObject({ message: expect.stringContaining('exited with 139 (SIGSEGV)') as string });
    await expect(run({ inline: ['read answer'] })).rejects.toMatchObject({ remedy: expect.stringContaining('standard input empty') as string });
    await expect(run({ inline: ['echo "sudo: a password is required" >&2; exit 1'] })).rejects.toMatchObject({ remedy: expect.stringContaining('sudo -S') as string });
    await expect(run({ inline: ['printf "\\033[31mred\\033[0m \\001 \\rback\n"; head -c 3000 /dev/zero | tr "\\0" x; exit 1'] })).rejects.toMatchObject({ message: expect.stringMatching(/It said:\nred \uFFFD \uFFFDback\n… x{600}$/) as string });
  });
  test('with a failure inside a pipe have failed, where the shell can tell', async () => {
    await expect(run({ inline: ['#'], executeCommand: 'bash -o pipefail -c "false | cat"' })).rejects.toMatchObject({ code: 'SHELL_FAILED' });
    await expect(run({ inlineShebang: '/bin/bash -e', inline: ['set -o pipefail', 'false | cat'] })).rejects.toMatchObject({ code: 'SHELL_FAILED' });
  });
  test('are read by what the shebang names', async () => {
    expect(await run({ inlineShebang: '/usr/bin/env -S bash -e', inline: ['a=(x y)', 'echo "${a[1]}"'] })).toBe('y\n');
    await expect(run({ inlineShebang: '/bin/sh', inline: ['false', 'echo on'] })).resolves.toBe('on\n');
  });
  test('find their standard input empty, and do not eat the script', async () => {
    expect(await run({ inline: ['cat', 'read x || echo nothing'] })).toBe('nothing\n');
  });
  test('see the names of the build, as Packer calls them', async () => {
    expect(await run({ inline: ['echo $PACKER_BUILD_NAME $PACKER_BUILDER_TYPE $PACKER_HTTP_ADDR'] }, undefined, { hostValues: { httpAddress: '10.0.2.2:8080' } })).toBe('it qemu 10.0.2.2:8080\n');
  });
});

describe('scripts', () => {
  test('are run by what their first line names, whatever their mode, on a file system that runs nothing', async () => {
    const file = script('#!/bin/bash -e\necho "$0 ${BASH_VERSION:+bash}"\n');
    chmodSync(file, 0o600);
    expect(await run({ script: file })).toMatch(/^\/.*script_\w+\.sh bash\n$/);
    expect(await run({ script: script('echo plain\n') })).toBe('plain\n');
  });
  test('run one after the other; the one that fails is named', async () => {
    const ok = script('echo ok\n', 'ok.sh'), bad = script('#!/bin/sh\necho bad; exit 3\n', 'bad.sh');
    await expect(run({ scripts: [ok, bad, ok] })).rejects.toMatchObject({ message: 'The script bad.sh exited with 3. It said:\nbad' });
  });
  test('with Windows line ends run, unless they are said to be binary', async () => {
    const file = script('#!/bin/sh\r\necho hello\r\n');
    expect(await run({ script: file })).toBe('hello\n');
    await expect(run({ script: file, binary: true })).rejects.toMatchObject({ code: 'SHELL_FAILED', remedy: expect.stringContaining('Windows line end') as string });
  });
  test('that are programs, or very long, or no UTF-8, are sent as they are', async () => {
    expect(await run({ script: '/bin/true', binary: true })).toBe('');
    expect(await run({ script: script(`echo start\n${'# a comment of some length\n'.repeat(20_000)}echo end\n`) })).toBe('start\nend\n');
    expect(await run({ script: script(Buffer.concat([Buffer.from('printf "%s" "'), Buffer.of(0xe9), Buffer.from('" | wc -c\n')])) })).toMatch(/^\s*1\n$/);
  });
  test('are removed afterwards, also when they fail or are cancelled; skipClean leaves them', async () => {
    const folder = join(at, 'guest');
    mkdirSync(folder);
    await run({ remoteFolder: folder, inline: ['true'] });
    await run({ remoteFolder: folder, inline: ['exit 1'], environment: { A: 'b' }, executeCommand: '. {{.EnvVarFile}}; sh {{.Path}}' }).catch(() => {});
    const stop = new AbortController(), running = run({ remoteFolder: folder, inline: ['touch "$0.started"', 'sleep 300'] }, undefined, { signal: stop.signal });
    running.catch(() => {});
    while (!readdirSync(folder).some(name => name.endsWith('.started'))) await new Promise(resolve => { setTimeout(resolve, 20); });
    stop.abort(new Error('cancelled'));
    await expect(running).rejects.toThrow('cancelled');
    expect(readdirSync(folder).filter(name => !name.endsWith('.started'))).toEqual([]);
    await run({ remotePath: join(folder, 'kept'), inline: ['true'], skipClean: true });
    expect(existsSync(join(folder, 'kept'))).toBe(true);
  });
  test('that cannot be written are an error that says where', async () => {
    await expect(run({ remotePath: join(at, 'missing/script'), inline: ['true'] })).rejects.toMatchObject({ message: expect.stringContaining(`The script could not be written to ${join(at, 'missing/script')}`) as string });
  });
});

describe('variables', () => {
  test('arrive unchanged, whatever is in them', async () => {
    const environment = { QUOTES: `it's "quoted" \\ $HOME \`x\``, LINES: 'one\ntwo\n\nfour\n', UNICODE: 'ünï 雪 🙂', EMPTY: '', OPTIONS: '-n -e *' };
    expect(await run({ environment, inline: [`for v in "$QUOTES" "$LINES" "$UNICODE" "$EMPTY" "$OPTIONS"; do printf '%s|' "$v"; done`] })).toBe(Object.values(environment).map(v => `${v}|`).join(''));
  });
  test('of any text arrive unchanged, by any of the ways a script can be run', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }).map(s => s.replaceAll('\0', '')), { minLength: 5, maxLength: 10 }), fc.constantFrom(undefined, '{{.Vars}} sh {{.Path}}', 'env -i sh {{ .Path }}', '. {{.EnvVarFile}} && sh -e {{.Path}}'), async (values, executeCommand) => {
      const environment = Object.fromEntries(values.map((value, i) => [`V${i}`, value]));
      const out = await run({ environment, inline: [`printf '%s|' ${values.map((_, i) => `"$V${i}"`).join(' ')}`], ...(executeCommand === undefined ? {} : { executeCommand }) });
      expect(out).toBe(values.map(v => `${v}|`).join(''));
    }), { numRuns: 12 });
  });
  test('stand in no command line, in no way of running a shell script', async () => {
    // Read by the script itself, so that it is there while the values would be.
    const look = `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 's3cr[e]t-in-no-command-line' || true`;
    for (const executeCommand of [undefined, '{{.Vars}} sh {{.Path}}', `sh -c '{{.Vars}} {{.Path}}'`, '. {{.EnvVarFile}}; sh {{.Path}}']) {
      const out = await run({ environment: { TOKEN: 's3cret-in-no-command-line' }, inline: ['echo "$TOKEN"', look], ...(executeCommand === undefined ? {} : { executeCommand }) });
      expect(out).toBe('s3cret-in-no-command-line\n0\n');
    }
  });
  test('of a script that is no shell script are where the user asks for them, with a warning', async () => {
    const file = script('#!/usr/bin/awk -f\nBEGIN { print ENVIRON["A"] }\n');
    expect(await run({ script: file, environment: { A: `it's` }, executeCommand: '{{.Vars}} awk -f {{.Path}}' })).toMatch(/^warning: The script script is no shell script.*it's\n$/s);
    expect(await run({ script: file, environment: { A: `it's` } })).toBe(`it's\n`);
  });
  test('with a name that no shell takes are an error', async () => {
    await expect(run({ inline: ['true'], environment: { 'A-B': 'x' } })).rejects.toMatchObject({ code: 'QUOTE_NAME' });
  });
});

describe('how a script is run', () => {
  test('a command of the user\'s own finds the script executable, at its path', async () => {
    expect(await run({ remotePath: join(at, 'mine.sh'), inline: ['echo "$0"'], executeCommand: 'chmod +x {{ .Path }}; {{ .Vars }} {{ .Path }}' })).toBe(`${join(at, 'mine.sh')}\n`);
  });
  test('its template is Go\'s, as Packer has it', async () => {
    expect(await run({ inline: ['echo "$A"'], environment: { A: 'x' }, executeCommand: '{{if .EnvVarFile}}. {{ .EnvVarFile }} && {{end}}sh {{- /* reads it */ -}} {{" "}}{{ .Path }}' })).toBe('x\n');
    await expect(run({ inline: ['true'], executeCommand: 'sh {{ .Script }}' })).rejects.toMatchObject({ code: 'TEMPLATE_UNKNOWN' });
    expect(await driver.preflight({ executeCommand: 'sh {{ .Script }}' } as Props)).toMatchObject([{ code: 'TEMPLATE_UNKNOWN', field: 'executeCommand' }]);
  });
  test('exit codes that are allowed are success', async () => {
    await run({ inline: ['exit 3'], validExitCodes: [0, 3] });
    await expect(run({ inline: ['exit 4'], validExitCodes: [0, 3] })).rejects.toMatchObject({ code: 'SHELL_FAILED' });
    await expect(run({ inline: ['true'], validExitCodes: [3] })).rejects.toMatchObject({ message: 'The script exited with 0. It printed nothing.' });
  });
  test('where a terminal is asked for, the script has one', async () => {
    // This computer has no terminal to give; what matters is that the script and its variables arrive by another way.
    const guest = { ...localCommunicator(), pty: true };
    expect(await run({ inline: ['echo "$A"'], environment: { A: 'x y' } }, guest)).toBe('x y\n');
    expect(readdirSync(at)).toEqual([]);
  });
  test('a guest that runs Windows is refused', async () => {
    await expect(run({ inline: ['true'] }, { ...localCommunicator(), guest: 'windows' })).rejects.toMatchObject({ code: 'SHELL_WINDOWS' });
  });
});
