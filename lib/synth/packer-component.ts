/** A component as the body of a Packer block: fields become options, groups are flattened, units written, and all of it held against the option table. */
import { fileURLToPath } from 'node:url';
import type { Component } from '../constructs/component.js';
import { type AnyField, describeType, type FieldType, type Fields, fieldsOf } from '../fields.js';
import { isObject, type Json } from '../json.js';
import { isBlock, type RawOptions } from '../packer/block.js';
import { isPackerKind } from '../packer/kind.js';
import { optionName } from '../packer/names.js';
import { findComponent, type OptionTable } from '../packer/option-table.js';
import { sameDefaults } from '../packer/same-defaults.js';
import { isDuration, isGenerated, isRef, isSecret, isSize, type Ref } from '../values.js';
import type { Body, BodyValue, Report } from './packer-body.js';
import { escapeExpr, escapeText, settleBraces } from './packer-braces.js';
import { checkBody } from './packer-check.js';
import { packerType } from './packer-names.js';
import { type Folders, templatePath } from './packer-paths.js';
import { finishBody, fromMark } from './packer-special.js';
import { goDuration, inUnit, sizeText } from './packer-units.js';

export interface BodyContext extends Folders {
  readonly path: string;
  readonly at: Error;
  /** Where the image of another target lies, for a field that starts from one. */
  readonly image: (value: unknown) => { readonly target: string; readonly output: (name: string) => Ref<string> } | undefined;
  readonly report: Report;
  readonly format: 'hcl' | 'json';
  /** Adds a file beside the template; returns its path as the template finds it. */
  readonly addFile: (name: string, text: string) => BodyValue;
  /** Options written by packerOverrides: not held against the table a second time. */
  readonly overridden?: ReadonlySet<string>;
}

/** A body that is still being made. */
export interface Draft { readonly attributes: Map<string, BodyValue>; readonly blocks: Map<string, { readonly bodies: Draft[]; readonly list: boolean }> }
export const emptyDraft = (): Draft => ({ attributes: new Map(), blocks: new Map() });

/** The body of a component, or undefined where Packer has no such component (a problem says so). `defaults`: with those that differ from Packer's. */
export function bodyOf(component: Component, props: object, context: BodyContext, { defaults = true } = {}): Body | undefined {
  const { kind } = component;
  if (kind.packerType === false || kind.packerType.startsWith('@')) {
    context.report({ code: 'EXPORT_NO_COMPONENT', severity: 'warning', path: context.path, at: context.at, message: `Packer has no ${kind.role} '${kind.type}': left out`, remedy: 'Keep building this program with bake, or do the same with a component that Packer has.' });
    return undefined;
  }
  const options = findComponent(kind.role, packerType(kind))?.options;
  const draft = emptyDraft(), given = props as { readonly [name: string]: unknown };
  if (isPackerKind(kind) && kind.raw) {
    addRaw(draft, (given['options'] ?? {}) as RawOptions);
  } else {
    const writer = new FieldWriter(context, isPackerKind(kind), defaults ? new Set(sameDefaults[kind.key] ?? []) : undefined);
    writer.fields(kind.fields, given, draft, '', '');
    finishBody(kind.key, given, draft, context, defaults);
    settleBraces(kind.key, draft, context);
  }
  override(draft, given['packerOverrides'], options, context);
  const body = frozen(draft);
  if (options !== undefined) checkBody(body, options, { ...context, overridden: new Set(Object.keys((given['packerOverrides'] ?? {}) as object)) });
  return body;
}

/** Options in which text is Packer's own template already, in our components too; beside the fields that say so themselves. */
const templates = new Set([
  'boot_command', 'boot_steps', 'execute_command', 'elevated_execute_command', 'run_command', 'output', 'ami_name', 'ami_description', 'tags', 'run_tags', 'run_volume_tags', 'snapshot_tags', 'spot_tags', 'fleet_tags',
]);

class FieldWriter {
  constructor(private readonly context: BodyContext, private readonly raw: boolean, /** Fields whose default is Packer's too; undefined: write no defaults. */ private readonly same: ReadonlySet<string> | undefined) {}

  fields(fields: Fields, props: { readonly [name: string]: unknown }, draft: Draft, prefix: string, at: string): void {
    for (const [name, field] of fieldsOf(fields)) {
      const set = props[name] !== undefined, where = at + name;
      const value = set ? props[name] : this.defaultOf(field, where);
      const option = typeof field.packerName === 'string' ? field.packerName : prefix + optionName(name);
      if (field.shape === 'group' && field.type.is === 'object') {
        if (field.packerName === false) { if (set) this.lost(where); continue; }
        if (isObject(value) || !set) this.fields(field.type.fields, (value ?? {}) as { readonly [name: string]: unknown }, draft, prefix + (field.prefix ?? `${optionName(name)}_`), `${where}.`);
      } else if (value === undefined) continue;
      else if (field.type.is === 'image') this.image(field.type, value, draft, where);
      else if (field.packerName === false) this.lost(where);
      else if (field.type.is === 'object' || field.type.is === 'objects') this.blocks(field, option, value, draft, where);
      else draft.attributes.set(option, this.value(field.type, value, field.packerUnit, this.raw || field.fills === true || templates.has(option)));
    }
  }

