/** Where a user wrote something: `file:line:column`, taken from the stack of an Error that a value kept. Formatted only when asked for. */
import { fileURLToPath } from 'node:url';

/** A frame of the user's own code. `file` is an absolute path. */
export interface Location { readonly file: string; readonly line: number; readonly column: number }

// This file lies in lib/ of the sources, or of dist/: what lies beside or below it is ours and never where a user wrote something.
const ours = fileURLToPath(new URL('.', import.meta.url));

/** An Error whose stack begins where `constructor` was called: with `new.target`, that is the user's own `new X(…)`, whatever X extends. */
export function placeOf(constructor: Function): Error {
  const error = new Error();
  Error.captureStackTrace(error, constructor);
  return error;
}

/** The first frame that is neither ours, nor in node_modules, nor Node's own. */
export function userLocation(error: Error): Location | undefined {
  if (!located.has(error)) located.set(error, findLocation(error));
  return located.get(error);
}
/** A component that is used in many places is looked at in each. */
const located = new WeakMap<Error, Location | undefined>();

function findLocation(error: Error): Location | undefined {
  for (const line of (error.stack ?? '').split('\n').slice(1)) {
    const match = /(?:^at (?:async )?|\()((?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])[^()]*?):(\d+):(\d+)\)?$/.exec(line.trim());
    if (!match) continue;
    const file = match[1]!.startsWith('file://') ? fileURLToPath(match[1]!.replace(/\?.*$/, '')) : match[1]!.replace(/\?.*$/, '');
    if (file.startsWith(ours) || /[\\/]node_modules[\\/]/.test(file)) continue;
    return { file, line: Number(match[2]), column: Number(match[3]) };
  }
  return undefined;
}

/** `images.ts:12:5`, relative to a folder where it lies inside. */
export function formatLocation(location: Location, folder: string): string {
  const inside = location.file.startsWith(`${folder}/`) ? location.file.slice(folder.length + 1) : location.file;
  return `${inside}:${location.line}:${location.column}`;
}
