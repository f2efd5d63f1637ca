/** Nothing that a user may say of Amazon is accepted and then ignored. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { amazonAmi, amazonEbs, amazonEbsSurrogate, amazonEbsVolume, amazonImport, amazonParameterstore, amazonSecretsmanager } from '../../../lib/index.js';
import type { Fields } from '../../../lib/fields.js';

const runtime = (path: string): string => fileURLToPath(new URL(`../../../lib/runtime/${path}`, import.meta.url));
const read = (path: string): string => readFileSync(runtime(path), 'utf8').replace(/\/\*[^]*?\*\/|(?<!:)\/\/.*$/gm, '');
/** What tells and asks beforehand does nothing with a value: policy, plan and preflight do not count. */
const shared = readdirSync(runtime('aws')).filter(name => !['policy.ts', 'outline.ts', 'preflight.ts', 'probes.ts'].includes(name)).map(name => read(`aws/${name}`)).join('\n');

/** Every field, also those inside of blocks: `placement.tenancy`. How guests are spoken to (ssh, winrm) is not Amazon's. */
function names(fields: Fields, prefix = ''): string[] {
  return Object.entries(fields).flatMap(([name, { type }]) => {
    if (prefix === '' && (name === 'ssh' || name === 'winrm')) return [];
    return [`${prefix}${name}`, ...(type.is === 'object' || type.is === 'objects' ? names(type.fields, `${prefix}${name}.`) : [])];
  });
}

describe.each([amazonEbs, amazonEbsSurrogate, amazonEbsVolume, amazonAmi, amazonParameterstore, amazonSecretsmanager, amazonImport])('of $type', kind => {
  it('every field is read by what acts on it', () => {
    const role = kind.role === 'source' ? 'sources' : kind.role === 'data' ? 'data' : 'post-processors';
    const code = `${read(`${role}/${kind.type}.ts`)}\n${shared}`;
    const isRead = (field: string): boolean => new RegExp(`\\.${field}\\b|[{,]\\s*${field}(: \\w+| = [^,}]+)?\\s*[,}]`).test(code);
    expect(names(kind.fields as Fields).filter(path => !isRead(path.split('.').at(-1)!))).toEqual([]);
    expect(isRead('notThere')).toBe(false);
  });
});
