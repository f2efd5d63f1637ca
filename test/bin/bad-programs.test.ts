/**
 * Bad programs, each with the whole message that its author gets: test/golden/problems/<name>/{images.ts,expected.txt}. The first lines of a
 * program may say how it is run: `// args: validate --var x=1`, `// env: BAKE_VAR_x=1`. UPDATE_GOLDENS=1 writes what is printed now.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, type Ended, projectFolder, runCommandLines } from '../support/command-lines.js';

const root = fileURLToPath(new URL('../golden/problems/', import.meta.url));
const names = readdirSync(root, { withFileTypes: true }).filter(e => e.isDirectory()).map(e => e.name).sort();
const results = new Map<string, string>();

beforeAll(async () => {
  const ended = await runCommandLines(names.map(lineOf));
  names.forEach((name, i) => results.set(name, textOf(ended[i]!)));
});

function lineOf(name: string): CommandLine {
  const cwd = join(root, name), program = ['images.ts', 'images.mts', 'images.js', 'images.mjs'].map(n => join(cwd, n)).find(existsSync);
  const head = program === undefined ? '' : readFileSync(program, 'utf8').split('\n').filter(l => l.startsWith('// ')).join('\n');
  const args = /^\/\/ args: (.*)$/m.exec(head)?.[1]?.split(' ') ?? ['validate'];
  const env = Object.fromEntries([...head.matchAll(/^\/\/ env: (\w+)=(.*)$/gm)].map(m => [m[1]!, m[2]!]));
  return { cwd, args, env };
}

/** Newer Nodes say more of where JSON is wrong. */
const textOf = ({ code, stdout, stderr }: Ended): string => `${stdout}${stderr}exit code ${code}\n`.replaceAll(projectFolder, '<project>').replace(/ \(line \d+ column \d+\)/g, '');

describe('a bad program', () => {
  it('comes in sixty kinds at least', () => expect(names.length).toBeGreaterThanOrEqual(60));

  it.each(names)('is told what is wrong and what to do: %s', name => {
    const text = results.get(name)!, file = join(root, name, 'expected.txt');
    if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  it.each(names)('sees no stack trace, no folder of packages and no bug: %s', name => {
    expect(results.get(name)).not.toMatch(/node_modules|node:internal|^ {4}at |\bbug\b|\[object/m);
  });
});
