/** Every component: its props from the field table of its kind, their comments from the sources. */
import { Node, type Project, type Symbol as TsSymbol } from 'ts-morph';
import { postProcessorSettings, provisionerSettings, sourceSettings } from '../../lib/constructs/component.js';
import { type AnyField, type Fields, type FieldType, fieldsOf } from '../../lib/fields.js';
import { isObject } from '../../lib/json.js';
import type { AnyKind } from '../../lib/kinds.js';
import { optionName } from '../../lib/packer/names.js';
import { goDuration, sizeText } from '../../lib/synth/packer-units.js';
import { isDuration, isSize } from '../../lib/values.js';
import { exampleOf } from './example.js';
import { isComponentClass } from './exports.js';
import { code, commentOf, membersOf, root, table } from './sources.js';

const roles = [['source', 'Sources'], ['provisioner', 'Provisioners'], ['post-processor', 'Post-processors'], ['data', 'Data sources']] as const;

export async function apiComponents(project: Project): Promise<string> {
  const api = await import('../../lib/index.js') as unknown as { readonly [name: string]: unknown };
  const source = project.getSourceFileOrThrow(`${root}lib/index.ts`);
  const classes = [...source.getExportedDeclarations()].flatMap(([name, nodes]) => nodes.filter(isComponentClass).map(node => ({ name, node })));
  const found = classes.flatMap(({ name, node }) => {
    const kindName = /super\((?:scope, id, )?(\w+),/.exec(node.getConstructors()[0]?.getBodyText() ?? '')?.[1];
    const kind = kindName === undefined ? undefined : Object.values(api).find(v => isObject(v) && 'role' in v && v === api[kindName]) as AnyKind | undefined;
    return kind === undefined ? [] : [{ name, node, kind }];
  }).sort((a, b) => (a.kind.type < b.kind.type ? -1 : 1));
  const shared = new SharedGroups(found.map(f => f.kind));
  const chapters = roles.map(([role, title]) => {
    const own = found.filter(f => f.kind.role === role).map(({ name, node, kind }) => {
      const props = source.getExportedDeclarations().get(`${name}Props`)?.[0];
      const members = props === undefined ? [] : props.getType().getProperties();
      const rows = rowsOf(kind.fields, members, node, '', '', shared);
      const packer = kind.packerType === false ? 'Packer has no such component.' : `Packer's \`${kind.packerType}\`.`;
      const rules = kind.rules.map(r => `* ${r.says}`).join('\n');
      const outputs = fieldsOf(kind.outputs).map(([n, f]) => [code(n), typeText(f.type), commentOf(outputSymbol(node, n), node).text]);
      return `#### ${name}\n\n${commentOf(node.getSymbol(), node).text} ${packer}\n\n\`\`\`ts\n${exampleOf(name, kind)}\n\`\`\`\n\n${table(['Prop', 'Type', 'Default', "Packer's option", 'Affects', 'What it says'], rows)}${rules === '' ? '' : `\nWhat must hold:\n\n${rules}\n`}${outputs.length === 0 ? '' : `\n${table(['Output', 'Type', 'What it is'], outputs)}`}`;
    });
    return `### ${title}\n\n${own.join('\n')}`;
  });
  return `A change of a prop makes steps run again, by what it affects: \`disk\` everything from there on, \`machine\` saved memory too, \`capture\` only the last stage, \`none\` nothing.\n\n${chapters.join('\n')}\n${settings(source, shared)}${shared.text()}`;
}

function outputSymbol(node: Node, output: string): TsSymbol | undefined {
  const kind = Node.isClassDeclaration(node) ? node.getBaseTypes()[0]?.getProperty('kind')?.getTypeAtLocation(node) : undefined;
  return kind?.getProperty('outputs')?.getTypeAtLocation(node).getProperty(output);
}

/** Groups that several kinds have, such as ssh, are described once. */
class SharedGroups {
  private readonly users = new Map<Fields, number>();
  private readonly texts = new Map<string, string>();
  constructor(kinds: readonly AnyKind[]) {
    const see = (fields: Fields): void => {
      for (const [, field] of fieldsOf(fields)) {
        if (field.type.is !== 'object' && field.type.is !== 'objects') continue;
        this.users.set(field.type.fields, (this.users.get(field.type.fields) ?? 0) + 1);
        if (this.users.get(field.type.fields) === 1) see(field.type.fields);
      }
    };
    for (const kind of kinds) see(kind.fields);
  }
  /** Keeps the description of a shared group, and says where it is; undefined: it belongs to one kind only. */
  link(name: string, fields: Fields, describe: () => string): string | undefined {
    if ((this.users.get(fields) ?? 0) < 2) return undefined;
    if (!this.texts.has(name)) {
      this.texts.set(name, '');
      this.texts.set(name, describe());
    }
    return `see [\`${name}\`](#props-of-${name.toLowerCase().replace(/[^a-z0-9]/g, '')})`;
  }
  text(): string { return [...this.texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, text]) => `\n### Props of ${name}\n\n${text}`).join(''); }
}

