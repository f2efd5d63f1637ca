import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { afterAll, describe, expect, test } from 'vitest';
import { commands } from '../../bin/commands.js';
import type { App } from '../../lib/index.js';
import { trySynth } from '../../lib/synth/synth.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Hidden, so that no one takes what lies there for a test or a source of ours. */
const place = fileURLToPath(new URL(`.run-${process.pid}`, import.meta.url));

interface Block { readonly language: string; readonly name: string | undefined; readonly text: string }
const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)];
const blocksOf = (page: string): Block[] => [...readFileSync(join(root, page), 'utf8').matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)].map(m => ({ language: m[1]!, name: m[2], text: m[3]! }));

/** What the programs of the guide find beside them. */
const beside: { readonly [path: string]: string } = {
  'debian-12.qcow2': 'disk', 'ubuntu-24.qcow2': 'disk', 'alpine-3.qcow2': 'disk', 'scripts/base.sh': '#!/bin/sh -e\ntrue\n', 'scripts/harden.sh': '#!/bin/sh -e\ntrue\n',
  'site/index.html': '<p>', 'site/site.yml': '- hosts: all\n', 'site/site.pp': '', 'site/goss.yaml': '{}', 'motd.tpl': 'Welcome to ${name}\n', 'package.json': '{ "type": "module" }',
};
const written = pages.flatMap(page => {
  const folder = join(place, page.replace(/\W/g, '-'));
  for (const [path, text] of Object.entries(beside)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return blocksOf(page).filter(block => block.language === 'ts').map((block, i) => {
    const file = join(folder, block.name ?? `block-${i + 1}.ts`);
    writeFileSync(file, block.text);
    return { page, name: block.name ?? `block ${i + 1}`, file };
  });
});
afterAll(() => { rmSync(place, { recursive: true }); });

test('every block of TypeScript in the guide compiles', () => {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), { incremental: false }, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} })!;
  const { tsBuildInfoFile: _, incremental: __, ...options } = config.options;
  const program = ts.createProgram(written.map(w => w.file), options);
  const found = written.flatMap(({ file }) => { const source = program.getSourceFile(file); return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]; });
  expect(ts.formatDiagnostics(found, { getCanonicalFileName: f => f, getCurrentDirectory: () => place, getNewLine: () => '\n' })).toBe('');
});

// Tests in the guide become tests here; programs are synthesized.
for (const { page, name, file } of written) {
  if (name === 'wrong.ts') continue;
  describe(`${page}, ${name}`, async () => {
    const { app } = await import(/* @vite-ignore */ file) as { readonly app?: App };
    if (app !== undefined) test('is a program without problems', () => { expect(trySynth(app).problems.filter(p => p.severity !== 'info')).toEqual([]); });
    else if (!name.endsWith('.test.ts')) test('is a module that loads', () => {});
  });
}

describe.each(pages)('%s', page => {
  test('has no link into the void', () => {
    const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(m => m[1]!);
    expect(links.filter(link => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  test('names only commands and flags that there are', () => {
    const flagsOf = new Map(commands.map(command => [command.usage.split(' ')[0]!, new Set(Object.keys(command.flags ?? {}))]));
    const wrong: string[] = [];
    const shell = blocksOf(page).filter(b => b.language === 'sh').map(b => b.text).join('\n'), inline = [...readFileSync(join(root, page), 'utf8').matchAll(/`((?:npx )?bake [^`]+)`/g)].map(m => m[1]!).join('\n');
    for (const [line, name, rest] of `${shell}\n${inline}`.matchAll(/\bbake ([a-z]+)([^#\n]*)/g)) {
      const flags = flagsOf.get(name!);
      if (flags === undefined) wrong.push(line);
      else for (const [, flag] of rest!.matchAll(/--(?:no-)?([a-z-]+)/g)) if (!flags.has(flag!) && !['var', 'var-file', 'program', 'strict', 'color', 'help'].includes(flag!)) wrong.push(line);
    }
    expect(wrong).toEqual([]);
  });
});
