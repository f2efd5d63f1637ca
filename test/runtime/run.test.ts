import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Duration, FileSource, generated, ImageBuild, NullSource, Secret, SecretVariable, ShellLocalPostProcessor, ShellLocalProvisioner, SleepProvisioner, text, timestamp, uuid } from '../../lib/index.js';
import { startOf } from '../../lib/runtime/host/process-identity.js';
import { interruption } from '../../lib/runtime/run.js';
import { outputOf, program } from '../support/program.js';

const sh = (line: string, more: object = {}): ShellLocalProvisioner => new ShellLocalProvisioner({ inline: [line], ...more });
const build = (provisioners: readonly ShellLocalProvisioner[], more: object = {}) => program(app => { new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners, ...more }); });

describe('a run', () => {
  it('gives its results as data: outcomes, artifacts, outputs, timings and a log for each target', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'hello\n', target: 'out/hello.txt' })], provisioners: [sh('echo built for $BAKE_TARGET')] });
    });
    const result = await p.run();
    expect(result).toMatchObject({ outcome: 'done', exit: 0, problems: [], warnings: [] });
    const [target] = result.targets;
    expect(target).toMatchObject({ target: 'web/file', outcome: 'done', outputs: { path: join(p.folder, 'out/hello.txt') } });
    expect(target!.artifacts).toMatchObject([{ madeBy: 'source/file', files: [{ path: join(p.folder, 'out/hello.txt'), size: 6 }] }]);
    expect(target!.steps.map(s => [s.label, s.outcome])).toEqual([['start', 'done'], ['connect', 'done'], ['web/shell-local', 'done'], ['capture', 'done'], ['disconnect', 'done']]);
    expect(await readFile(target!.log, 'utf8')).toContain('built for web/file');
    expect(await p.read('out/hello.txt')).toBe('hello\n');
    expect(await readdir(join(p.folder, '.bake/journal'))).toEqual([]);
  });

  it('completes the others when one fails, skips what stands on it, and ends with exit code 4', async () => {
    const p = await program(app => {
      const broken = new ImageBuild(app, 'broken', { sources: [new FileSource({ target: 'out/broken' })], provisioners: [sh('echo going to fail; exit 7')] });
      new ImageBuild(app, 'dependent', { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ inline: [text`cat ${broken.outputs.file.path}`] })] });
      new ImageBuild(app, 'fine', { sources: [new NullSource()], provisioners: [sh('true')] });
    });
    const result = await p.run();
    expect(result).toMatchObject({ outcome: 'failed', exit: 4 });
    expect(Object.fromEntries(result.targets.map(t => [t.target, t.outcome]))).toEqual({ 'broken/file': 'failed', 'dependent/null': 'skipped', 'fine/null': 'done' });
    const [broken, dependent] = result.targets;
    expect(broken).toMatchObject({ failedStep: 'broken/shell-local', error: { code: 'SHELL_LOCAL_FAILED', message: 'The script ended with code 7. It said:\ngoing to fail' } });
    expect(broken!.error!.at).toMatch(/run\.test\.ts:\d+/);
    expect(dependent!.reason).toBe('broken/file, which it stands on, was not built');
    expect(existsSync(join(p.folder, 'out'))).toBe(false);
  });

  it('gives outputs of one build to another', async () => {
    const p = await program(app => {
      const base = new ImageBuild(app, 'base', { sources: [new FileSource({ content: 'from the base', target: 'out/base' })] });
      new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ inline: ['cat "$FILE"'], environment: { FILE: base.outputs.file.path } })] });
    });
    expect((await p.run()).outcome).toBe('done');
    expect(outputOf(p.events)).toBe('from the base');
  });

  it('has one value of timestamp and uuid for the whole run', async () => {
    const p = await program(app => {
      for (const id of ['a', 'b']) new ImageBuild(app, id, { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ inline: [text`echo ${timestamp()} ${uuid()}`] })] });
    });
    await p.run();
    const lines = outputOf(p.events).trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(new Set(lines).size).toBe(1);
    expect(lines[0]).toMatch(/^\d{10} [0-9a-f-]{36}$/);
  });

  it('finds every problem of every target before anything starts, and ends with exit code 5', async () => {
    const p = await program(async (app, folder) => {
      await mkdir(join(folder, 'out'));
      await writeFile(join(folder, 'out/there'), 'old');
      new ImageBuild(app, 'a', { sources: [new FileSource({ target: 'out/there' })] });
      new ImageBuild(app, 'b', { sources: [new NullSource()], provisioners: [sh('touch started', { environment: { A: Secret.env('BAKE_TEST_NOT_SET'), B: Secret.file('no-such-file') } })] });
      new ImageBuild(app, 'c', { sources: [new NullSource()], provisioners: [sh('true', { environment: { C: new SecretVariable(app, 'token') } })] });
    });
    const result = await p.run();
    expect(result).toMatchObject({ outcome: 'failed', exit: 5 });
    expect(result.problems.map(x => `${x.code} ${x.path}`).sort()).toEqual(['OUTPUT_EXISTS a/file', 'SECRET_NOT_GIVEN c/shell-local', 'SECRET_NO_FILE b/shell-local', 'SECRET_NO_VARIABLE b/shell-local']);
    expect(result.problems.every(x => x.remedy !== undefined && x.at !== undefined)).toBe(true);
    expect(result.targets.map(t => t.outcome)).toEqual(['skipped', 'skipped', 'skipped']);
    expect(existsSync(join(p.folder, 'started'))).toBe(false);
    expect(await p.read('out/there')).toBe('old');
  });

  it('builds nothing where the journal cannot be written', async () => {
    const p = await build([sh('touch ran')]);
    await writeFile(join(p.folder, '.bake'), 'a file in its place');
    await expect(p.run()).rejects.toMatchObject({ code: 'JOURNAL_NOT_WRITABLE', exit: 5 });
    expect(existsSync(join(p.folder, 'ran'))).toBe(false);
  });

  it('refuses two sources that write to one place', async () => {
    const p = await program(app => { for (const id of ['a', 'b']) new ImageBuild(app, id, { sources: [new FileSource({ target: 'out/same' })] }); });
    expect((await p.run()).problems).toMatchObject([{ code: 'PREFLIGHT_SHARED_OUTPUT', path: 'b/file', field: 'target' }]);
  });

  it('refuses a file that changed since the plan was made', async () => {
    const p = await program(async (app, folder) => {
      await writeFile(join(folder, 'a.sh'), 'echo one');
      new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new ShellLocalProvisioner({ script: 'a.sh' })] });
    });
    await writeFile(join(p.folder, 'a.sh'), 'echo two, and more');
    expect((await p.run()).problems).toMatchObject([{ code: 'PROPS_FILE_CHANGED', path: 'web/shell-local' }]);
  });

  it('replaces an existing output with force, and only after success', async () => {
    const p = await program(async (app, folder) => {
      await writeFile(join(folder, 'old'), 'old');
      new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'new', target: 'old' })], provisioners: [sh('cat old; test ! -e fail')] });
    });
    await writeFile(join(p.folder, 'fail'), '');
    expect((await p.run({ force: true })).exit).toBe(4);
    expect(await p.read('old')).toBe('old');
    const { rm } = await import('node:fs/promises');
    await rm(join(p.folder, 'fail'));
    expect((await p.run({ force: true })).exit).toBe(0);
    expect(await p.read('old')).toBe('new');
    expect((await readdir(p.folder)).sort()).toEqual(['.bake', 'old']);
  });

  it('waits for a file that an earlier step makes', async () => {
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [sh('echo "echo generated" > made.sh'), new ShellLocalProvisioner({ script: generated('made.sh') })] }); });
    expect((await p.run()).outcome).toBe('done');
    expect(outputOf(p.events)).toBe('generated\n');
  });
});

