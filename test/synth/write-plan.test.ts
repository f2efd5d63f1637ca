import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { App, ImageBuild, NullSource, ShellLocalProvisioner } from '../../lib/index.js';
import { isBakeError } from '../../lib/errors.js';
import { parsePlan } from '../../lib/plan-schema.js';
import { synth } from '../../lib/synth/synth.js';
import { writePlan } from '../../lib/synth/write-plan.js';
import { Copy } from '../support/components.js';

let folder: string, program: string, out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-write-plan-'));
  [program, out] = [join(folder, 'program'), join(folder, 'out')];
  mkdirSync(join(program, 'site/empty'), { recursive: true });
  writeFileSync(join(program, 'go.sh'), 'echo go\n', { mode: 0o755 });
  writeFileSync(join(program, 'site/index.html'), '<p>', { mode: 0o640 });
  chmodSync(join(program, 'site/index.html'), 0o640);
  symlinkSync('index.html', join(program, 'site/link'));
  symlinkSync('/nowhere', join(program, 'site/dangling'));
});
afterEach(() => { rmSync(folder, { recursive: true, force: true }); });

function made(script = 'go.sh') {
  const app = new App();
  new ImageBuild(app, 'web', { sources: [new NullSource({})], provisioners: [new ShellLocalProvisioner({ script }), new Copy({ from: 'site', to: '/srv' })] });
  return synth(app, { folder: program });
}
function code(work: () => unknown): string {
  try { work(); } catch (error) { if (isBakeError(error)) return error.code; throw error; }
  return 'none';
}

describe('a written plan', () => {
  it('has every file and folder that it names beside it: contents, modes, links, empty folders', () => {
    const { file, plan } = writePlan(made(), out);
    expect(parsePlan(readFileSync(file, 'utf8'))).toEqual(plan);
    const paths = Object.values(plan.files).map(f => join(out, f.path));
    const [script, site] = [paths.find(p => statSync(p).isFile())!, paths.find(p => statSync(p).isDirectory())!];
    expect([readFileSync(script, 'utf8'), statSync(script).mode & 0o777]).toEqual(['echo go\n', 0o755]);
    expect(readdirSync(site).sort()).toEqual(['dangling', 'empty', 'index.html', 'link']);
    expect([readlinkSync(join(site, 'link')), readlinkSync(join(site, 'dangling')), lstatSync(join(site, 'empty')).isDirectory(), statSync(join(site, 'index.html')).mode & 0o777]).toEqual(['index.html', '/nowhere', true, 0o640]);
  });

  it('does not change when the program does', () => {
    const { plan } = writePlan(made(), out);
    writeFileSync(join(program, 'go.sh'), 'echo changed\n');
    expect(Object.values(plan.files).map(f => join(out, f.path)).filter(p => statSync(p).isFile()).map(p => readFileSync(p, 'utf8'))).toEqual(['echo go\n']);
  });

  it('is the same bytes when it is written again, and loses the files that it names no more', () => {
    const first = readFileSync(writePlan(made(), out).file);
    expect(readFileSync(writePlan(made(), out).file)).toEqual(first);
    writeFileSync(join(program, 'other.sh'), 'echo other\n');
    writePlan(made('other.sh'), out);
    expect(readdirSync(join(out, 'files'))).toHaveLength(2);
  });

  it('repairs a file that was damaged since', () => {
    const { plan } = writePlan(made(), out), path = Object.values(plan.files).map(f => join(out, f.path)).find(p => statSync(p).isFile())!;
    writeFileSync(path, 'damaged, and longer');
    writePlan(made(), out);
    expect(readFileSync(path, 'utf8')).toBe('echo go\n');
  });

  it('is not written over what is none of ours', () => {
    expect(code(() => writePlan(made(), program))).toBe('SYNTH_OUT_NOT_OURS');
    expect(code(() => writePlan(made(), join(program, 'go.sh')))).toBe('SYNTH_OUT_NOT_OURS');
    expect(readdirSync(program).sort()).toEqual(['go.sh', 'site']);
  });

  it('is not written where a file changed after its digest was taken', () => {
    const result = made();
    writeFileSync(join(program, 'go.sh'), 'echo something else\n');
    expect(code(() => writePlan(result, out))).toBe('SYNTH_OUT_CHANGED');
    expect(existsSync(join(out, 'plan.json'))).toBe(false);
  });
});
