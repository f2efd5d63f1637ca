/** Holds a body against Packer's option table: unknown names, attributes that must be blocks, wrong types. */
import { isObject } from '../json.js';
import type { AttributeType, OptionTable } from '../packer/option-table.js';
import { suggest } from '../suggest.js';
import { isRef, isSecret } from '../values.js';
import type { Body, BodyValue } from './packer-body.js';
import type { BodyContext } from './packer-component.js';

/** Reports what Packer would refuse. Overrides that the table does not know were reported where they were added. */
export function checkBody(body: Body, options: OptionTable, context: BodyContext, at = ''): void {
  for (const [name, value] of body.attributes) {
    const option = options[name];
    if (option === undefined) unknown(name, options, context, at);
    else if ('block' in option) problem(context, 'EXPORT_TYPE', at + name, `Packer's '${name}' is a block, and this is a value`);
    else if (option.type === 'any' && context.format === 'hcl' && !fits('map(string)', value)) problem(context, 'EXPORT_TYPE', at + name, `Packer's HCL takes only names and texts in '${name}', as its JSON does not`, 'Export to JSON, or do without it.', 'warning');
    else if (!fits(option.type, value)) problem(context, 'EXPORT_TYPE', at + name, `Packer's '${name}' is a ${option.type}, and this is ${shown(value)}`);
  }
  for (const block of body.blocks) {
    const option = options[block.name];
    if (option === undefined) { unknown(block.name, options, context, at); continue; }
    if (!('block' in option)) { problem(context, 'EXPORT_TYPE', at + block.name, `Packer's '${block.name}' is a ${option.type}, and this is a block`); continue; }
    if (option.block === 'single' && block.bodies.length > 1) problem(context, 'EXPORT_TYPE', at + block.name, `Packer takes one '${block.name}', and there are ${block.bodies.length}`);
    block.bodies.forEach((b, i) => checkBody(b, option.options, context, `${at}${block.name}${option.block === 'list' ? `[${i}]` : ''}.`));
  }
}

const scalar = (value: BodyValue): boolean => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || isRef(value) || isSecret(value);

/** Whether Packer takes the value for the type; it converts numbers and booleans to text and back. A value known later fits. */
function fits(type: AttributeType, value: BodyValue): boolean {
  if (value === null || isRef(value) || isSecret(value)) return true;
  const list = (each: (item: BodyValue) => boolean): boolean => Array.isArray(value) && (value as readonly BodyValue[]).every(each);
  switch (type) {
    case 'string': case 'duration': return scalar(value);
    case 'bool': return typeof value === 'boolean' || value === 'true' || value === 'false';
    case 'number': return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
    case 'list(string)': return list(scalar);
    case 'list(number)': return list(item => fits('number', item));
    case 'list(list(string))': return list(item => fits('list(string)', item));
    case 'map(string)': return isObject(value) && !Array.isArray(value) && Object.values(value).every(v => scalar(v as BodyValue));
    case 'any': return true;
  }
}

function shown(value: BodyValue): string {
  return Array.isArray(value) ? 'a list' : isObject(value) ? 'an object' : `the ${typeof value} ${JSON.stringify(value)}`;
}

function unknown(name: string, options: OptionTable, context: BodyContext, at: string): void {
  if (at === '' && context.overridden?.has(name)) return;
  const near = suggest(name, Object.keys(options));
  problem(context, 'EXPORT_UNKNOWN_OPTION', at + name, `Packer knows no option '${name}' here`, near === undefined ? undefined : `Did you mean '${near}'?`);
}

function problem(context: BodyContext, code: string, field: string, message: string, remedy = `Change it, or say what Packer shall get with packerOverrides.`, severity: 'error' | 'warning' = 'error'): void {
  context.report({ code, severity, path: context.path, field, at: context.at, message, remedy });
}
