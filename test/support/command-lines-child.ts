/** The other side of command-lines.ts. */
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { commandLine } from '../../bin/command-line.js';
import type { CommandLine, Ended } from './command-lines.js';

class Collector extends Writable {
  text = '';
  readonly columns = 100;
  override _write(chunk: Buffer, _encoding: string, done: () => void): void { this.text += chunk.toString(); done(); }
}

const input: Buffer[] = [];
for await (const chunk of process.stdin) input.push(chunk as Buffer);
const ended: Ended[] = [];
const clean = { ...process.env };
for (const { args, cwd, env } of JSON.parse(Buffer.concat(input).toString()) as CommandLine[]) {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in clean)) delete process.env[name];
  Object.assign(process.env, clean, { BAKE_CACHE_DIR: join(cwd, '.cache') }, env);
  const stdout = new Collector(), stderr = new Collector();
  const code = await commandLine(args, { terminal: { stdin: new PassThrough().end() as never, stdout, stderr, env: process.env, cwd } });
  ended.push({ code, stdout: stdout.text, stderr: stderr.text });
}
process.stdout.write(JSON.stringify(ended));
