/** Evaluates expressions: at synth as far as it can be known, at run to the end. */
import { callFunction } from './functions.js';
import { byCodeUnit, isObject, type Json } from './json.js';
import { short } from './short.js';
import { fillTemplate } from './template-file.js';
import { type Expr, exprOf, isRef, isSecret, outputKey } from './values.js';

/** What is known of the things that expressions name. Undefined: not known (yet), the expression stays as it is. */
export interface Lookups {
  variable?(name: string): Json | undefined;
  /** Whether a variable's value must stay out of sight: it becomes the secret `var:name`, resolved by the run. */
  isSensitive?(name: string): boolean;
  local?(name: string): Expr | undefined;
  data?(path: string, output: string): Json | undefined;
  /** By `outputKey`. */
  output?(target: string, output: string): Json | undefined;
  time?(as: 'timestamp' | 'isotime' | 'uuid', format: string | undefined): Json | undefined;
  host?(name: string): Json | undefined;
  secret?(name: string): Json | undefined;
  /** The text of a template file. Throws where there is none. */
  templateFile?(path: string): string | undefined;
}

/** An expression with everything known filled in: `{ op: 'value' }` where all of it was. Throws a TypeError where a function refuses its values. */
export function simplify(expr: Expr, lookups: Lookups): Expr {
  const known = (value: Json | undefined): Expr => (value === undefined ? expr : { op: 'value', value });
  const inner = (e: Expr): Expr => simplify(e, lookups);
  switch (expr.op) {
    case 'value': return simplifyLiteral(expr, lookups);
    case 'variable': return lookups.isSensitive?.(expr.name) ? inner({ op: 'secret', secret: `var:${expr.name}` }) : known(lookups.variable?.(expr.name));
    case 'local': {
      const definition = lookups.local?.(expr.name);
      // A local that mentions itself stays as it is: whoever checks references says so.
      return definition === undefined ? expr : simplify(definition, { ...lookups, local: name => (name === expr.name ? undefined : lookups.local?.(name)) });
    }
    case 'data': return known(lookups.data?.(expr.path, expr.output));
    case 'output': return known(lookups.output?.(outputKey(expr), expr.output));
    case 'time': return known(lookups.time?.(expr.as, expr.format));
    case 'host': return known(lookups.host?.(expr.name));
    case 'secret': return known(lookups.secret?.(expr.secret));
    case 'call': {
      if (expr.function === 'identity') return inner(expr.args[0]!);
      const args = expr.args.map(inner);
      if (!args.every(isValue)) return { ...expr, args };
      return { op: 'value', value: callFunction(expr.function, args.map(a => a.value)) };
    }
    case 'template': {
      const parts: Expr[] = [];
      for (const part of expr.parts.map(inner)) {
        const last = parts.at(-1);
        if (isValue(part) && last !== undefined && isValue(last)) parts[parts.length - 1] = { op: 'value', value: textOf(last.value) + textOf(part.value) };
        else parts.push(isValue(part) ? { op: 'value', value: textOf(part.value) } : part);
      }
      if (parts.length === 0) return { op: 'value', value: '' };
      return parts.length === 1 && isValue(parts[0]!) ? parts[0] : { op: 'template', parts };
    }
    case 'when': {
      const condition = inner(expr.condition);
      if (isValue(condition)) return inner(truthy(condition.value) ? expr.then : expr.else);
      return { op: 'when', condition, then: inner(expr.then), else: inner(expr.else) };
    }
    case 'member': {
      const of = inner(expr.of);
      if (!isValue(of)) return { ...expr, of };
      const { value } = of, { key } = expr;
      const has = Array.isArray(value) ? typeof key === 'number' && key in value : isObject(value) && Object.hasOwn(value, key);
      if (!has) throw new TypeError(`there is no ${typeof key === 'number' ? `member ${key}` : `'${key}'`} in ${short(value)}`);
      return { op: 'value', value: (value as { readonly [key: string]: Json })[key]! };
    }
    case 'template-file': {
      const values = Object.fromEntries(Object.entries(expr.values).map(([name, value]) => [name, inner(value)]));
      const text = lookups.templateFile?.(expr.path);
      return text === undefined ? { ...expr, values } : inner(fillTemplate(text, values, expr.path));
    }
  }
}

/** The value of an expression. What is still unknown is named in the TypeError. */
export function evaluate(expr: Expr, lookups: Lookups): Json {
  const simplified = simplify(expr, lookups);
  if (simplified.op !== 'value') throw new TypeError(`${describeExpr(simplified)} has no value yet`);
  return simplified.value;
}

/** An expression in a person's words, for messages. */
export function describeExpr(expr: Expr): string {
  switch (expr.op) {
    case 'value': return short(expr.value);
    case 'variable': return `variable '${expr.name}'`;
    case 'local': return `local '${expr.name}'`;
    case 'data': return `output '${expr.output}' of data source '${expr.path}'`;
    case 'output': return `output '${expr.output}' of '${expr.of === undefined ? expr.target : `${expr.of}' on '${expr.target}`}'`;
    case 'time': return expr.as;
    case 'host': return `host.${expr.name}`;
    case 'secret': return `secret '${expr.secret}'`;
    case 'call': return `${expr.function}(…)`;
    case 'template': return expr.parts.filter(p => p.op !== 'value').map(describeExpr).join(' and ');
    case 'when': return describeExpr(expr.condition);
    case 'member': return describeExpr(expr.of);
    case 'template-file': return `the file ${expr.path}`;
  }
}

function isValue(expr: Expr): expr is Extract<Expr, { readonly op: 'value' }> { return expr.op === 'value'; }

/** A literal may hold Refs further inside (a list or an object that a program wrote). */
function simplifyLiteral(expr: Extract<Expr, { readonly op: 'value' }>, lookups: Lookups): Expr {
  let open = false;
  const fill = (value: unknown): unknown => {
    if (isRef(value) || isSecret(value)) {
      const inner = simplify(exprOf(value), lookups);
      if (isValue(inner)) return inner.value;
      open = true;
      return { $expr: inner };
    }
    if (Array.isArray(value)) return value.map(fill);
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.keys(value).sort(byCodeUnit).map(key => [key, fill(value[key])]));
  };
  if (typeof expr.value !== 'object' || expr.value === null) return expr;
  const value = fill(expr.value) as Json;
  // Still open inside: not a value yet, so that callers do not take it for one.
  return open ? { op: 'call', function: 'identity', args: [{ op: 'value', value }] } : { op: 'value', value };
}

/** As HCL and JavaScript agree: text as it is, numbers and booleans in their usual form, the rest as JSON. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value);
}

/** Booleans, and the texts that stand for them in templates and environments. */
function truthy(value: Json): boolean {
  return value === true || value === 'true' || (typeof value === 'number' && value !== 0);
}
