/** The part of Go's templates that Packer's command templates use: `{{ .Name }}`, `{{ if … }} … {{ else }} … {{ end }}`, with `eq`, `ne`, `not`, `and`, `or` over names and texts. */
import { errors, isBakeError } from '../../errors.js';
import type { PreflightProblem } from '../driver.js';

const fail = errors('TEMPLATE', {
  UNKNOWN: {
    message: (name: string, known: readonly string[]) => `The template mentions {{ .${name} }}, which is not known here.`,
    remedy: (_name: string, known: readonly string[]) => `Known are: ${known.map(name => `{{ .${name} }}`).join(', ')}.`,
    explain: 'A command template of a step names a value that this kind of step does not have.',
  },
  SYNTAX: {
    message: (text: string, what: string) => `The template cannot be read: ${what}, at '${text}'.`,
    remedy: 'Templates know {{ .Name }}, {{ if … }}, {{ else if … }}, {{ else }}, {{ end }}, eq, ne, not, and, or. Braces that are meant as they are: {{ `{{ … }}` }}.',
  },
});

export type TemplateValues = { readonly [name: string]: string | boolean };

/** Fills a template in. Throws TEMPLATE_UNKNOWN and TEMPLATE_SYNTAX. */
export function fillTemplate(template: string, values: TemplateValues): string {
  const parts = partsOf(template);
  let at = 0;
  const block = (active: boolean, inside: boolean): string => {
    let out = '';
    for (; at < parts.length; at++) {
      const part = parts[at]!;
      if (typeof part === 'string') { if (active) out += part; continue; }
      const { words } = part;
      if (/^(end|else)\b/.test(words)) {
        if (!inside) throw fail.SYNTAX(`{{ ${words} }}`, 'there is no if before it');
        return out;
      }
      if (words.startsWith('if ')) out += branch(words.slice(3), active);
      else if (!words.startsWith('/*') && active) out += String(evaluate(words, values));
    }
    if (inside) throw fail.SYNTAX(template.slice(0, 40), 'an if has no end');
    return out;
  };
  const branch = (condition: string, active: boolean): string => {
    const chosen = active && truthy(evaluate(condition, values));
    at += 1;
    const out = block(chosen, true), { words } = parts[at] as Action;
    if (words.startsWith('else if ')) return out + branch(words.slice(8), active && !chosen);
    if (words !== 'else') return out;
    at += 1;
    return out + block(active && !chosen, true);
  };
  return block(true, false);
}

/** What is wrong with a template, for preflight; nothing for one that is left out. `known`: the names that it may use. */
export function templateProblems(template: unknown, known: readonly string[], field: string): PreflightProblem[] {
  if (typeof template !== 'string') return [];
  try { fillTemplate(template, Object.fromEntries(known.map(name => [name, '']))); return []; } catch (error) {
    if (!isBakeError(error)) throw error;
    return [{ code: error.code, message: error.message, field, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) }];
  }
}

interface Action { readonly words: string }

/** Texts and actions in turn; a dash inside the braces takes the white space beside them. */
function partsOf(template: string): (string | Action)[] {
  const parts: (string | Action)[] = [];
  let from = 0, trim = false;
  const text = (to: number, trimEnd: boolean): void => {
    const raw = template.slice(from, to), left = trim ? raw.trimStart() : raw;
    parts.push(trimEnd ? left.trimEnd() : left);
  };
  for (const match of template.matchAll(/\{\{(-\s)?\s*((?:\/\*[^]*?\*\/|"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`}]|\}(?!\}))*?)\s*(\s-)?\}\}/g)) {
    text(match.index, match[1] !== undefined);
    parts.push({ words: match[2]! });
    [from, trim] = [match.index + match[0].length, match[3] !== undefined];
  }
  const rest = template.indexOf('{{', from);
  if (rest >= 0) throw fail.SYNTAX(template.slice(rest, rest + 40), 'braces are opened and not closed');
  text(template.length, false);
  return parts;
}

const truthy = (value: string | boolean): boolean => value !== false && value !== '';

/** `.Name`, `"text"`, `` `text` ``, true, false, or a function with its arguments. */
function evaluate(expression: string, values: TemplateValues): string | boolean {
  const words = [...expression.matchAll(/"((?:[^"\\]|\\.)*)"|`([^`]*)`|(\()|(\))|([^\s()"`]+)/g)];
  let at = 0;
  const one = (): string | boolean => {
    const word = words[at++];
    if (word === undefined) throw fail.SYNTAX(expression, 'something is missing');
    const [whole, quoted, raw, open, , bare] = word;
    if (open !== undefined) {
      const value = all(true);
      if (words[at++]?.[4] === undefined) throw fail.SYNTAX(expression, 'a bracket is not closed');
      return value;
    }
    if (quoted !== undefined) return quoted.replace(/\\(["\\nt])/g, (_whole, c: string) => ({ n: '\n', t: '\t' })[c] ?? c);
    if (raw !== undefined) return raw;
    if (bare === 'true' || bare === 'false') return bare === 'true';
    if (bare?.startsWith('.')) {
      const name = bare.slice(1);
      if (!Object.hasOwn(values, name)) throw fail.UNKNOWN(name, Object.keys(values));
      return values[name]!;
    }
    throw fail.SYNTAX(expression, `'${whole}' is not known`);
  };
  const all = (inside: boolean): string | boolean => {
    const name = words[at]?.[5] ?? '';
    if (!['eq', 'ne', 'not', 'and', 'or'].includes(name)) return one();
    at += 1;
    const args: (string | boolean)[] = [];
    while (at < words.length && !(inside && words[at]![4] !== undefined)) args.push(one());
    switch (name) {
      case 'eq': return args.slice(1).some(arg => arg === args[0]);
      case 'ne': return args[0] !== args[1];
      case 'not': return !truthy(args[0] ?? false);
      case 'and': return args.find(arg => !truthy(arg)) ?? args.at(-1) ?? false;
      default: return args.find(truthy) ?? args.at(-1) ?? false;
    }
  };
  const value = all(false);
  if (at < words.length) throw fail.SYNTAX(expression, `'${words[at]![0]}' is too much`);
  return value;
}
