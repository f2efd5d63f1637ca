/** What planned, tagged props mention. */
import { isObject } from './json.js';

/** The digests of files and folders, in the order in which they stand there. */
export function* filesIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* filesIn(item);
  else if (isObject(value)) {
    if (typeof value['$file'] === 'string') yield value['$file'];
    for (const item of Object.values(value)) yield* filesIn(item);
  }
}