function rowsOf(fields: Fields, members: readonly TsSymbol[], at: Node, prefix: string, path: string, shared: SharedGroups): string[][] {
  return fieldsOf(fields).flatMap(([name, field]): string[][] => {
    const symbol = members.find(m => m.getName() === name), comment = commentOf(symbol, at), where = path + name;
    const option = field.packerName === false ? '–' : field.shape === 'group' ? '' : code(typeof field.packerName === 'string' ? field.packerName : prefix + optionName(name));
    const row = (type: string): string[] => [code(where), type, field.need === 'required' ? 'required' : comment.default ?? defaultText(field), option, field.shape === 'group' ? '' : field.affects ?? 'disk', comment.text];
    if (field.type.is !== 'object' && field.type.is !== 'objects') return [row(typeText(field.type))];
    const { fields: inner } = field.type, innerMembers = symbol === undefined ? [] : membersOf(symbol.getTypeAtLocation(at));
    const innerPrefix = field.shape === 'group' ? prefix + (field.prefix ?? `${optionName(name)}_`) : '';
    const link = shared.link(name, inner, () => table(['Prop', 'Type', 'Default', "Packer's option", 'Affects', 'What it says'], rowsOf(inner, innerMembers, at, innerPrefix, `${name}.`, shared)));
    const kind = field.shape === 'blocks' ? 'list of blocks' : field.shape === 'block' ? 'block' : 'group';
    return link === undefined ? [row(kind), ...rowsOf(inner, innerMembers, at, innerPrefix, `${where}${field.shape === 'blocks' ? '[].' : '.'}`, shared)] : [row(`${kind}, ${link}`)];
  });
}

function typeText(type: FieldType): string {
  switch (type.is) {
    case 'one-of': return type.values.map(v => code(v)).join(', ');
    case 'integer': return type.min === undefined && type.max === undefined ? 'whole number' : `whole number${type.min === undefined ? '' : `, at least ${type.min}`}${type.max === undefined ? '' : `, at most ${type.max}`}`;
    case 'list': return `list of ${typeText(type.of)}`;
    case 'map': return `names and ${typeText(type.of)}`;
    case 'boolean': return 'true or false';
    case 'size': return 'Size';
    case 'duration': return 'Duration';
    case 'secret': return 'Secret';
    case 'sensitive-string': return 'text or Secret';
    case 'string': return 'text';
    case 'url': return 'URL';
    case 'path': return type.kind === 'any' ? 'path' : `path of a ${type.kind}`;
    case 'output-path': return 'path to write';
    case 'image': return `build with \`${type.type}\``;
    case 'json': return 'any value';
    case 'object': case 'objects': return 'object';
    case 'number': return 'number';
  }
}

function defaultText(field: AnyField): string {
  const value = field.default;
  if (value === undefined) return '';
  return isSize(value) ? sizeText(value.$size) : isDuration(value) ? goDuration(value.$duration) : code(JSON.stringify(value));
}

/** The settings that every component of a role has. */
function settings(source: import('ts-morph').SourceFile, shared: SharedGroups): string {
  const tables: readonly (readonly [title: string, type: string, fields: Fields])[] = [['every source', 'SourceSettings', sourceSettings], ['every provisioner', 'ProvisionerSettings', provisionerSettings], ['every post-processor', 'PostProcessorSettings', postProcessorSettings]];
  return tables.map(([title, type, fields]) => {
    const node = source.getExportedDeclarations().get(type)![0]!;
    const rows = rowsOf(fields, node.getType().getProperties(), node, '', '', shared).map(([name, kind, fallback, option, , text]) => [name!, kind!, fallback!, option!, text!]);
    return `\n### Settings of ${title}\n\n${table(['Prop', 'Type', 'Default', "Packer's setting", 'What it says'], rows)}`;
  }).join('');
}
