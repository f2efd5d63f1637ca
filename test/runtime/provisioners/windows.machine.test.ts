/** Steps of Windows guests over WinRM. PowerShell is a stand-in that does what the step's text says and runs scripts by sh: what is proven is the way there and back; the text itself is proven in test/runtime/powershell.test.ts, as far as that can be without Windows. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { powershell } from '../../../lib/constructs/provisioners/powershell.js';
import { windowsRestart } from '../../../lib/constructs/provisioners/windows-restart.js';
import { windowsShell } from '../../../lib/constructs/provisioners/windows-shell.js';
import { type Fields, fieldsOf } from '../../../lib/fields.js';
import { openWinrm } from '../../../lib/runtime/communicators/winrm.js';
import { localCommunicator } from '../../../lib/runtime/communicators/local.js';
import type { Communicator } from '../../../lib/runtime/driver.js';
import fileDriver from '../../../lib/runtime/provisioners/file.js';
import powershellDriver from '../../../lib/runtime/provisioners/powershell.js';
import restartDriver from '../../../lib/runtime/provisioners/windows-restart.js';
import windowsShellDriver from '../../../lib/runtime/provisioners/windows-shell.js';
import { Duration } from '../../../lib/values.js';
import { type DriverContext, driverContext } from '../../support/driver-context.js';
import { requires } from '../../support/machine.js';
import { startWinrmServer, type WinrmServer } from '../../support/winrm/server.js';

const defaultsOf = (fields: Fields): object => Object.fromEntries(fieldsOf(fields).filter(([, f]) => f.default !== undefined).map(([name, f]) => [name, f.default]));

requires('pyspnego')('steps of a Windows guest', () => {
  let folder: string, server: WinrmServer, guest: Communicator, it: DriverContext;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bake-windows-'));
    server = await startWinrmServer({ user: 'vagrant', password: 'vagrant', auth: ['ntlm'] }, { BAKE_STANDIN_FOLDER: folder, BAKE_STANDIN_BOOT: join(folder, 'boot'), BAKE_STANDIN_REGISTRY: join(folder, 'registry') });
    guest = await openWinrm({ username: 'vagrant', password: 'vagrant', host: '127.0.0.1', port: server.port, timeout: Duration.seconds(60), useSsl: false, insecure: false, useNtlm: true, noProxy: true }, {}, { signal: new AbortController().signal, note: () => {}, secret: () => {} });
  });
  afterAll(async () => { await guest?.[Symbol.asyncDispose](); await server?.[Symbol.asyncDispose](); rmSync(folder, { recursive: true, force: true }); });
  beforeEach(async () => {
    it = await driverContext();
    rmSync(join(folder, 'C'), { recursive: true, force: true });
  });
  afterEach(() => it.end());

  const run = async (props: object, on = guest): Promise<string> => { await powershellDriver.run({ ...defaultsOf(powershell.fields), ...props } as never, on, it.ctx); return it.said.join(''); };
  const batch = async (props: object): Promise<string> => { await windowsShellDriver.run({ ...defaultsOf(windowsShell.fields), ...props } as never, guest, it.ctx); return it.said.join(''); };
  const left = (): string[] => existsSync(join(folder, 'C/Windows/Temp')) ? readdirSync(join(folder, 'C/Windows/Temp')) : [];

  describe('powershell', () => {
    test('runs inline commands with their variables, and leaves nothing', async () => {
      expect(await run({ inline: ['echo "$A $PACKER_BUILDER_TYPE"', 'echo err >&2'], environment: { A: 'x  y' } })).toMatch(/x {2}y qemu\n/);
      expect([it.said.join(''), left()]).toEqual([expect.stringContaining('err\n'), []]);
    });
    test('runs script files, one after the other; a large one is sent as a file', async () => {
      writeFileSync(join(it.folder, 'one.ps1'), 'echo one grün\n');
      writeFileSync(join(it.folder, 'two.ps1'), `# ${'x'.repeat(400_000)}\necho two\n`);
      expect(await run({ scripts: [join(it.folder, 'one.ps1'), join(it.folder, 'two.ps1')] })).toBe('Running one.ps1.one grün\nRunning two.ps1.two\n');
      expect(left()).toEqual([]);
    });
    test('a script that fails is an error with its code and what it said', async () => {
      await expect(run({ inline: ['echo oh no', 'exit 7'] })).rejects.toMatchObject({ code: 'WINDOWS_FAILED', message: 'The script exited with 7. It said:\noh no' });
      expect(await run({ inline: ['exit 7'], validExitCodes: [0, 7] })).toContain('');
      expect(left()).toEqual([]);
    });
    test('a script is left where that is wanted, under the name that is wanted', async () => {
      await run({ inline: ['echo kept'], remotePath: 'C:/it/is here.ps1', skipClean: true });
      expect(readFileSync(join(folder, 'C/it/is here.ps1'), 'utf8').replace('\ufeff', '')).toBe('echo kept\n');
    });
    test('is run as said, by a template, with a file of variables', async () => {
      expect(await run({ inline: ['echo "in $1"'], executeCommand: `sh ${folder}/{{.Path}} "{{.Vars}}"`, remotePath: 'C/x.ps1', remoteEnvVarPath: 'C/vars.ps1', environment: { A: `it's` } })).toBe('in C/vars.ps1\n');
      expect(existsSync(join(folder, 'C/x.ps1'))).toBe(false);
      expect(await powershellDriver.preflight({ executeCommand: '{{ .Nothing }}' } as never)).toMatchObject([{ field: 'executeCommand' }]);
    });
    test('any value of a variable arrives unchanged', { timeout: 120_000 }, async () => {
      const text = fc.string({ unit: fc.oneof(fc.constantFrom(...`'"\`$(){};&|<>%^\\#@!~*?[]=,\r\n\t \u2018\u2019\u201a\u201b\u201cü雪🙂`), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), maxLength: 60 }).filter(t => !t.includes('\0'));
      const samples = [...fc.sample(text, { numRuns: 12, seed: 7 }), String.fromCharCode(...Array.from({ length: 95 }, (_, i) => i + 32))];
      await run({ inline: samples.map((_, i) => `printf %s "$V${i}" | base64 -w0; echo`), environment: Object.fromEntries(samples.map((value, i) => [`V${i}`, value])) });
      expect(it.said.join('').trimEnd().split('\n').map(line => Buffer.from(line, 'base64').toString())).toEqual(samples.map(s => Buffer.from(s).toString()));
    });
    test('a connection that is lost is no success', async () => {
      const running = run({ inline: ['echo begun', 'sleep 30'] });
      running.catch(() => {});
      while (!it.said.includes('begun\n')) await new Promise(resolve => { setTimeout(resolve, 20); });
      await server.order('drop');
      await expect(running).rejects.toMatchObject({ code: 'WINDOWS_DISCONNECTED' });
    });
    test('is refused by a guest that is no Windows, and shell by one that is', async () => {
      await expect(run({ inline: ['x'] }, localCommunicator())).rejects.toMatchObject({ code: 'WINDOWS_UNIX' });
    });
  });

  describe('windows-shell', () => {
    test('runs inline commands as one batch file; the first that fails ends it', async () => {
      expect(await batch({ inline: ['echo "$A"', 'echo two'], environment: { A: '100% "safe" & sound' } })).toBe('100% "safe" & sound\ntwo\n');
      await expect(batch({ inline: ['false', 'echo never'] })).rejects.toMatchObject({ code: 'WINDOWS_FAILED' });
      expect([it.said.join('').includes('never'), left()]).toEqual([false, []]);
    });
    test('runs batch files', async () => {
      writeFileSync(join(it.folder, 'a.bat'), 'echo batch\n');
      expect(await batch({ script: join(it.folder, 'a.bat') })).toBe('batch\n');
    });
    test('refuses to put into a command line what cmd.exe cannot carry', async () => {
      await expect(batch({ inline: ['x'], environment: { A: 'a"b' }, executeCommand: '{{.Vars}}{{.Path}}' })).rejects.toMatchObject({ code: 'WINDOWS_SHELL_VARIABLE' });
    });
  });

  describe('windows-restart', () => {
    const boot = (minute: string): void => writeFileSync(join(folder, 'boot'), `2026010112${minute}00.500000+060`);
    const restart = (props: object): Promise<unknown> => restartDriver.run({ ...defaultsOf(windowsRestart.fields), ...props } as never, guest, it.ctx);
    test('waits for another boot, for the command that says it is ready, and for the registry', async () => {
      boot('00');
      writeFileSync(join(folder, 'registry'), 'Component Based Servicing\\RebootPending');
      setTimeout(() => { void server.order('forget').then(() => server.order('drop')).then(() => boot('05')); }, 1000);
      await restart({ restartCommand: 'echo restarting', restartCheckCommand: `test -f ${folder}/ready || { touch ${folder}/ready; exit 1; }`, checkRegistry: true });
      expect([existsSync(join(folder, 'ready')), existsSync(join(folder, 'registry')), it.said.at(-1)]).toEqual([true, false, 'The guest has been restarted.']);
    });
    test('a guest that stays in the same boot has not been restarted, however its clock is set', async () => {
      boot('00');
      setTimeout(() => writeFileSync(join(folder, 'boot'), '20260101110004.000000+000'), 500);
      await expect(restart({ restartCommand: 'true', restartTimeout: Duration.seconds(3) })).rejects.toMatchObject({ code: 'REBOOT_NONE' });
    });
    test('a command that fails is an error', async () => {
      boot('00');
      await expect(restart({ restartCommand: 'echo Access is denied. >&2; exit 5' })).rejects.toMatchObject({ code: 'WINDOWS_RESTART_COMMAND', message: 'The command that should restart the guest exited with 5: Access is denied.' });
    });
  });

  describe('file', () => {
    const send = (props: object): Promise<unknown> => fileDriver.run(props as never, guest, it.ctx);
    test('the destination is the final path, with slashes of either kind; at its end they mean "into"', async () => {
      mkdirSync(join(it.folder, 'site'));
      writeFileSync(join(it.folder, 'site/index.html'), 'index');
      writeFileSync(join(it.folder, 'motd'), 'motd');
      await send({ source: join(it.folder, 'motd'), destination: 'C:\\etc\\motd.new' });
      await send({ source: join(it.folder, 'motd'), destination: 'C:\\into\\' });
      await send({ source: join(it.folder, 'site'), destination: 'C:/www' });
      await send({ source: join(it.folder, 'site'), destination: 'C:/all\\' });
      await send({ content: 'secret', destination: 'C:/deep/er/file' });
      expect(['etc/motd.new', 'into/motd', 'www/index.html', 'all/site/index.html', 'deep/er/file'].map(path => readFileSync(join(folder, 'C', path), 'utf8'))).toEqual(['motd', 'motd', 'index', 'index', 'secret']);
    });
    test('brings files and folders here, and says what is not there', async () => {
      mkdirSync(join(folder, 'C/logs/deep'), { recursive: true });
      writeFileSync(join(folder, 'C/logs/deep/x.log'), 'log');
      await send({ download: 'C:\\logs\\deep\\x.log', destination: 'out/' });
      await send({ download: 'C:\\logs', destination: 'tree' });
      expect(['out/x.log', 'tree/deep/x.log'].map(path => readFileSync(join(it.folder, path), 'utf8'))).toEqual(['log', 'log']);
      await expect(send({ download: 'C:/none', destination: 'x' })).rejects.toMatchObject({ code: 'FILE_NOT_THERE' });
    });
    test('an owner or a mode has no meaning there, and is refused', async () => {
      await expect(send({ content: 'x', destination: 'C:/x', owner: 'me' })).rejects.toMatchObject({ code: 'FILE_NO_OWNERS' });
      await expect(send({ content: 'x', destination: 'C:/x', mode: '0600' })).rejects.toMatchObject({ code: 'FILE_NO_OWNERS' });
    });
  });
});
