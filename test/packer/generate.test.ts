import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { generatePacker } from '../../scripts/generate-packer.js';

const folder = fileURLToPath(new URL('../../lib/packer/components/', import.meta.url));
const contents = (from: string): { [name: string]: string } => Object.fromEntries(readdirSync(from).sort().map(f => [f, readFileSync(`${from}/${f}`, 'utf8')]));

test('the generated classes are those that the tables make', () => {
  const made = generatePacker({ write: false });
  expect(made).toEqual(contents(folder));
});