describe('settings of a step', () => {
  it('tries a step again as often as maxRetries says', async () => {
    const p = await build([sh('echo try >> tries; test $(wc -l < tries) -ge 3', { maxRetries: 2 })]);
    const result = await p.run();
    expect(result.outcome).toBe('done');
    expect(result.warnings).toHaveLength(2);
    expect(await p.read('tries')).toBe('try\ntry\ntry\n');
  });

  it('ends a step after its timeout, with all the processes it started', async () => {
    const p = await build([sh('sleep 1000 & echo $! > pid; wait', { timeout: Duration.seconds(2) })]);
    const result = await p.run();
    expect(result.targets[0]).toMatchObject({ outcome: 'failed', failedStep: 'web/shell-local', error: { code: 'WAIT_TOO_LONG', message: 'Waited 2 s for web/shell-local, in vain.' } });
    expect(startOf(Number(readPid(p.folder)))).toBeUndefined();
  });

  it('goes on after a failure where continueOnError says so', async () => {
    const p = await build([sh('exit 1', { continueOnError: true }), sh('echo still here')]);
    const result = await p.run();
    expect(result.outcome).toBe('done');
    expect(result.warnings).toEqual(['web/null: web/shell-local failed, and the build goes on: The script ended with code 1.']);
    expect(outputOf(p.events)).toBe('still here\n');
  });

  it('runs errorCleanup after a failure, before the machine goes, and keeps the first error', async () => {
    const p = await build([sh('exit 3')], { errorCleanup: [sh('echo cleaning; exit 9')] });
    const result = await p.run();
    expect(result.targets[0]).toMatchObject({ failedStep: 'web/shell-local', error: { message: 'The script ended with code 3.' } });
    expect(outputOf(p.events)).toBe('cleaning\n');
  });

  it('does not run errorCleanup after success', async () => {
    const p = await build([sh('true')], { errorCleanup: [sh('echo cleaning')] });
    await p.run();
    expect(outputOf(p.events)).toBe('');
  });
});

