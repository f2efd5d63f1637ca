import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';

/** Where a file lies inside a folder, relative to it; after a plan has moved the two lie in different places, and it is found by name and content. Undefined: not in it. */
export function fileWithin(folder: string, file: string): string | undefined {
  const path = relative(folder, file);
  if (path !== '..' && !path.startsWith('../')) return path;
  const content = readFileSync(file), name = basename(file);
  return (readdirSync(folder, { recursive: true }) as string[]).find(found => basename(found) === name && readFileSync(join(folder, found)).equals(content));
}
