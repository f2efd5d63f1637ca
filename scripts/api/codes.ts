/** Every code, from the table of problems and the tables of errors. */
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { catalogue } from '../../lib/errors.js';
import { explain, problemCatalogue } from '../../lib/problem-catalogue.js';
import { code, root, table } from './sources.js';

export async function apiCodes(): Promise<string> {
  for (const folder of ['lib', 'bin']) {
    for (const file of readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' }).sort()) {
      if (file.endsWith('.ts') && file !== 'main.ts' && /\berrors\('[A-Z]/.test(readFileSync(`${root}${folder}/${file}`, 'utf8'))) await import(pathToFileURL(`${root}${folder}/${file}`).href);
    }
  }
  const row = (name: string): string[] => { const e = explain(name)!; return [code(name), e.what, [e.why, e.remedy].filter(t => t !== undefined && t !== '').join(' ')]; };
  return `\`bake explain CODE\` prints the same.\n\n### Problems of a program\n\n${table(['Code', 'What it says', 'Why, and what to do'], Object.keys(problemCatalogue).sort().map(row))}\n### Errors of a run\n\n${table(['Code', 'What it says', 'Why, and what to do'], [...catalogue.keys()].sort().map(row))}`;
}
