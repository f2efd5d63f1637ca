/** `npm run -s bench -- NAME… [--json]`: runs benchmarks, one file each in this folder; without a name, lists them. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { has } from '../test/support/needs.js';
import { type Benchmark, record } from './benchmark.js';
import { Workplace } from './workplace.js';

const names = readdirSync(fileURLToPath(new URL('.', import.meta.url))).map(file => file.replace(/\.ts$/, '')).filter(name => !['main', 'benchmark', 'workplace', 'programs', 'rebuild', 'guest', 'packer-program', 'packer-guest'].includes(name)).sort();
const json = process.argv.includes('--json'), wanted = process.argv.slice(2).filter(arg => !arg.startsWith('-'));
const say = (message: string): void => { process.stderr.write(`${message}\n`); };
const load = async (name: string): Promise<Benchmark> => (await import(`./${name}.ts`) as { readonly default: Benchmark }).default;

if (wanted.length === 0) {
  for (const name of names) process.stdout.write(`${name.padEnd(18)} ${(await load(name)).about}\n`);
  process.exit(0);
}
const unknown = wanted.filter(name => !names.includes(name));
if (unknown.length > 0) { say(`There is no benchmark ${unknown.join(', ')}. There are: ${names.join(', ')}.`); process.exit(2); }

let failed = false;
for (const name of wanted) {
  const benchmark = await load(name), lacking = (benchmark.needs ?? []).filter(need => !has(need));
  if (lacking.length > 0) { say(`${name}: skipped, this machine lacks ${lacking.join(', ')}`); failed = true; continue; }
  const place = new Workplace(message => say(`${name}: ${message}`));
  try {
    const records = (await benchmark.run(place)).map(record);
    if (json) for (const line of records) process.stdout.write(`${JSON.stringify(line)}\n`);
    else table(records);
  } catch (error) {
    say(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    failed = true;
  } finally { place.end(); }
}
process.exit(failed ? 1 : 0);

function table(records: readonly { readonly [key: string]: unknown }[]): void {
  const head = ['figure', 'ours', 'peer', 'unit', 'ratio', 'goal', 'met'];
  const rows = [head, ...records.map(line => head.map(key => (line[key] === null ? '' : typeof line[key] === 'boolean' ? (line[key] ? 'yes' : 'NO') : String(line[key]))))];
  const widths = head.map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  for (const row of rows) process.stdout.write(`${row.map((cell, column) => (column === 0 || column === 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')}\n`);
}
