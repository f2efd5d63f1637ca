/** Why a target is not what it was: the first part that changed, down to the prop, the file, or what stands behind a name. */
import { canonicalJson, isObject } from '../../json.js';
import type { History, Part } from './history.js';

/** One difference. `what` completes "because": `the contents of scripts/base.sh changed`. */
export interface Change { readonly path: string; readonly field?: string; readonly what: string }

/** All differences, in the order of the parts; empty: nothing changed. `files`: where each digest's file lies, before or now. */
export function changesBetween(before: History | undefined, now: { readonly parts: readonly Part[] }, files: (digest: string) => string | undefined): Change[] {
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

function partChanges(was: Part, is: Part, files: (digest: string) => string | undefined): Change[] {
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

function valueChanges(was: unknown, is: unknown, field: string, before: Part, now: Part, files: (digest: string) => string | undefined): Change[] {
  if (canonicalJson(was ?? null) === canonicalJson(is ?? null)) return [];
  if (isObject(was) && isObject(is)) {
    if (typeof was['$file'] === 'string' && typeof is['$file'] === 'string') return fileChanges(was['$file'], is['$file'], field, before, now, files(is['$file']) ?? String(is['name']));
    if (!Object.keys({ ...was, ...is }).some(k => k.startsWith('$'))) {
      return [...new Set([...Object.keys(was), ...Object.keys(is)])].sort().flatMap(key => valueChanges(was[key], is[key], field === '' ? key : `${field}.${key}`, before, now, files));
    }
  }
  if (Array.isArray(was) && Array.isArray(is) && was.length === is.length) return is.flatMap((item, i) => valueChanges(was[i], item, `${field}[${i}]`, before, now, files));
  return [{ path: now.path, field, what: was === undefined ? `${field} was set` : is === undefined ? `${field} was taken out` : `${field} changed from ${shown(was)} to ${shown(is)}` }];
}

function fileChanges(was: string, is: string, field: string, before: Part, now: Part, place: string): Change[] {
  const [filesBefore, filesNow] = [before.folders[was], now.folders[is]];
  if (filesBefore === undefined || filesNow === undefined) return [{ path: now.path, field, what: `the contents of ${place} changed` }];
  const changed = [...new Set([...Object.keys(filesBefore), ...Object.keys(filesNow)])].sort().filter(f => filesBefore[f] !== filesNow[f]);
  if (changed.length === 0) return [{ path: now.path, field, what: `modes or links in ${place} changed` }];
  return changed.map(file => ({ path: now.path, field, what: `${place}/${file} ${filesBefore[file] === undefined ? 'is new' : filesNow[file] === undefined ? 'is gone' : 'changed'}` }));
}

function shown(value: unknown): string {
  const text = isObject(value) && typeof value['$size'] === 'number' ? `${value['$size']} bytes` : isObject(value) && typeof value['$duration'] === 'number' ? `${value['$duration']} ms` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