  private defaultOf(field: AnyField, where: string): unknown {
    return this.same === undefined || this.same.has(where.replace(/\[\d+\]/g, '')) || field.packerName === false ? undefined : field.default;
  }

  private blocks(field: AnyField, option: string, value: unknown, draft: Draft, where: string): void {
    if (isRef(value) || field.type.is === 'json') return;
    const table = (field.type as Extract<FieldType, { readonly is: 'object' | 'objects' }>).fields;
    const bodies = (Array.isArray(value) ? value : [value]).map((each, i) => {
      const inner = emptyDraft();
      this.fields(table, each as { readonly [name: string]: unknown }, inner, '', field.shape === 'blocks' ? `${where}[${i}].` : `${where}.`);
      return inner;
    });
    const list = field.shape === 'blocks', before = draft.blocks.get(option);
    draft.blocks.set(option, { bodies: [...(before?.bodies ?? []), ...bodies], list: list || before !== undefined });
  }

  private image(type: FieldType, value: unknown, draft: Draft, where: string): void {
    const image = this.context.image(value);
    if (image === undefined) return;
    this.context.report({
      code: 'EXPORT_IMAGE', severity: 'warning', path: this.context.path, field: where, at: this.context.at,
      message: `Packer does not build images on images: '${image.target}' must be built before, and is named by a variable here (${describeType(type)} was given)`, remedy: 'Build the base first, and give its image with -var.',
    });
    draft.attributes.set(fromMark, image.output('image'));
  }

  private lost(where: string): void {
    this.context.report({ code: 'EXPORT_NO_OPTION', severity: 'warning', path: this.context.path, field: where, at: this.context.at, message: `Packer has no option for '${where}': left out`, remedy: `Look whether the template does what you need without it, or add Packer's own options with packerOverrides.` });
  }

  value(type: FieldType, value: unknown, unit: AnyField['packerUnit'], verbatim: boolean): BodyValue {
    if (isRef(value) || isSecret(value)) return (verbatim ? value : escapeExpr(value)) as BodyValue;
    if (isDuration(value)) return unit === undefined || unit === 'text' ? goDuration(value.$duration) : inUnit(value.$duration, unit);
    if (isSize(value)) return unit === undefined || unit === 'text' ? sizeText(value.$size) : inUnit(value.$size, unit);
    if (isGenerated(value)) return this.path(value.$generated);
    if (value instanceof URL) return value.protocol === 'file:' ? this.path(fileURLToPath(value)) : value.href;
    // A disc may be a URL or a file of the program.
    if (type.is === 'path' || type.is === 'output-path' || type.is === 'url') return typeof value === 'string' ? this.path(value) : (value as BodyValue);
    if (Array.isArray(value)) return value.map(item => this.value(type.is === 'list' ? type.of : type, item, unit, verbatim));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([key, v]) => [key, this.value(type.is === 'map' ? type.of : type, v, unit, verbatim)]));
    return typeof value === 'string' && !verbatim ? escapeText(value) : (value as BodyValue);
  }

  private path(path: string): BodyValue { return templatePath(path, this.context, escapeText); }
}

/** Options as their plugin calls them. */
function addRaw(draft: Draft, options: RawOptions): void {
  for (const [name, value] of Object.entries(options).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    if (value === undefined) continue;
    if (isBlock(value)) {
      const bodies = (Array.isArray(value.$block) ? value.$block : [value.$block]) as readonly RawOptions[];
      draft.blocks.set(name, { list: Array.isArray(value.$block), bodies: bodies.map(b => { const inner = emptyDraft(); addRaw(inner, b); return inner; }) });
    } else draft.attributes.set(name, rawValue(value));
  }
}
function rawValue(value: unknown): BodyValue {
  if (isRef(value) || isSecret(value)) return value as BodyValue;
  if (isDuration(value)) return goDuration(value.$duration);
  if (isSize(value)) return sizeText(value.$size);
  if (Array.isArray(value)) return value.map(rawValue);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined).map(([k, v]) => [k, rawValue(v)]));
  return value as Json;
}

/** The escape hatch: Packer's options as they are; null takes one away. */
function override(draft: Draft, overrides: unknown, options: OptionTable | undefined, context: BodyContext): void {
  if (!isObject(overrides)) return;
  for (const [name, value] of Object.entries(overrides)) {
    draft.attributes.delete(name);
    draft.blocks.delete(name);
    if (value === null || value === undefined) continue;
    const option = options?.[name];
    addRaw(draft, { [name]: option !== undefined && 'block' in option && !isBlock(value) ? { $block: value } : value });
    if (options !== undefined && option === undefined) {
      context.report({ code: 'EXPORT_UNKNOWN_OPTION', severity: 'warning', path: context.path, field: `packerOverrides.${name}`, at: context.at, message: `'${name}' is no option that the table of Packer's options knows: written as it is`, remedy: 'Check its spelling.' });
    }
  }
}

function frozen(draft: Draft): Body {
  return {
    attributes: [...draft.attributes],
    blocks: [...draft.blocks].map(([name, { bodies, list }]) => ({ name, list, bodies: bodies.map(frozen) })),
  };
}
