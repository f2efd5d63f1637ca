/** Template files: text with `${name}` in it, filled in by a program. `$${` stands for a plain `${`. */
import { fileURLToPath } from 'node:url';
import { suggest } from './suggest.js';
import { type Expr, exprOf, type Input, isSecret, type Ref, ref, type Secret, type SecretText } from './values.js';

type TemplateValue = Input<string> | Input<number> | Input<boolean>;

/**
 * The text of a file, with each `${name}` replaced by the value of that name. The file is read at synth: its content is part of what a
 * step's key is made of. `path` is relative to the program's folder, or a URL. With a Secret among the values the text is secret itself.
 */
export function templateFile<const V extends { readonly [name: string]: TemplateValue | Secret }>(
  path: string | URL, values: V,
): Extract<V[keyof V], Secret> extends never ? Ref<string> : SecretText {
  const $expr: Expr = {
    op: 'template-file', path: path instanceof URL ? fileURLToPath(path) : path,
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, exprOf(value)])),
  };
  return (Object.values(values).some(isSecret) ? { $secret: 'text', $expr } : ref($expr)) as never;
}

/** A template's text as an expression. Throws a TypeError for a name without a value, and for a value without a name. */
export function fillTemplate(text: string, values: { readonly [name: string]: Expr }, path: string): Expr {
  const parts: Expr[] = [], unused = new Set(Object.keys(values));
  let end = 0;
  for (const match of text.matchAll(/(\$?)\$\{([^{}\n]*)\}|\$\$\{/g)) {
    const name = match[2]?.trim();
    parts.push({ op: 'value', value: text.slice(end, match.index) });
    end = match.index + match[0].length;
    if (name === undefined || match[1] === '$') {
      parts.push({ op: 'value', value: match[0].slice(1) });
    } else {
      if (!Object.hasOwn(values, name)) throw new TypeError(wrongName(`mentions \${${name}}, and is given no such value`, name, Object.keys(values), path));
      parts.push(values[name]!);
      unused.delete(name);
    }
  }
  const [name] = unused;
  if (name !== undefined) throw new TypeError(wrongName(`is given '${name}', and does not mention it`, name, namesIn(text), path));
  parts.push({ op: 'value', value: text.slice(end) });
  return { op: 'template', parts: parts.filter(part => part.op !== 'value' || part.value !== '') };
}

function wrongName(what: string, name: string, names: readonly string[], path: string): string {
  const near = suggest(name, names);
  return `${path} ${what}${near === undefined ? '' : `. Did you mean '${near}'?`}`;
}

const namesIn = (text: string): string[] => [...text.matchAll(/(?<!\$)\$\{([^{}\n]*)\}/g)].map(m => m[1]!.trim());
