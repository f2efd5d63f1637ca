/** Where runs leave their logs, journals and kept machines. */
import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const stateFlags = {
  folder: { type: 'string', requiresArg: true, describe: 'Folder of the program, or of the plan; the current one when left out' },
} as const;

/** `.bake` in a folder, or beside a file. */
export function stateFolder(folder: string | undefined, cwd: string): string {
  const place = resolve(cwd, folder ?? '.');
  return join(statSync(place, { throwIfNoEntry: false })?.isFile() ? dirname(place) : place, '.bake');
}
