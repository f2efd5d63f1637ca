/**
 * Builds that fail, each with the whole message: test/golden/builds/<name>/{images.ts,expected.txt}. The first lines of a program may say how
 * it is run (`// args:`, `// env:`) and what it needs of the machine (`// needs: qemu`). UPDATE_GOLDENS=1 writes what is printed now.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandLine, type Ended, runCommandLines } from '../support/command-lines.js';
import { has, type NeedName } from '../support/machine.js';
import { type FaultServer, faultServer } from '../support/ssh-fault-server.js';

const root = fileURLToPath(new URL('../golden/builds/', import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bake-failed-')));
const smallDisk = mountSmallDisk(join(folder, 'small-disk'));
const programs = readdirSync(root).sort().map(name => {
  const head = readFileSync(join(root, name, 'images.ts'), 'utf8').split('\n').filter(l => l.startsWith('// '));
  const needs = (head.find(l => l.startsWith('// needs: '))?.slice(10) ?? '').split(' ').filter(n => n !== '');
  return { name, head, needs, lacks: needs.filter(n => n !== 'small-disk' && !has(n as NeedName)) };
}).filter(({ name, needs }) => {
  // Not every place where tests run lets anybody mount something; that is no fault of the machine.
  if (!needs.includes('small-disk') || smallDisk !== undefined) return true;
  console.warn(`left out: nothing can be mounted here, which ${name} needs`);
  return false;
});
const runs = programs.filter(p => p.lacks.length === 0);
const results = new Map<string, string>(), servers: FaultServer[] = [];

beforeAll(async () => {
  const refusing = await faultServer({ refuseLogin: true });
  const dropping = await faultServer({ password: 'root:hunter2', run: (_command, channel, connection) => {
    // The script, which comes on standard input, goes down with the ship; what prepares it is answered.
    channel.on('data', (chunk: Buffer) => { if (chunk.includes('nginx')) channel.write('Unpacking nginx ...\n', () => connection.end()); });
    channel.on('end', () => { channel.exit(0); channel.end(); });
  } });
  servers.push(refusing, dropping);
  const closed = await closedPort();
  const env = { CLOSED_PORT: String(closed), REFUSING_PORT: String(refusing.port), DROPPING_PORT: String(dropping.port), TAKEN_PORT: String(dropping.port), SMALL_DISK: smallDisk ?? '' };
  const ended = await runCommandLines(runs.map(({ name, head }): CommandLine => {
    const cwd = join(folder, name);
    cpSync(join(root, name), cwd, { recursive: true });
    writeFileSync(join(cwd, 'package.json'), '{ "type": "module" }\n');
    const own = Object.fromEntries(head.flatMap(l => [...l.matchAll(/^\/\/ env: (\w+)=(.*)$/g)].map(m => [m[1]!, m[2]!])));
    return { cwd, args: head.find(l => l.startsWith('// args: '))?.slice(9).split(' ') ?? ['build', '--log-level', 'error'], env: { ...env, ...own } };
  }));
  runs.forEach(({ name }, i) => results.set(name, textOf(ended[i]!, name, Object.values(env))));
});
afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
  if (smallDisk !== undefined) execFileSync('umount', [smallDisk]);
  rmSync(folder, { recursive: true, force: true });
});

function textOf({ code, stdout, stderr }: Ended, name: string, places: readonly string[]): string {
  let text = `${stdout}${stderr}exit code ${code}\n`.replaceAll(join(folder, name), '<folder>').replace(/\d{8}-\d{6}-[0-9a-f]{6}/g, '<run>').replace(/\b\d+(\.\d+)? s\b( +)?/g, '<time> ');
  for (const place of places) if (place !== '') text = text.replaceAll(place, '<place>');
  return text.replace(/\b\d+ (times|attempts|tries)\b/g, '<n> $1');
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve); });
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** A disk of one megabyte, where we may mount one. */
function mountSmallDisk(place: string): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  mkdirSync(place);
  try { execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place], { stdio: 'ignore', timeout: 20_000 }); return place; } catch { return undefined; }
}

describe('a build that fails', () => {
  for (const { name, lacks } of programs) {
    it.skipIf(lacks.length > 0)(`says what went wrong, where and what to do: ${name}${lacks.length > 0 ? ` [skipped: this machine lacks ${lacks.join(', ')}]` : ''}`, () => {
      const file = join(root, name, 'expected.txt'), text = results.get(name)!;
      if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(file, text);
      expect(text).toBe(readFileSync(file, 'utf8'));
      expect(text).not.toMatch(/node_modules|node:internal|^ {4}at |\bbug\b|\[object|hunter2/m);
      expect(readdirSync(join(folder, name, '.bake/journal'))).toEqual([]);
    });
  }
});
