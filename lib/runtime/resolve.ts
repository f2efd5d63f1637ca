/** From planned, tagged props to the driver's: expressions have values, secrets are revealed, files are where they lie, paths absolute. */
import { existsSync, statSync, symlinkSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { errors, isBakeError, messageOf } from '../errors.js';
import { makeFolderSync } from '../make-folder.js';
import { describeExpr, evaluate, type Lookups, simplify } from '../evaluate.js';
import { type BaseImage, type FieldType, type Fields, fieldsOf } from '../fields.js';
import { fileDigest, folderDigest } from '../file-digest.js';
import { isObject, type Json, type JsonObject } from '../json.js';
import type { PlannedFile } from '../plan.js';
import { type Expr, Duration, Size, walkExpr } from '../values.js';

const fail = errors('PROPS', {
  UNKNOWN_VALUE: { message: (field: string, what: string) => `The value of '${field}' is not known: ${what}.`, remedy: 'Use values where they are known: outputs of builds that are in this plan, host values while the target runs.' },
  FILE_GONE: { message: (path: string) => `${path}, which the plan names, is not there.`, remedy: 'Bring the files along with the plan (bake synth --out makes a folder of both), or make the plan again.' },
  FILE_CHANGED: { message: (path: string) => `${path} is not what it was when the plan was made.`, remedy: 'Make the plan again, or bring the file that it was made with.' },
  NOT_IN_PLAN: { message: (digest: string) => `The plan mentions a file ${digest} and does not say where it lies.`, remedy: 'The plan is damaged: make it again.' },
  NOT_GENERATED: { message: (path: string) => `${path} should have been made by an earlier step, and is not there.`, remedy: 'Look at the step that makes it, and at the order of the steps.' },
  NO_IMAGE: { message: (target: string) => `${target}, which this target stands on, has no artifact.`, remedy: 'Build it in the same run.' },
});

/** What resolution asks of the run. */
export interface ResolveEnvironment {
  readonly lookups: Lookups;
  readonly files: { readonly [digest: string]: PlannedFile };
  /** What the plan's file paths are relative to. */
  readonly filesFolder: string;
  readonly programFolder: string;
  /** Undefined: not built yet. */
  readonly image: (target: string) => BaseImage | undefined;
  /** A private folder for links, where a file's own name is not the one that the program gave. */
  readonly linkFolder: () => string;
  /** `later`: what can only be known later is left out, and files made by the run may be missing. `host`: only what the running machine knows is left out. */
  readonly missing: 'throw' | 'later' | 'host';
}

/** Stands for "not known yet" where that is allowed. */
const later = Symbol('later');
type Resolved = unknown;

/** Resolves a component's props by its field table. Throws a PROPS_… error. */
export function resolveProps(fields: Fields, props: JsonObject, environment: ResolveEnvironment): { readonly [name: string]: unknown } {
  const out: { [name: string]: unknown } = {};
  for (const [name, field] of fieldsOf(fields)) {
    const value = props[name];
    if (value === undefined) continue;
    const resolved = resolveValue(field.type, value, name, field.fills && environment.missing === 'host' ? placeholders(environment) : environment);
    if (resolved !== later) out[name] = resolved;
  }
  return out;
}

/** What only the running machine knows becomes a mark in the text, which the driver fills in. */
function placeholders(environment: ResolveEnvironment): ResolveEnvironment {
  const { lookups } = environment;
  return { ...environment, lookups: { ...lookups, host: name => lookups.host?.(name) ?? `{{ .${name} }}` } };
}

function resolveValue(type: FieldType, value: Json, at: string, environment: ResolveEnvironment): Resolved {
  if (isObject(value)) {
    const tagged = value as JsonObject;
    if ('$expr' in tagged) return resolveExpr(type, tagged['$expr'] as unknown as Expr, at, environment);
    if ('$secret' in tagged) return resolveExpr(type, { op: 'secret', secret: tagged['$secret'] as string }, at, environment);
    if ('$file' in tagged) return resolveFile(tagged['$file'] as string, tagged['name'] as string | undefined, environment);
    if ('$generated' in tagged) return resolveGenerated(tagged['$generated'] as string, environment);
    if ('$image' in tagged) return resolveImage(tagged['$image'] as string, environment);
    if ('$size' in tagged || '$duration' in tagged) return value;
  }
  switch (type.is) {
    case 'path': case 'output-path': return typeof value === 'string' ? absolute(value, environment.programFolder) : value;
    case 'size': return typeof value === 'string' ? Size.parse(value) : typeof value === 'number' ? Size.bytes(value) : value;
    case 'duration': return typeof value === 'string' ? Duration.parse(value) : value;
    case 'list': return Array.isArray(value) ? each(value.map((item, i) => resolveValue(type.of, item as Json, `${at}[${i}]`, environment))) : value;
    case 'map': return isObject(value) ? eachMember(Object.entries(value).map(([key, item]) => [key, resolveValue(type.of, item as Json, `${at}.${key}`, environment)])) : value;
    case 'object': return isObject(value) ? resolveProps(type.fields, value as JsonObject, environment) : value;
    case 'objects': return Array.isArray(value) ? value.map(item => resolveProps(type.fields, item as JsonObject, environment)) : value;
    case 'json':
      if (Array.isArray(value)) return each(value.map((item, i) => resolveValue(type, item as Json, `${at}[${i}]`, environment)));
      return isObject(value) ? eachMember(Object.entries(value).map(([key, item]) => [key, resolveValue(type, item as Json, `${at}.${key}`, environment)])) : value;
    default: return value;
  }
}

/** One member that is only known later makes the whole so. */
const each = (items: readonly Resolved[]): Resolved => (items.includes(later) ? later : items);
const eachMember = (members: readonly (readonly [string, Resolved])[]): Resolved => (members.some(([, v]) => v === later) ? later : Object.fromEntries(members));

function resolveExpr(type: FieldType, expr: Expr, at: string, environment: ResolveEnvironment): Resolved {
  const { missing, lookups } = environment;
  let value: Json;
  try {
    if (missing !== 'throw') {
      const simplified = simplify(expr, lookups);
      if (simplified.op !== 'value' && (missing === 'later' || [...walkExpr(simplified)].some(e => e.op === 'host'))) return later;
      if (simplified.op !== 'value') throw new TypeError(`${describeExpr(simplified)} has no value yet`);
      ({ value } = simplified);
    } else {
      value = evaluate(expr, lookups);
    }
  } catch (error) {
    if (isBakeError(error)) throw error;
    throw fail.UNKNOWN_VALUE(at, messageOf(error) || describeExpr(expr), { cause: error });
  }
  return resolveValue(type, loosely(type, value), at, environment);
}

/** Values of expressions are often text where the field wants a number or a boolean. */
function loosely(type: FieldType, value: Json): Json {
  if (typeof value === 'string') {
    if ((type.is === 'integer' || type.is === 'number') && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value);
    if (type.is === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
    return value;
  }
  const text = type.is === 'string' || type.is === 'url' || type.is === 'sensitive-string' || type.is === 'secret' || type.is === 'path' || type.is === 'output-path' || type.is === 'one-of';
  return text && (typeof value === 'number' || typeof value === 'boolean') ? String(value) : value;
}

function resolveFile(digest: string, name: string | undefined, environment: ResolveEnvironment): string {
  const file = environment.files[digest];
  if (!file) throw fail.NOT_IN_PLAN(digest);
  const path = absolute(file.path, environment.filesFolder);
  verify(path, digest, file);
  const wanted = name?.replace(/[\\/]$/, '');
  const slash = name !== undefined && wanted !== name ? '/' : '';
  if (wanted === undefined || wanted === '' || basename(path) === wanted) return path + slash;
  // Two files with equal contents are one in the plan; a step that copies it goes by its name.
  const folder = join(environment.linkFolder(), digest.slice(7, 19)), link = join(folder, wanted);
  makeFolderSync(folder);
  if (!existsSync(link)) symlinkSync(path, link);
  return link + slash;
}

/** Digests are remembered by path, size, mtime and inode, so that this costs a look where nothing changed. */
function verify(path: string, digest: string, file: PlannedFile): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw fail.FILE_GONE(path);
  const now = stats.isDirectory() ? folderDigest(path) : fileDigest(path, stats);
  if (now !== digest || stats.isDirectory() !== (file.kind === 'folder')) throw fail.FILE_CHANGED(path);
}

function resolveGenerated(path: string, environment: ResolveEnvironment): Resolved {
  const place = absolute(path, environment.programFolder);
  if (existsSync(place)) return place + (/[\\/]$/.test(path) ? '/' : '');
  if (environment.missing === 'later') return later;
  throw fail.NOT_GENERATED(place);
}

function resolveImage(target: string, environment: ResolveEnvironment): Resolved {
  const image = environment.image(target);
  if (image) return image;
  if (environment.missing === 'later') return later;
  throw fail.NO_IMAGE(target);
}

function absolute(path: string, folder: string): string {
  const slash = /[\\/]$/.test(path) && path.length > 1 ? '/' : '';
  return (isAbsolute(path) ? resolve(path) : resolve(folder, path)) + slash;
}
