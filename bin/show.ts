/** Plans in words and columns. */
import { describeExpr } from '../lib/evaluate.js';
import { isObject, type Json, type JsonObject } from '../lib/json.js';
import type { Expr } from '../lib/values.js';

/** Rows in columns as wide as they need be; the last is as long as it is. */
export function columns(rows: readonly (readonly string[])[], indent = ''): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => { widths[i] = Math.max(widths[i] ?? 0, cell.length); });
  return rows.map(row => (indent + row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ')).trimEnd());
}

/** A planned value as a person would write it. */
export function showValue(value: Json): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${(value as readonly Json[]).map(showValue).join(', ')}]`;
  if (!isObject(value)) return typeof value === 'string' ? quoted(value) : String(value);
  const tagged = value as JsonObject;
  if (typeof tagged['$size'] === 'number') return size(tagged['$size']);
  if (typeof tagged['$duration'] === 'number') return duration(tagged['$duration']);
  if (typeof tagged['$secret'] === 'string') return `secret ${tagged['$secret']}`;
  if (typeof tagged['$file'] === 'string') return `${String(tagged['name'])} (${tagged['$file'].slice(0, 19)}…)`;
  if (typeof tagged['$generated'] === 'string') return `${tagged['$generated']} (made by an earlier step)`;
  if (typeof tagged['$image'] === 'string') return `the image of ${tagged['$image']}`;
  if (isObject(tagged['$expr'])) return showExpr(tagged['$expr'] as unknown as Expr);
  const members = Object.entries(tagged);
  return members.length === 0 ? '{}' : `{ ${members.map(([k, v]) => `${k}: ${showValue(v)}`).join(', ')} }`;
}

/** Text with what is not known yet in braces, as a program would write it. */
function showExpr(expr: Expr): string {
  if (expr.op !== 'template') return describeExpr(expr);
  return `\`${expr.parts.map(part => (part.op === 'value' && typeof part.value === 'string' ? JSON.stringify(part.value).slice(1, -1).replaceAll('\\"', '"') : `\${${describeExpr(part)}}`)).join('')}\``;
}

const quoted = (text: string): string => (/^[^'\n\\]*$/.test(text) ? `'${text}'` : JSON.stringify(text));

/** `40 GiB`, `1536 MiB`, `1000 bytes`. */
export function size(bytes: number): string {
  for (const [unit, n] of [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]] as const) if (bytes >= n && bytes % n === 0) return `${bytes / n} ${unit}`;
  return `${bytes} bytes`;
}

/** `1 h 30 min`, `5 min`, `500 ms`. */
export function duration(milliseconds: number): string {
  const parts: string[] = [];
  let rest = milliseconds;
  for (const [unit, n] of [['h', 3_600_000], ['min', 60_000], ['s', 1000], ['ms', 1]] as const) {
    if (rest >= n) parts.push(`${Math.floor(rest / n)} ${unit}`);
    rest %= n;
  }
  return parts.join(' ') || '0 s';
}

export const count = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`;

/** `about 3 min`, for what earlier runs took. */
export function roughly(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 1) return 'less than a second';
  return `about ${seconds < 90 ? `${seconds} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`}`;
}

/** `1.3 GiB`, for amounts on a disk. */
export function bytes(n: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'], i = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** i).toFixed(i === 0 ? 0 : 1)} ${units[i]}`;
}
