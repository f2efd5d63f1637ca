import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { planJsonSchema, schemaFile } from '../../scripts/generate-schema.js';

it('schema/plan.json is what npx tsx scripts/generate-schema.ts makes of the schema that plans are checked with', () => {
  expect(readFileSync(schemaFile, 'utf8')).toBe(planJsonSchema());
});
