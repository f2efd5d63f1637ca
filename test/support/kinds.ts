/** For tests that must miss no component: those of the public API, and those that stand in the text of tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as api from '../../lib/index.js';
import type { Role } from '../../lib/kinds.js';

/** Types of all components of a role, sorted. */
export const kindsOf = (role: Role): string[] => Object.values(api as { readonly [name: string]: unknown })
  .flatMap(value => { const kind = value as { readonly role?: Role; readonly key?: string; readonly type?: string } | undefined; return kind?.role === role && kind.key !== undefined ? [kind.type!] : []; }).sort();

/** First arguments of all calls of a contract under test/runtime, sorted. */
export function heldTo(contract: string): string[] {
  const folder = fileURLToPath(new URL('../runtime', import.meta.url)), call = new RegExp(`\\b${contract}\\('([^']+)'`, 'g');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts'));
  return [...new Set(files.flatMap(name => [...readFileSync(join(folder, name), 'utf8').matchAll(call)].map(match => match[1]!)))].sort();
}
