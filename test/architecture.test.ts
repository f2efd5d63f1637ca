/** The rules of ARCHITECTURE.md, "The house", held by reading the sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = [...walk(join(root, 'lib')), ...walk(join(root, 'bin'))].map(file => relative(root, file)).sort();

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) yield* walk(join(folder, entry.name));
    else if (entry.name.endsWith('.ts')) yield join(folder, entry.name);
  }
}

interface Import { readonly from: string; readonly to: string; readonly types: boolean; readonly lazy: boolean }

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  for (const [, keyword, clause, target] of text.matchAll(/^(import|export)\s+(?:([^;'"]*?)\s*\bfrom\s+)?['"]([^'"]+)['"]/gm)) {
    if (keyword === 'export' && clause === undefined) continue;
    const names = /^\{([^}]*)\}$/.exec((clause ?? '').trim())?.[1]?.split(',').map(n => n.trim()).filter(n => n !== '');
    found.push({ from: file, to: place(file, target!), types: /^type\b/.test(clause ?? '') || (names !== undefined && names.length > 0 && names.every(n => n.startsWith('type '))), lazy: false });
  }
  for (const [, target] of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) found.push({ from: file, to: place(file, target!), types: false, lazy: true });
  return found;
}

/** Paths inside the project are relative to its root; packages keep their names. */
function place(file: string, target: string): string {
  return target.startsWith('.') ? relative(root, resolve(root, dirname(file), target)).replace(/\.js$/, '.ts') : target;
}

type Room = 'vocabulary' | 'door' | 'constructs' | 'policies' | 'synth' | 'packer' | 'import' | 'testing' | 'runtime' | 'bin';
const doors = new Set(['lib/index.ts', 'lib/kit.ts', 'lib/program.ts']);

function roomOf(file: string): Room {
  if (doors.has(file)) return 'door';
  if (file.startsWith('bin/')) return 'bin';
  const [, folder] = file.split('/');
  return (['constructs', 'policies', 'synth', 'packer', 'import', 'testing', 'runtime'] as const).find(r => r === folder) ?? (file.startsWith('lib/program/') ? 'door' : 'vocabulary');
}

const mayImport: { readonly [R in Room]: readonly Room[] } = {
  vocabulary: ['vocabulary'],
  constructs: ['vocabulary', 'constructs'],
  policies: ['vocabulary', 'constructs', 'policies'],
  packer: ['vocabulary', 'constructs', 'synth', 'packer'],
  synth: ['vocabulary', 'constructs', 'synth', 'packer'],
  import: ['vocabulary', 'constructs', 'synth', 'packer', 'import'],
  testing: ['vocabulary', 'constructs', 'synth', 'packer', 'runtime', 'testing'],
  runtime: ['vocabulary', 'runtime'],
  door: ['vocabulary', 'constructs', 'policies', 'synth', 'packer', 'runtime', 'door', 'bin'],
  bin: ['vocabulary', 'constructs', 'policies', 'synth', 'packer', 'runtime', 'door', 'bin', 'testing'],
};

/** Packages that a room may use, where it is not all of them; Node's own modules are free. */
const packages: { readonly [R in Room]?: readonly string[] } = {
  vocabulary: ['valibot'], constructs: ['constructs'], policies: ['constructs'], synth: ['constructs'], packer: ['constructs'], testing: ['constructs'],
  door: ['constructs', 'tsx'], bin: ['yargs', 'constructs'],
};

describe('the house', () => {
  it('lets each room import only the rooms below it', () => {
    const broken: string[] = [];
    for (const file of sources) {
      for (const { to, types, lazy } of importsOf(file)) {
        if (!to.startsWith('lib/') && !to.startsWith('bin/')) continue;
        const [from, into] = [roomOf(file), roomOf(to)];
        if (mayImport[from].includes(into)) continue;
        // The runtime knows constructs as types; its registry loads kinds, lazily.
        if (from === 'runtime' && (into === 'constructs' || into === 'packer') && (types || (lazy && file.startsWith('lib/runtime/registry')))) continue;
        // And it asks for a line of every kind that the public API has: a question of types.
        if (file === 'lib/runtime/registry.ts' && to === 'lib/index.ts' && types) continue;
        broken.push(`${file} imports ${to}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('keeps every npm package out of the rooms that must not know it', () => {
    const broken: string[] = [];
    for (const file of sources) {
      for (const { to, types } of importsOf(file)) {
        if (to.startsWith('node:') || to.startsWith('lib/') || to.startsWith('bin/') || to === 'package.json' || to.startsWith('..') || types) continue;
        const allowed = packages[roomOf(file)];
        const name = to.split('/').slice(0, to.startsWith('@') ? 2 : 1).join('/');
        if (allowed !== undefined && !allowed.includes(name)) broken.push(`${file} imports ${to}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('loads ssh2, dockerode, SDKs and yargs only where they are used, on first use', () => {
    const heavy = /^(ssh2|dockerode|@aws-sdk\/|ts-morph|tsx)/;
    const eager = sources.flatMap(file => importsOf(file).filter(i => heavy.test(i.to) && !i.types && !i.lazy).map(i => `${file} imports ${i.to}`));
    expect(eager).toEqual([]);
  });

  it('keeps drivers apart: none imports another, nor the parts that run them', () => {
    const driver = /^lib\/runtime\/(sources|provisioners|post-processors|data)\/([^/.]+)/;
    const broken: string[] = [];
    for (const file of sources) {
      const own = driver.exec(file);
      if (own === null) continue;
      for (const { to, types } of importsOf(file)) {
        const other = driver.exec(to);
        if (other !== null && (other[1] !== own[1] || other[2] !== own[2]) && !types) broken.push(`${file} imports ${to}`);
        if (/^lib\/runtime\/(run|build|scheduler)\.ts$/.test(to)) broken.push(`${file} imports ${to}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('has no file of more than 300 lines, but generated ones and field tables', () => {
    const long = sources.filter(file => !isExempt(file)).map(file => [file, readFileSync(join(root, file), 'utf8').split('\n').length] as const).filter(([, lines]) => lines > 310);
    expect(long.map(([file, lines]) => `${file}: ${lines} lines`)).toEqual([]);
  });

  it('has no drawers: no file or folder is called util, helper, common, misc or manager', () => {
    expect(sources.filter(file => /(^|[/-])(utils?|helpers?|common|misc|managers?)([/.-]|$)/.test(file))).toEqual([]);
  });
});

function isExempt(file: string): boolean {
  return file.startsWith('lib/constructs/sources/') || file.startsWith('lib/constructs/shared/') || readFileSync(join(root, file), 'utf8').startsWith('// Generated');
}
