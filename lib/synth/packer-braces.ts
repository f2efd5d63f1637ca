/**
 * `{{` that means itself. Packer reads it as its own template, and can be told otherwise once, by an escape; but some options it reads again
 * and again until nothing changes, and there `{{` cannot be said. A script can: its file is not read as a template.
 */
import { isObject } from '../json.js';
import { type Expr, exprOf, isRef, isSecret, walkExpr } from '../values.js';
import type { BodyValue } from './packer-body.js';
import type { BodyContext, Draft } from './packer-component.js';

const escaped = '{{`{{`}}';
export function escapeText(text: string): string { return text.replaceAll('{{', escaped); }

export function escapeExpr(value: object): object {
  const escape = (expr: Expr): Expr => {
    if (expr.op === 'value' && typeof expr.value === 'string') return { ...expr, value: escapeText(expr.value) };
    if (expr.op === 'template') return { ...expr, parts: expr.parts.map(escape) };
    if (expr.op === 'when') return { ...expr, then: escape(expr.then), else: escape(expr.else) };
    return expr;
  };
  return '$expr' in value ? { ...('$secret' in value ? { $secret: value.$secret } : {}), $expr: escape((value as { $expr: Expr }).$expr) } : value;
}

const shellLocal = ['inline', 'command', 'env', 'environment_vars'];
/** Options that Packer reads until nothing changes, by kind. */
const readAgain: { readonly [kind: string]: readonly string[] } = {
  'provisioner/shell': ['inline', 'env', 'environment_vars', 'remote_path', 'remote_folder', 'remote_file'],
  'provisioner/file': ['source', 'sources', 'destination'],
  'provisioner/shell-local': shellLocal,
  'post-processor/shell-local': shellLocal,
  'post-processor/manifest': ['custom_data', 'output'],
};

/** Moves commands with `{{` into a script beside the template; what cannot be moved is a problem. */
export function settleBraces(kind: string, draft: Draft, context: BodyContext): void {
  for (const option of readAgain[kind] ?? []) {
    const value = draft.attributes.get(option);
    if (value === undefined || !hasBraces(value)) continue;
    if (option === 'inline' && Array.isArray(value) && value.every(line => typeof line === 'string')) {
      const shebang = draft.attributes.get('inline_shebang');
      const interpreter = typeof shebang === 'string' ? shebang : '/bin/sh -e';
      const text = `#!${interpreter}\n${(value as readonly string[]).join('\n')}\n`.replaceAll(escaped, '{{');
      draft.attributes.delete('inline');
      draft.attributes.delete('inline_shebang');
      const script = context.addFile(`scripts/${context.path.replace(/[^A-Za-z0-9_-]+/g, '-')}.sh`, text);
      if (kind === 'provisioner/shell') draft.attributes.set('script', script);
      // Here the file itself is run, and may not be executable: whoever reads it is named.
      else draft.attributes.set('inline', [{ $expr: { op: 'template', parts: [{ op: 'value', value: `${interpreter} '` }, exprOf(script), { op: 'value', value: "'" }] } }]);
    } else {
      context.report({
        code: 'EXPORT_BRACES', severity: 'error', path: context.path, field: option, at: context.at, message: `Packer reads '{{' in '${option}' as its own template, and cannot be told otherwise`,
        remedy: option === 'inline' || option === 'command' ? 'Put the script into a file, or its variables into the environment.' : 'Write it without {{, or leave it to a script in a file.',
      });
    }
  }
}

function hasBraces(value: BodyValue): boolean {
  if (typeof value === 'string') return value.includes(escaped);
  // A Ref may be a construct: only its expression is looked at.
  if (isRef(value) || isSecret(value)) return [...walkExpr(exprOf(value))].some(e => e.op === 'value' && typeof e.value === 'string' && e.value.includes(escaped));
  if (Array.isArray(value)) return value.some(hasBraces);
  return isObject(value) && Object.values(value).some(v => hasBraces(v as BodyValue));
}
