/** Kinds of Packer's own components: their fields are made from the option table when they are first asked for. */
import { type AnyField, field, type Fields } from '../fields.js';
import type { AnyKind, Kind, Role } from '../kinds.js';
import { Duration, isDuration, isRef } from '../values.js';
import { componentOptions, type Option, type OptionTable } from './option-table.js';
import { optionName, propName } from './names.js';
import { packerRules } from './rules/index.js';

/** The kind of a component that is described in Packer's own options. It validates and exports; the runtime refuses it. O: its outputs. */
export interface PackerKind<R extends string = string, T extends string = string, O extends Fields = {}> extends Kind<R, T, {}, O> {
  /** Marks a kind whose props are Packer's options. */
  readonly packer: true;
  /** The options are taken as they are: they stand in the prop `options`. */
  readonly raw?: true;
}
export const isPackerKind = (kind: AnyKind): kind is PackerKind => 'packer' in kind;

const kinds = new Map<string, PackerKind>();

/** The kind of a component in the table. Nothing is read before its fields, outputs or rules are asked for. */
export function packerKind<R extends Role, T extends string, O extends Fields = {}>(role: R, type: T): PackerKind<R, T, O> {
  const id = `${role}/${type}`;
  let kind = kinds.get(id);
  if (kind === undefined) {
    kind = lazily({ ...base(role, type), packer: true as const }, {
      fields: () => fieldsFrom(withoutSettings(role, componentOptions(role, type).options)),
      outputs: () => outputsFrom(componentOptions(role, type).outputs ?? {}),
      rules: () => packerRules(role, type),
    }) as PackerKind;
    kinds.set(id, kind);
  }
  return kind as unknown as PackerKind<R, T, O>;
}

/** A kind that no table knows: its options are taken as they are. */
export function unknownPackerKind<R extends Role, T extends string>(role: R, type: T): PackerKind<R, T> {
  return { ...base(role, type), packer: true, raw: true, fields: { options: field.json(), plugin: field.json({ affects: 'none' }) }, outputs: {}, rules: [] } as unknown as PackerKind<R, T>;
}

/** An option that is a setting of the role anyway: `pause_after` of the shell is `pauseAfter` of every step. */
function withoutSettings(role: string, options: OptionTable): OptionTable {
  const { pause_after: _, ...rest } = options;
  return role === 'provisioner' ? rest : options;
}

function base(role: string, type: string) {
  return {
    role, type, key: `${role}/packer:${type}`, revision: 1, packerType: type,
    exportOnly: `Use the component of 'imagebake' for it where there is one; else export the program (bake synth --format packer-hcl) and build it with packer.`,
  };
}

function lazily<T extends object>(target: T, members: { readonly [name: string]: () => unknown }): T {
  for (const [name, make] of Object.entries(members)) {
    Object.defineProperty(target, name, {
      enumerable: true, configurable: true,
      get() {
        const value = make();
        Object.defineProperty(target, name, { enumerable: true, value });
        return value;
      },
    });
  }
  return target;
}

/** The field table of an option table: names in camel case, each with the option it stands for. */
export function fieldsFrom(options: OptionTable): { readonly [prop: string]: AnyField } {
  const out: { [prop: string]: AnyField } = {};
  for (const [name, option] of Object.entries(options)) {
    const prop = propName(name);
    out[prop] = fieldFrom(option, optionName(prop) === name ? {} : { packerName: name });
  }
  return out;
}

function fieldFrom(option: Option, settings: { readonly packerName?: string }): AnyField {
  if ('block' in option) {
    const nested = fieldsFrom(option.options);
    return option.block === 'single' ? field.block(nested, settings) : field.blocks(nested, settings);
  }
  const text = option.secret ? field.sensitiveString() : field.string();
  switch (option.type) {
    case 'string': return option.secret ? field.sensitiveString(settings) : field.string(settings);
    case 'duration': return field.json({ ...settings, check: duration });
    case 'bool': return field.boolean(settings);
    case 'number': return field.number(settings);
    case 'list(string)': return field.list(text, settings);
    case 'list(number)': return field.list(field.number(), settings);
    case 'list(list(string))': return field.list(field.list(text), settings);
    case 'map(string)': return field.map(text, settings);
    case 'any': return field.json(settings);
  }
}

function duration(value: unknown): string | undefined {
  if (isDuration(value) || isRef(value)) return undefined;
  try {
    if (typeof value === 'string') { Duration.parse(value); return undefined; }
  } catch { /* said below */ }
  return `must be a Duration, or Go's notation for one, such as '90s' or '1h30m'`;
}

function outputsFrom(outputs: OptionTable): { readonly [prop: string]: AnyField } {
  return Object.fromEntries(Object.entries(fieldsFrom(outputs)).map(([name, f]) => [name, { ...f, need: 'defaulted' }]));
}
