/** Expressions and values as HCL's native syntax. */
import { functions } from '../functions.js';
import { isObject, type Json } from '../json.js';
import { type Expr, exprOf, isRef, isSecret, outputKey } from '../values.js';
import type { Names, Place } from './packer-body.js';
import { hostInHcl } from './packer-host.js';
import { formatdateOf } from './packer-time.js';

export interface HclContext { readonly names: Names; readonly place: Place }

/** Escapes a text for a quoted template. */
export function quoted(text: string): string {
  // Most texts have nothing to escape, and there are many of them.
  if (!/[^ !#$%&-[\]-~]|[$%]\{/.test(text)) return `"${text}"`;
  return `"${escapeTemplate(text).replace(/["\\\u0000-\u001f\u007f-\u009f\ufeff\u2028\u2029]/g, c =>
    c === '"' ? '\\"' : c === '\\' ? '\\\\' : c === '\n' ? '\\n' : c === '\r' ? '\\r' : c === '\t' ? '\\t' : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`;
}
/** `${` and `%{` begin templates in quoted text and in heredocs alike. */
export function escapeTemplate(text: string): string {
  return text.replace(/([$%])\{/g, '$1$1{');
}

const identifier = /^[A-Za-z_][A-Za-z0-9_-]*$/;
const keywords = new Set(['true', 'false', 'null', 'for', 'if', 'in', 'else', 'endif', 'endfor']);
/** A name as it stands before `=` in an object. */
export const objectKey = (key: string): string => identifier.test(key) && !keywords.has(key) ? key : quoted(key);

/** A part of a text: literal, or an expression. */
export type TextPart = { readonly literal: string } | { readonly hcl: string };

/** Parts as the inside of a template. A `$` just before an interpolation would escape it. */
export function joinParts(parts: readonly TextPart[], escape: (literal: string) => string): string {
  return parts.map((part, i) => {
    if ('hcl' in part) return `\${${part.hcl}}`;
    const dollars = i + 1 < parts.length ? /\$*$/.exec(part.literal)![0] : '';
    return escape(part.literal.slice(0, part.literal.length - dollars.length)) + (dollars === '' ? '' : `\${"${dollars}"}`);
  }).join('');
}

/** The expression in HCL, on one line. */
export function hclExpr(expr: Expr, context: HclContext): string {
  switch (expr.op) {
    case 'value': return hclInline(expr.value, context);
    case 'template': {
      const parts = textParts(expr, context);
      const [only] = parts;
      if (parts.length === 1 && only !== undefined && 'hcl' in only) return only.hcl;
      return `"${joinParts(parts, literal => quoted(literal).slice(1, -1))}"`;
    }
    case 'variable': return `var.${context.names.variable(expr.name)}`;
    case 'local': return `local.${context.names.local(expr.name)}`;
    case 'data': {
      const name = context.names.data(expr.path, expr.output);
      return 'variable' in name ? `var.${name.variable}` : `data.${name.type}.${name.label}.${name.output}`;
    }
    case 'secret': return `var.${context.names.secret(expr.secret)}`;
    case 'output': return `var.${context.names.output(outputKey(expr), expr.output)}`;
    case 'call': return call(expr, context);
    case 'when': return `${operand(expr.condition, context)} ? ${operand(expr.then, context)} : ${operand(expr.else, context)}`;
    case 'time': return time(expr, context) ?? quoted(timeText(expr));
    case 'template-file': {
      const values = Object.entries(expr.values).map(([name, value]) => `${objectKey(name)} = ${hclExpr(value, context)}`);
      return `templatefile(${hclExpr(context.names.path(expr.path), context)}, { ${values.join(', ')} })`;
    }
    case 'host': {
      const text = hostInHcl(expr.name, context.place);
      return 'hcl' in text ? text.hcl : quoted(text.literal);
    }
    case 'member': {
      const of = operand(expr.of, context);
      return typeof expr.key === 'string' && identifier.test(expr.key) ? `${of}.${expr.key}` : `${of}[${typeof expr.key === 'number' ? expr.key : quoted(expr.key)}]`;
    }
  }
}

const operand = (expr: Expr, context: HclContext): string => (expr.op === 'when' ? `(${hclExpr(expr, context)})` : hclExpr(expr, context));

function call(expr: Extract<Expr, { readonly op: 'call' }>, context: HclContext): string {
  const args = expr.args.map(arg => hclExpr(arg, context));
  if (expr.function === 'identity') return args[0]!;
  if (expr.function === 'list') return `[${args.join(', ')}]`;
  const name = (functions as { readonly [name: string]: { readonly hcl: string } })[expr.function]?.hcl ?? expr.function;
  return `${name}(${args.join(', ')})`;
}

/** A text's parts, neighbours joined. */
export function textParts(expr: Expr, context: HclContext): TextPart[] {
  const out: TextPart[] = [];
  const add = (part: TextPart): void => {
    const last = out.at(-1);
    if ('literal' in part && last !== undefined && 'literal' in last) out[out.length - 1] = { literal: last.literal + part.literal };
    else if (!('literal' in part) || part.literal !== '') out.push(part);
  };
  const walk = (e: Expr): void => {
    if (e.op === 'template') e.parts.forEach(walk);
    else if (e.op === 'value' && (typeof e.value === 'string' || typeof e.value === 'number' || typeof e.value === 'boolean')) add({ literal: String(e.value) });
    else if (e.op === 'time') { const hcl = time(e, context); add(hcl === undefined ? { literal: timeText(e) } : { hcl }); }
    else if (e.op === 'host') add(hostInHcl(e.name, context.place));
    else add({ hcl: hclExpr(e, context) });
  };
  walk(expr);
  return out;
}

/** Times that HCL has a function for; undefined: Packer's own text does. */
function time(expr: Extract<Expr, { readonly op: 'time' }>, context: HclContext): string | undefined {
  if (expr.as === 'uuid') return `local.${context.names.local('uuid()')}`;
  if (expr.as === 'timestamp') return undefined;
  if (expr.format === undefined) return 'timestamp()';
  const format = formatdateOf(expr.format);
  return format === undefined ? undefined : `formatdate(${quoted(format)}, timestamp())`;
}
function timeText(expr: Extract<Expr, { readonly op: 'time' }>): string {
  return expr.as === 'timestamp' ? '{{timestamp}}' : `{{isotime ${JSON.stringify(expr.format ?? '2006-01-02T15:04:05Z07:00')}}}`;
}

/** A plain value, with Refs inside, on one line. */
export function hclInline(value: Json | unknown, context: HclContext): string {
  if (isRef(value) || isSecret(value)) return hclExpr(exprOf(value), context);
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map(v => hclInline(v, context)).join(', ')}]`;
  if (isObject(value)) {
    const entries = Object.keys(value).sort().map(key => `${objectKey(key)} = ${hclInline(value[key], context)}`);
    return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
  }
  return String(value);
}
