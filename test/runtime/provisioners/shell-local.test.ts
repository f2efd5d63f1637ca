import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ImageBuild, NullSource, ShellLocalProvisioner, type ShellLocalProvisionerProps } from '../../../lib/index.js';
import { outputOf, program } from '../../support/program.js';

async function shellLocal(props: ShellLocalProvisionerProps, prepare?: (folder: string) => Promise<void>) {
  const p = await program(async (app, folder) => { await prepare?.(folder); new ImageBuild(app, 'web', { sources: [new NullSource({ name: 'here' })], provisioners: [new ShellLocalProvisioner(props as ShellLocalProvisionerProps<never, never>)] }); });
  const result = await p.run();
  return { p, result, output: outputOf(p.events), error: result.targets[0]!.error };
}

describe('shell-local', () => {
  it('runs in the folder of the program, and stops at the first line that fails', async () => {
    const { output, error, p } = await shellLocal({ inline: ['pwd', 'false', 'echo not reached'] });
    expect(output).toBe(`${p.folder}\n`);
    expect(error).toMatchObject({ code: 'SHELL_LOCAL_FAILED', message: expect.stringContaining('The script ended with code 1'), facts: { exit: { how: 'exited', code: 1 } } });
  });

  it('runs one command line', async () => { expect((await shellLocal({ command: 'echo "a  b" | cat' })).output).toBe('a  b\n'); });

  it('fails in the middle of a pipe where the shell can tell', async () => {
    const { result } = await shellLocal({ inline: ['false | true', 'echo went on'], inlineShebang: '/bin/bash -eo pipefail' });
    expect(result.outcome).toBe('failed');
  });

  it('knows the build, as Packer tells it, and what it is given', async () => {
    const { output } = await shellLocal({ inline: ['echo "$PACKER_BUILD_NAME $PACKER_BUILDER_TYPE $BAKE_TARGET $GIVEN"'], environment: { GIVEN: `it's "quoted" $HOME` } });
    expect(output).toBe(`here null web/here it's "quoted" $HOME\n`);
  });

  it('runs script files one after the other, executable or not, by their first line', async () => {
    const { output, result } = await shellLocal({ scripts: ['a.sh', 'b.mjs', 'plain'] }, async folder => {
      await writeFile(join(folder, 'a.sh'), '#!/bin/bash\necho "$BASH_VERSION" | grep -c .\n');
      await chmod(join(folder, 'a.sh'), 0o755);
      await writeFile(join(folder, 'b.mjs'), '#!/usr/bin/env node\nconsole.log("from node");\n');
      await writeFile(join(folder, 'plain'), 'echo plain\n');
    });
    expect(result.outcome).toBe('done');
    expect(output).toBe('1\nfrom node\nplain\n');
  });

  it('runs the script by the words that it is told, with the name ending as it is told', async () => {
    const { output } = await shellLocal({ inline: ['print'], executeCommand: ['/bin/sh', '-c', '{{.Vars}} echo run: {{ .Script }}'], tempfileExtension: '.py' });
    expect(output).toMatch(/^run: .*\/script-[0-9a-f]+\.py\n$/);
  });

  it('takes other exit codes for success where it is told', async () => {
    expect((await shellLocal({ inline: ['exit 3'], validExitCodes: [0, 3] })).result.outcome).toBe('done');
    expect((await shellLocal({ inline: ['exit 0'], validExitCodes: [3] })).result.outcome).toBe('failed');
  });

  it('is passed over on other systems than it is for', async () => {
    const { result, p } = await shellLocal({ inline: ['touch ran'], onlyOn: ['windows'] });
    expect(result.outcome).toBe('done');
    expect(existsSync(join(p.folder, 'ran'))).toBe(false);
    expect((await shellLocal({ inline: ['echo ran'], onlyOn: ['linux', 'darwin'] })).output).toBe('ran\n');
  });

  it('quotes the end of the output in its error, and says a signal by name', async () => {
    expect((await shellLocal({ inline: ['for i in $(seq 1 20); do echo line $i; done; kill -9 $$'] })).error!.message).toBe(`The script was ended by SIGKILL. It said:\n${Array.from({ length: 8 }, (_, i) => `line ${i + 13}`).join('\n')}`);
  });

  it('refuses a name that no shell could read, before anything runs', async () => {
    const { result } = await shellLocal({ inline: ['touch ran'], environment: { 'A-B': 'x' } });
    expect(result.problems).toMatchObject([{ code: 'SHELL_LOCAL_NAME', field: 'environment.A-B' }]);
  });

  it('keeps the names of equal files apart', async () => {
    const { output } = await shellLocal({ scripts: ['one/a.sh', 'two/b.sh'] }, async folder => {
      for (const [dir, name] of [['one', 'a.sh'], ['two', 'b.sh']] as const) { await mkdir(join(folder, dir)); await writeFile(join(folder, dir, name), 'basename "$0"\n'); }
    });
    expect(output).toBe('a.sh\nb.sh\n');
  });
});
