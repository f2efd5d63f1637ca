/** Paths of a program as a template finds them. */
import { relative } from 'node:path';
import type { Ref } from '../values.js';

/** The program's folder, and the folder that the template will lie in. */
export interface Folders { readonly folder: string; readonly out: string }

/**
 * A path, relative to the program's folder, from the template's: as it is where both are one folder, else beginning with the template's own.
 * URLs and paths outside of the program's folder stay.
 */
export function templatePath(path: string, { folder, out }: Folders, escape: (text: string) => string = text => text): string | Ref<string> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return path;
  const inside = path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
  if (inside.startsWith('/') || out === folder) return escape(inside);
  const up = relative(out, folder);
  return { $expr: { op: 'template', parts: [{ op: 'host', name: 'templateFolder' }, { op: 'value', value: escape(`/${up === '' ? '' : `${up}/`}${inside}`) }] } };
}
