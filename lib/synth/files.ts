/** The files and folders that a program names. */
import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { fileDigest, folderDigest, portableMode } from '../file-digest.js';
import type { PlannedFile } from '../plan.js';
import { suggest } from '../suggest.js';

/** The tagged form of a file, or what is wrong with it. */
type Added = { readonly tag: { readonly $file: string; readonly name: string } } | { readonly wrong: string; readonly remedy: string };

/** Collects what the components of one program name. */
export class FileCollector {
  /** digest -> the first place it was found at. */
  readonly files = new Map<string, PlannedFile & { readonly absolute: string }>();
  private readonly added = new Map<string, Added>();
  private readonly texts = new Map<string, string>();
  constructor(readonly folder: string) {}

  /** The text of a template file. Throws a TypeError that says in words what is wrong. */
  text(path: string): string {
    const absolute = resolve(this.folder, path);
    let text = this.texts.get(absolute);
    if (text === undefined) {
      try {
        text = readFileSync(absolute, 'utf8');
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        throw new TypeError(code === 'ENOENT' ? `there is no file '${path}'` : code === 'EISDIR' ? `'${path}' is a folder where a file is needed` : `'${path}' cannot be read (${code ?? 'unknown error'})`);
      }
      this.texts.set(absolute, text);
    }
    return text;
  }

  /** The tagged form of a path that exists; `kind` is what the field takes. Says in words what is wrong otherwise. */
  add(path: string, kind: 'file' | 'folder' | 'any'): Added {
    const key = `${kind} ${path}`, before = this.added.get(key);
    if (before !== undefined) return before;
    const result = this.look(path, kind);
    this.added.set(key, result);
    return result;
  }

  private look(path: string, kind: 'file' | 'folder' | 'any'): Added {
    const absolute = resolve(this.folder, path);
    let stats: Stats;
    try {
      stats = statSync(absolute);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      return code === 'ENOENT' || code === 'ENOTDIR'
        ? { wrong: `there is no file or folder '${path}'`, remedy: `${didYouMean(path, absolute)}It was looked for at ${shownPath(absolute, this.folder)}. Paths are relative to the program's folder; a file that an earlier step makes is written generated('${path}').` }
        : { wrong: `'${path}' cannot be read (${code ?? 'unknown error'})`, remedy: 'Make it readable for the user who runs this.' };
    }
    const is = stats.isDirectory() ? 'folder' : stats.isFile() ? 'file' : undefined;
    if (is === undefined) return { wrong: `'${path}' is neither a file nor a folder`, remedy: 'Name a regular file or a folder.' };
    if (kind !== 'any' && kind !== is) return { wrong: `'${path}' is a ${is} where a ${kind} is needed`, remedy: `Name a ${kind}.` };
    try {
      const digest = is === 'file' ? fileDigest(absolute, stats) : folderDigest(absolute);
      if (!this.files.has(digest)) {
        this.files.set(digest, { path: relative(this.folder, absolute) || '.', kind: is, size: is === 'file' ? stats.size : 0, mode: portableMode(stats.mode), absolute });
      }
      // A trailing slash means "what is inside" to the provisioners that copy folders, so the name keeps it.
      return { tag: { $file: digest, name: basename(absolute) + (is === 'folder' && /[\\/]$/.test(path) ? '/' : '') } };
    } catch (error) {
      return { wrong: `'${path}' cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`, remedy: 'Make it readable for the user who runs this.' };
    }
  }
}

/** A sibling of nearly the same name. */
function didYouMean(path: string, absolute: string): string {
  try {
    const near = suggest(basename(absolute), readdirSync(dirname(absolute)));
    return near === undefined ? '' : `Did you mean '${path.slice(0, path.length - basename(path).length)}${near}'? `;
  } catch {
    return '';
  }
}

const shownPath = (absolute: string, folder: string): string => {
  const inside = relative(folder, absolute);
  return inside === '' || inside.startsWith('..') ? absolute : inside;
};