describe('cancellation', () => {
  it('ends running steps and their processes, begins nothing more, and ends with the exit code of the signal', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'a', { sources: [new FileSource({ target: 'out/a' })], provisioners: [sh('echo $$ > pid; echo running; sleep 1000')] });
      new ImageBuild(app, 'b', { sources: [new NullSource()], provisioners: [sh('touch b-ran')] });
    });
    const stop = new AbortController();
    const result = await p.run({ parallel: 1, signal: stop.signal, listen: e => { if (e.type === 'output' && e.text.includes('running')) stop.abort(interruption('SIGTERM')); } });
    expect(result).toMatchObject({ outcome: 'cancelled', exit: 143 });
    expect(result.targets.map(t => t.outcome)).toEqual(['cancelled', 'cancelled']);
    expect(startOf(Number(readPid(p.folder)))).toBeUndefined();
    expect((await readdir(p.folder)).sort()).toEqual(['.bake', 'pid']);
    expect(await readdir(join(p.folder, '.bake/journal'))).toEqual([]);
  });

  it('builds nothing when it comes before the start', async () => {
    const p = await build([sh('touch ran')]);
    const result = await p.run({ signal: AbortSignal.abort(interruption('SIGINT')) });
    expect(result).toMatchObject({ outcome: 'cancelled', exit: 130 });
    expect(existsSync(join(p.folder, 'ran'))).toBe(false);
  });

  it('ends a pause at once', async () => {
    const stop = new AbortController();
    const p = await program(app => { new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [new SleepProvisioner({ duration: Duration.hours(1) })] }); });
    const result = await p.run({ signal: stop.signal, listen: e => { if (e.type === 'step-start' && e.label === 'web/sleep') stop.abort(interruption('SIGHUP')); } });
    expect(result).toMatchObject({ outcome: 'cancelled', exit: 129 });
  });
});

describe('post-processors', () => {
  it('see the artifact, and pass it through', async () => {
    const p = await program(app => {
      new ImageBuild(app, 'web', { sources: [new FileSource({ content: 'x', target: 'out/x' })], postProcessors: [new ShellLocalPostProcessor({ inline: ['cat "$BAKE_ARTIFACT_FILES"; echo; echo $PACKER_BUILDER_TYPE'], keepInputArtifact: false })] });
    });
    const result = await p.run();
    expect(result.targets[0]!.artifacts).toHaveLength(1);
    expect(outputOf(p.events)).toBe('x\nfile\n');
    expect(existsSync(join(p.folder, 'out/x'))).toBe(true);
  });
});

describe('secrets', () => {
  it('are nowhere in events, logs and results, in any form', async () => {
    const value = `pä"ss'w$rd\\ & <line two>\nsecond-line-of-it`;
    const p = await build([sh('echo "$PW"; printf %s "$PW" | base64; printf %s "$PW" | base64 -w0; printf "xy%s" "$PW" | base64 -w0; echo "$PW" >&2; exit 1', { environment: { PW: Secret.env('BAKE_TEST_PW') } })]);
    const result = await p.run({ environment: { ...process.env, BAKE_TEST_PW: value } });
    expect(result.outcome).toBe('failed');
    const files = await readdir(result.folder);
    const everything = [JSON.stringify(result), JSON.stringify(p.events), ...await Promise.all(files.map(f => readFile(join(result.folder, f), 'utf8')))].join('\n');
    for (const form of [value, value.split('\n')[1]!, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), Buffer.from(value).toString('base64').slice(0, -4), Buffer.from(`xy${value}`).toString('base64').slice(4, -4), 'second-line', 'pä']) {
      expect(everything).not.toContain(form);
    }
    expect(everything).toContain('***');
  });

  it('come from files and commands too', async () => {
    const p = await program(async (app, folder) => {
      await writeFile(join(folder, 'secret.txt'), 'from-a-file\n');
      new ImageBuild(app, 'web', { sources: [new NullSource()], provisioners: [sh('test "$A" = from-a-file && test "$B" = from-a-command && test "$C" = from-a-variable', {
        environment: { A: Secret.file('secret.txt'), B: Secret.command(['echo', 'from-a-command']), C: new SecretVariable(app, 'c') },
      })] });
    });
    expect((await p.run({ secrets: { c: 'from-a-variable' } })).outcome).toBe('done');
  });
});

function readPid(folder: string): string {
  return readFileSync(join(folder, 'pid'), 'utf8').trim();
}
