import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type AnyField, type Fields, fieldsOf } from '../../lib/fields.js';
import { shellLocalWithout } from '../../lib/constructs/shared/shell-local.js';
import { sshWithout } from '../../lib/constructs/shared/ssh.js';
import * as api from '../../lib/index.js';
import type { AnyKind } from '../../lib/kinds.js';
import { optionName } from '../../lib/packer/names.js';
import { findComponent, type OptionTable } from '../../lib/packer/option-table.js';
import { sameDefaults } from '../../lib/packer/same-defaults.js';
import { withoutOption } from '../../lib/packer/without.js';

const isKind = (value: unknown): value is AnyKind => typeof value === 'object' && value !== null && 'role' in value && 'fields' in value && 'packerType' in value;
const kinds = Object.values(api).filter(isKind) as readonly AnyKind[];
const inPacker = kinds.filter(k => typeof k.packerType === 'string');

/** The reasons that a kind's own module gives: it lists them beside the kind, in an export whose name ends in `Without`. */
const folder = new URL('../../lib/constructs/', import.meta.url);
const modules: { readonly [name: string]: unknown }[] = [];
for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) if (file.endsWith('.ts')) modules.push(await import(new URL(file, folder).href) as { readonly [name: string]: unknown });
const reasonsOf = (kind: AnyKind): { readonly [option: string]: string } => Object.assign({},
  kind.role === 'source' ? sshWithout : {}, kind.type === 'shell-local' ? shellLocalWithout : {},
  ...modules.filter(m => Object.values(m).includes(kind)).flatMap(m => Object.entries(m).filter(([name]) => name.endsWith('Without')).map(([, list]) => list)), withoutOption[kind.key] ?? {});

/** Each option that a table's fields become, with the field; groups are flattened. */
function* optionsOf(fields: Fields, prefix = ''): Generator<readonly [option: string, field: AnyField]> {
  for (const [name, field] of fieldsOf(fields)) {
    if (field.packerName === false) continue;
    if (field.shape === 'group' && field.type.is === 'object') yield* optionsOf(field.type.fields, prefix + (field.prefix ?? `${optionName(name)}_`));
    else yield [typeof field.packerName === 'string' ? field.packerName : prefix + optionName(name), field];
  }
}

function compare(fields: Fields, options: OptionTable, at: string, reasons: { readonly [option: string]: string }): string[] {
  const wrong: string[] = [], have = new Map(optionsOf(fields));
  for (const [option, field] of have) {
    const known = options[option];
    if (known === undefined) wrong.push(`${at}: Packer has no option '${option}'`);
    else if ('block' in known && (field.type.is === 'object' || field.type.is === 'objects')) wrong.push(...compare(field.type.fields, known.options, `${at} ${option}`, Object.fromEntries(Object.entries(reasons).filter(([o]) => o.startsWith(`${option}.`)).map(([o, why]) => [o.slice(option.length + 1), why]))));
    else if ('block' in known !== (field.type.is === 'object' || field.type.is === 'objects')) wrong.push(`${at}: '${option}' is ${'block' in known ? 'a block' : 'an attribute'} of Packer's`);
  }
  for (const option of Object.keys(options)) {
    if (have.has(option) && reasons[option] !== undefined) wrong.push(`${at}: '${option}' is a field, and has a reason not to be one`);
    const because = reasons[option] ?? Object.keys(reasons).find(pattern => pattern.includes('*') && new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(option));
    if (!have.has(option) && because === undefined) wrong.push(`${at}: '${option}' is no field, and no reason is given`);
  }
  return wrong;
}

test.each(inPacker.map(k => [k.key, k] as const))('%s: every option of Packer is a field, or there is a reason why not', (_key, kind) => {
  const table = findComponent(kind.role, kind.packerType as string);
  expect(table, `Packer has no ${kind.key}: its packerType should be false`).toBeDefined();
  expect(compare(kind.fields, table!.options, kind.key, reasonsOf(kind))).toEqual([]);
});

test('what has a default that is Packer\'s too is a field with a default', () => {
  const defaults = (fields: Fields, prefix: string): string[] => fieldsOf(fields).flatMap(([name, f]) =>
    f.type.is === 'object' || f.type.is === 'objects' ? defaults(f.type.fields, `${prefix}${name}.`) : f.default === undefined ? [] : [prefix + name]);
  const known = new Map(kinds.map(k => [k.key as string, defaults(k.fields, '')]));
  const wrong = Object.entries(sameDefaults).filter(([kind]) => known.has(kind)).flatMap(([kind, fields]) => fields.filter(f => !known.get(kind)!.includes(f)).map(f => `${kind}: ${f}`));
  expect(wrong).toEqual([]);
});

test('reasons are given only for kinds and options that there are', () => {
  const wrong = Object.entries(withoutOption).flatMap(([key, reasons]) => {
    const kind = kinds.find(k => k.key === key);
    if (kind === undefined) return [];
    const options = findComponent(kind.role, String(kind.packerType))?.options ?? {};
    return Object.keys(reasons).filter(option => !option.includes('*') && options[option.split('.')[0]!] === undefined).map(option => `${key}: ${option}`);
  });
  expect(wrong).toEqual([]);
});
