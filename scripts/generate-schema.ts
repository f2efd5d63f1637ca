/** Writes schema/plan.json, the JSON Schema of plans, from the schema that parsePlan checks with. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toJsonSchema } from '@valibot/to-json-schema';
import { planSchema } from '../lib/plan-schema.js';

export const schemaFile = fileURLToPath(new URL('../schema/plan.json', import.meta.url));

/** The file's text. */
export function planJsonSchema(): string {
  const { $schema, ...schema } = toJsonSchema(planSchema, { errorMode: 'throw' });
  return `${JSON.stringify({ $schema, $id: 'imagebake/plan/1', title: 'Plan of imagebake', description: 'What bake synth writes and bake build runs.', ...schema }, undefined, 2)}\n`;
}

export function generateSchema(): void {
  mkdirSync(dirname(schemaFile), { recursive: true });
  writeFileSync(schemaFile, planJsonSchema());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generateSchema();
