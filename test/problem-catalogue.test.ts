import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { errors } from '../lib/errors.js';
import { explain, problemCatalogue } from '../lib/problem-catalogue.js';

const lib = fileURLToPath(new URL('../lib/', import.meta.url));
/** Codes as they stand in the files that find problems. */
function codesIn(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(join(lib, folder), { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [, code] of text.matchAll(/(?:\bcode: |\bproblem\((?:context, )?|\breport\()'([A-Z][A-Z_]+)'/g)) found.set(code!, entry.name);
  }
  return found;
}

describe('the catalogue of problems', () => {
  it('explains every code that synth finds, but those of errors', () => {
    const missing = [...codesIn('synth'), ...codesIn('constructs')].filter(([code]) => problemCatalogue[code] === undefined && code !== 'PROGRAM_PROBLEMS').map(([code, file]) => `${code} (${file})`);
    expect(missing).toEqual([]);
  });

  it('has no code that nothing finds', () => {
    const texts = ['synth', 'constructs', 'packer'].flatMap(folder => readdirSync(join(lib, folder), { withFileTypes: true, recursive: true }).filter(e => e.isFile() && e.name.endsWith('.ts')).map(e => readFileSync(join(e.parentPath, e.name), 'utf8'))).join('\n');
    expect(Object.keys(problemCatalogue).filter(code => !texts.includes(code))).toEqual([]);
  });

  it('says of each what it is in one sentence', () => {
    for (const [code, { what }] of Object.entries(problemCatalogue)) expect(what, code).toMatch(/^[A-Z].*[.:]( .*\.)?$/);
  });
});

describe('explain', () => {
  it('knows a policy by its code, whatever its id', () => expect(explain('POLICY no-curl')?.code).toBe('POLICY'));
  it('does not know every code', () => expect(explain('NO_SUCH_CODE')).toBeUndefined());
  it('makes a sentence of an error, with its facts by name', () => {
    errors('EXPLAIN_TEST', { PLAIN: { message: (path: string, why: string) => `${path} is bad: ${why}`, remedy: (path: string) => `Mend ${path}.`, explain: 'Because.' }, COUNTING: { message: (list: readonly string[]) => `${list.map(x => x).join()}`, explain: 'Some are bad.' } });
    expect(explain('EXPLAIN_TEST_PLAIN')).toEqual({ code: 'EXPLAIN_TEST_PLAIN', what: '<path> is bad: <why>', why: 'Because.', remedy: 'Mend <path>.' });
    expect(explain('EXPLAIN_TEST_COUNTING')).toMatchObject({ what: 'Some are bad.' });
  });
});
