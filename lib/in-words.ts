/** Planned values as a person would say them: no tags, no expressions as data. */
import { isObject } from './json.js';
import type { Expr } from './values.js';

const longest = 60;

/** A value in a few words; what is longer than a line is cut. A secret is its name. */
export function inWords(value: unknown): string {
  const text = wordsOf(value);
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

function wordsOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(wordsOf).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'nothing';
  if (value['$expr'] !== undefined) return expression(value['$expr'] as Expr);
  if (typeof value['$secret'] === 'string') return secret(value['$secret'], value['$cacheKey']);
  if (typeof value['$size'] === 'number') return `${value['$size']} bytes`;
  if (typeof value['$duration'] === 'number') return `${value['$duration']} ms`;
  if (typeof value['$file'] === 'string') return `the file ${String(value['name'] ?? value['$file'])}`;
  if (typeof value['$generated'] === 'string') return `the file ${value['$generated']}, which the run makes`;
  if (typeof value['$image'] === 'string') return `the image of ${value['$image']}`;
  return `{${Object.entries(value).map(([key, each]) => `${key}: ${wordsOf(each)}`).join(', ')}}`;
}

const secret = (name: string, cacheKey: unknown): string => `the secret ${name.replace(/^command:/, 'of the command ')}${cacheKey === undefined ? '' : ` with cacheKey ${JSON.stringify(cacheKey)}`}`;

function expression(expr: Expr): string {
  switch (expr.op) {
    case 'value': return wordsOf(expr.value);
    case 'variable': return `the variable '${expr.name}'`;
    case 'local': return `the local '${expr.name}'`;
    case 'data': return `'${expr.output}' of the data source ${expr.path}`;
    case 'output': return `the output '${expr.output}' of ${expr.of ?? expr.target}`;
    case 'call': return `${expr.function}(${expr.args.map(expression).join(', ')})`;
    case 'template': return expr.parts.map(part => (part.op === 'value' && typeof part.value === 'string' ? JSON.stringify(part.value) : expression(part))).join(' + ');
    case 'when': return `${expression(expr.then)} when ${expression(expr.condition)}, else ${expression(expr.else)}`;
    case 'time': return expr.as === 'uuid' ? "the run's uuid" : "the run's time";
    case 'host': return `the run's ${expr.name}`;
    case 'secret': return secret(expr.secret, expr.cacheKey);
    case 'template-file': return `the text of ${expr.path}`;
    case 'member': return `${expression(expr.of)}[${JSON.stringify(expr.key)}]`;
  }
}
