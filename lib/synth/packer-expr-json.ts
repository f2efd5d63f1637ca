/** Expressions as Packer's JSON templates can say them: text with `{{ }}`. What they cannot say is undefined here. */
import { type Expr, outputKey } from '../values.js';
import type { DataName, Names, Place } from './packer-body.js';
import { hostInJson } from './packer-host.js';

export interface JsonContext { readonly names: Names; readonly place: Place; /** Called for each use of the run's UUID: it needs a user variable. */ readonly onUuid?: () => void }

/** The whole expression as a template text, or undefined. */
export function jsonText(expr: Expr, context: JsonContext): string | undefined {
  switch (expr.op) {
    case 'value': return typeof expr.value === 'string' || typeof expr.value === 'number' || typeof expr.value === 'boolean' ? String(expr.value) : undefined;
    case 'template': {
      const parts = expr.parts.map(part => jsonText(part, context));
      return parts.every(p => p !== undefined) ? parts.join('') : undefined;
    }
    case 'local': { const definition = context.names.definition(expr.name); return definition && jsonText(definition, context); }
    case 'when': {
      const condition = goCondition(expr.condition, context), yes = jsonText(expr.then, context), no = jsonText(expr.else, context);
      return condition === undefined || yes === undefined || no === undefined ? undefined : `{{if ${condition}}}${yes}{{else}}${no}{{end}}`;
    }
    case 'host': return hostInJson(expr.name, context.place);
    default: { const go = goExpr(expr, context); return go === undefined ? undefined : `{{${go}}}`; }
  }
}

/** The name under which the run's UUID stands among the user variables. */
export const uuidVariable = 'run_uuid';

/** An expression inside `{{ }}`, or undefined. */
function goExpr(expr: Expr, context: JsonContext): string | undefined {
  switch (expr.op) {
    case 'value': return typeof expr.value === 'string' || typeof expr.value === 'number' || typeof expr.value === 'boolean' ? goString(String(expr.value)) : undefined;
    case 'variable': return context.names.isScalar(expr.name) ? user(context.names.variable(expr.name)) : undefined;
    case 'secret': return user(context.names.secret(expr.secret));
    case 'output': return user(context.names.output(outputKey(expr), expr.output));
    case 'data': {
      return user(dataVariable(context.names.data(expr.path, expr.output)));
    }
    case 'local': { const definition = context.names.definition(expr.name); return definition && goExpr(definition, context); }
    case 'time':
      if (expr.as === 'uuid') { context.onUuid?.(); return user(uuidVariable); }
      return expr.as === 'timestamp' ? 'timestamp' : expr.format === undefined ? 'isotime' : `isotime ${goString(expr.format)}`;
    case 'template': {
      const args = expr.parts.map(part => (part.op === 'value' ? { literal: String(part.value) } : { go: goExpr(part, context) }));
      if (args.some(a => 'go' in a && a.go === undefined)) return undefined;
      const format = args.map(a => ('literal' in a ? a.literal!.replaceAll('%', '%%') : '%s')).join('');
      return `printf ${goString(format)}${args.map(a => ('go' in a ? ` (${a.go})` : '')).join('')}`;
    }
    case 'call': {
      const args = expr.args.map(arg => goExpr(arg, context));
      if (args.some(a => a === undefined)) return undefined;
      const [first, from, to] = args.map(a => `(${a})`);
      switch (expr.function) {
        case 'upper': case 'lower': return `${expr.function} ${first}`;
        case 'replace': return `replace_all ${from} ${to} ${first}`;
        default: return undefined;
      }
    }
    case 'host': {
      const text = hostInJson(expr.name, context.place);
      return text !== undefined && /^\{\{[^{}]*\}\}$/.test(text) ? text.slice(2, -2).trim() : undefined;
    }
    case 'when': case 'member': case 'template-file': return undefined;
  }
}

/** User variables are text. */
function goCondition(expr: Expr, context: JsonContext): string | undefined {
  const go = goExpr(expr, context);
  return go === undefined ? undefined : `eq (${go}) ${goString('true')}`;
}

const user = (name: string): string => `user \`${name}\``;
/** The user variable that stands for an output of a data source, which JSON templates do not have. */
export const dataVariable = (name: DataName): string => ('variable' in name ? name.variable : `data_${name.type}_${name.label}_${name.output}`.replace(/[^A-Za-z0-9_]/g, '_'));

/** A string of Go's templates. */
function goString(text: string): string {
  if (!/[`\r]/.test(text)) return `\`${text}\``;
  return `"${[...text].map(c => (c === '"' || c === '\\' ? `\\${c}` : /[\u0000-\u001f\u007f]/.test(c) ? `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}` : c)).join('')}"`;
}
