/** Why a target is not what it was: the first part that changed, down to the prop, the file, or what stands behind a name. */
import { join } from 'node:path';
import { canonicalJson, isObject } from '../../json.js';
import { inWords } from '../../in-words.js';
import type { History, Part } from './history.js';

/** One difference. `what` completes "because": `the contents of scripts/base.sh changed`. */
export interface Change { readonly path: string; readonly field?: string; readonly what: string }

/** All differences, in the order of the parts; empty: nothing changed. */
export function changesBetween(before: History | undefined, now: { readonly parts: readonly Part[] }, files: FilesNow): Change[] {
  if (before === undefined) return [{ path: '', what: 'it was never built here' }];
  const changes: Change[] = [];
  const [source, ...steps] = now.parts, [sourceBefore, ...stepsBefore] = before.parts;
  if (source && sourceBefore) changes.push(...partChanges(sourceBefore, source, files));
  for (let i = 0; i < Math.max(steps.length, stepsBefore.length); i++) {
    const [was, is] = [stepsBefore[i], steps[i]];
    if (was === undefined) { changes.push({ path: is!.path, what: 'this step is new, or was not reached the last time' }); continue; }
    if (is === undefined) { changes.push({ path: was.path, what: 'this step is gone' }); continue; }
    if (was.kind !== is.kind) { changes.push({ path: is.path, what: steps.some(s => s.path === was.path) || stepsBefore.some(s => s.path === is.path) ? 'the order of the steps changed' : `a ${is.kind.replace('/', ' ')} stands here, where a ${was.kind.replace('/', ' ')} stood` }); continue; }
    changes.push(...partChanges(was, is, files));
  }
  return changes;
}

function partChanges(was: Part, is: Part, files: FilesNow): Change[] {
  const changes: Change[] = [];
  if (canonicalJson(was.own) !== canonicalJson(is.own)) changes.push(...valueChanges(was.props, is.props, '', was, is, files));
  for (const name of new Set([...Object.keys(was.late), ...Object.keys(is.late)])) {
    if (was.late[name] === is.late[name]) continue;
    changes.push({ path: is.path, what: name === 'identity' ? `what it starts from is another: ${was.late[name] ?? 'unknown'} then, ${is.late[name] ?? 'unknown'} now` : `${lateName(name)} changed` });
  }
  return changes;
}

function lateName(name: string): string {
  const [kind, ...rest] = name.split(' ');
  switch (kind) {
    case 'image': return `the image of ${rest[0]}`;
    case 'output': return `the output '${rest[1]}' of ${rest[0]}`;
    case 'data': return `the data source ${rest[0]}`;
    case 'generated': return `the contents of ${rest.join(' ')}`;
    case 'secret': return `the variable '${rest[0]!.slice(4)}'`;
    default: return name;
  }
}

/** Where the files are now: their names for people, and what the digest of one (or of one inside a folder) were, had it another mode. */
export interface FilesNow {
  name(digest: string): string | undefined;
  digestWithMode?(digest: string, inside: string, mode: number): string | undefined;
}

function valueChanges(was: unknown, is: unknown, field: string, before: Part, now: Part, files: FilesNow): Change[] {
  if (canonicalJson(was ?? null) === canonicalJson(is ?? null)) return [];
  const change = (what: string): Change[] => [{ path: now.path, field, what }];
  if (isObject(was) && isObject(is)) {
    if (typeof was['$file'] === 'string' && typeof is['$file'] === 'string') return fileChanges(was['$file'], is['$file'], field, before, now, files);
    if (!Object.keys({ ...was, ...is }).some(k => k.startsWith('$'))) {
      return [...new Set([...Object.keys(was), ...Object.keys(is)])].sort().flatMap(key => valueChanges(was[key], is[key], field === '' ? key : `${field}.${key}`, before, now, files));
    }
  }
  if (Array.isArray(was) && Array.isArray(is)) {
    if (was.length === is.length) return is.flatMap((item, i) => valueChanges(was[i], item, `${field}[${i}]`, before, now, files));
    const [from, gone, come] = difference(was, is);
    if (gone === 0) return is.slice(from, from + come).map((item, i) => ({ path: now.path, field: `${field}[${from + i}]`, what: `${field}[${from + i}] is new: ${inWords(item)}` }));
    if (come === 0) return was.slice(from, from + gone).map((item, i) => ({ path: now.path, field: `${field}[${from + i}]`, what: `${field}[${from + i}] is gone: it was ${inWords(item)}` }));
  }
  return change(was === undefined ? `${field} was set to ${inWords(is)}` : is === undefined ? `${field} was taken out: it was ${inWords(was)}` : `${field} changed from ${inWords(was)} to ${inWords(is)}`);
}

/** Where two lists begin to differ, and how many items of each are others. */
function difference(was: readonly unknown[], is: readonly unknown[]): readonly [number, number, number] {
  const same = (a: unknown, b: unknown): boolean => canonicalJson(a ?? null) === canonicalJson(b ?? null), shorter = Math.min(was.length, is.length);
  let start = 0, end = 0;
  while (start < shorter && same(was[start], is[start])) start++;
  while (end < shorter - start && same(was.at(-1 - end), is.at(-1 - end))) end++;
  return [start, was.length - start - end, is.length - start - end];
}

function fileChanges(was: string, is: string, field: string, before: Part, now: Part, files: FilesNow): Change[] {
  const [then, today] = [before.folders[was], now.folders[is]], place = files.name(is) ?? field, change = (what: string): Change => ({ path: now.path, field, what });
  if (then === undefined || today === undefined) return [change(`the contents of ${place} changed`)];
  const changed = [...new Set([...Object.keys(then), ...Object.keys(today)])].sort().filter(f => then[f] !== today[f]);
  if (changed.length === 0) return [change(`what ${place} is changed`)];
  return changed.map(inside => {
    const path = inside === '' ? place : join(place, inside), [a, b] = [then[inside], today[inside]];
    if (a === undefined) return change(`${path} is new`);
    if (b === undefined) return change(`${path} is gone`);
    const [modeThen = '', digestThen] = a.split(' '), [modeNow = '', digestNow] = b.split(' ');
    if (a.startsWith('link ') || b.startsWith('link ')) return change(`${path} was ${kindOf(a)}, and is ${kindOf(b)}`);
    if (modeThen === modeNow) return change(`the contents of ${path} changed`);
    const mode = `from ${modeThen} to ${modeNow}`;
    const alone = digestThen === undefined || files.digestWithMode?.(is, inside, Number.parseInt(modeThen, 8)) === digestThen;
    return change(alone ? `the mode of ${path} changed ${mode}` : digestNow === undefined ? `${path} was ${kindOf(a)}, and is ${kindOf(b)}` : `the contents of ${path} changed, and its mode ${mode}`);
  });
}

const kindOf = (entry: string): string => (entry.startsWith('link ') ? `a link to ${entry.slice(5)}` : entry.includes(' ') ? 'a file' : 'a folder');
