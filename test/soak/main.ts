/** `npm run soak -- NAME [arguments]`: long series, one file each in this folder, which the suite runs a few moments of; without a name, lists them. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A series: says what it does, and throws or rejects where something does not hold. */
export interface Soak { readonly about: string; run(args: readonly string[], say: (message: string) => void): Promise<void> }

const names = readdirSync(fileURLToPath(new URL('.', import.meta.url))).map(file => file.replace(/\.ts$/, '')).filter(name => name !== 'main').sort();
const load = async (name: string): Promise<Soak> => (await import(`./${name}.ts`) as { readonly default: Soak }).default;
const [wanted, ...args] = process.argv.slice(2);

if (wanted === undefined) for (const name of names) process.stdout.write(`${name.padEnd(18)} ${(await load(name)).about}\n`);
else if (!names.includes(wanted)) {
  process.stderr.write(`There is no series ${wanted}. There are: ${names.join(', ')}.\n`);
  process.exitCode = 2;
} else {
  try { await (await load(wanted)).run(args, message => process.stderr.write(`${wanted}: ${message}\n`)); process.exit(0); }
  catch (error) { process.stderr.write(`${wanted}: ${error instanceof Error ? error.message : String(error)}\n`); process.exit(1); }
}
