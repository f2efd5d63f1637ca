/** A component as a program would begin to write it: what is required, and what its rules ask for. */
import { type AnyField, type FieldType, fieldsOf } from '../../lib/fields.js';
import type { AnyKind } from '../../lib/kinds.js';

/** What stands in for a value of a field, as source text, by the field's name where that says more. */
function sample(name: string, type: FieldType): string | undefined {
  const byName: { readonly [name: string]: string } = {
    region: `'eu-central-1'`, amiName: `'web-1.0.0'`, sourceAmi: `'ami-0123456789abcdef0'`, instanceType: `'t3.small'`, image: `'debian:12'`, diskImage: `'debian-12.qcow2'`, isoUrl: `'https://example.org/debian-12.iso'`, isoChecksum: `'sha256:…'`, inline: `['apt-get install -y nginx']`,
    repository: `'registry.example/team/web'`, target: `'output/release.txt'`, destination: `'/etc/motd'`, source: `'files/motd'`, url: `'https://example.org/release.json'`, command: `['git', 'describe']`, playbookFile: `'site.yml'`, boxTag: `'example/web'`, version: `'1.0.0'`, ssh: `{ username: 'admin' }`,
  };
  if (byName[name] !== undefined && !(name === 'command' && type.is === 'string')) return byName[name];
  switch (type.is) {
    case 'string': case 'sensitive-string': case 'path': case 'output-path': return `'…'`;
    case 'url': return `'https://example.org/'`;
    case 'integer': return String(type.min ?? 1);
    case 'number': return '1';
    case 'boolean': return 'true';
    case 'size': return 'Size.gib(10)';
    case 'duration': return 'Duration.minutes(5)';
    case 'secret': return `Secret.env('PASSWORD')`;
    case 'one-of': return `'${type.values[0]}'`;
    case 'list': { const inner = sample('', type.of); return inner === undefined ? undefined : `[${inner}]`; }
    case 'map': return `{ name: '…' }`;
    case 'image': return 'base';
    case 'object': return objectText(fieldsOf(type.fields));
    case 'objects': return `[${objectText(fieldsOf(type.fields))}]`;
    case 'json': return undefined;
  }
}
function objectText(fields: readonly (readonly [string, AnyField])[]): string {
  const required = fields.filter(([, f]) => f.need === 'required').map(([n, f]) => `${n}: ${sample(n, f.type) ?? '…'}`);
  return required.length === 0 ? '{}' : `{ ${required.join(', ')} }`;
}

export function exampleOf(className: string, kind: AnyKind): string {
  const fields = new Map(fieldsOf(kind.fields)), set = new Map<string, string>();
  const add = (name: string): boolean => {
    const text = fields.has(name) && !set.has(name) ? sample(name, fields.get(name)!.type) : undefined;
    if (text !== undefined) set.set(name, text);
    return text !== undefined;
  };
  for (const [name, field] of fields) if (field.need === 'required') add(name);
  // A broken rule mostly asks for one of its fields: the first that helps.
  for (let round = 0; round < 6; round++) {
    const broken = kind.rules.find(rule => rule.check(name => set.has(name), name => set.get(name)) !== undefined);
    if (broken === undefined) break;
    const before = new Map(set);
    const helps = broken.fields.some(name => {
      if (!add(name)) return false;
      if (broken.check(n => set.has(n), n => set.get(n)) === undefined) return true;
      set.clear();
      for (const [n, t] of before) set.set(n, t);
      return false;
    });
    if (!helps) break;
  }
  const props = `{ ${[...set].map(([name, text]) => `${name}: ${text}`).join(', ')} }`, shown = set.size === 0 ? '{}' : props;
  return kind.role === 'data' ? `const found = new ${className}(app, 'found', ${shown});` : `new ${className}(${shown})`;
}
