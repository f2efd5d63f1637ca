/**
 * images.lock: what data sources said when they were last asked, so that a build tomorrow uses what today's used. Belongs into version
 * control. Only `bake update` asks again; a source whose props changed is asked anew. Secret outputs are never in it.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { errors, exitCodes } from '../errors.js';
import { canonicalJson, isObject, type Json } from '../json.js';

export const lockFormat = 'imagebake/lock/1';
export const lockFileName = 'images.lock';

const fail = errors('LOCK', {
  UNREADABLE: { message: (file: string, why: string) => `${file} cannot be read: ${why}`, remedy: 'Take it from version control again, or remove it and run bake update.', exit: exitCodes.problems },
  OTHER_FORMAT: { message: (file: string, found: string) => `${file} has the format ${found}, and this version reads ${lockFormat}.`, remedy: 'Use the version of imagebake that wrote it, or remove it and run bake update.', exit: exitCodes.problems },
  NOT_WRITABLE: { message: (file: string, why: string) => `${file} cannot be written: ${why}`, remedy: 'Look at the permissions and the space there.' },
});

/** What one data source said. */
export interface LockEntry {
  readonly kind: string;
  /** Digest of what it was asked. */
  readonly asked: string;
  readonly outputs: { readonly [name: string]: Json };
}
export type LockEntries = { readonly [path: string]: LockEntry };

/** The entries of a lock file; none where there is no file. Throws LOCK_UNREADABLE and LOCK_OTHER_FORMAT. */
export function readLock(file: string): LockEntries {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    throw fail.UNREADABLE(file, code ?? message, { cause: error });
  }
  const format = isObject(value) ? value['format'] : undefined;
  if (format !== lockFormat) throw fail.OTHER_FORMAT(file, format === undefined ? 'of no lock file' : JSON.stringify(format));
  const entries = (value as { readonly data?: unknown }).data;
  if (!isObject(entries) || !Object.values(entries).every(isEntry)) throw fail.UNREADABLE(file, 'an entry is not what it should be');
  return entries as LockEntries;
}

const isEntry = (value: unknown): value is LockEntry => isObject(value) && typeof value['kind'] === 'string' && typeof value['asked'] === 'string' && isObject(value['outputs']);

/** Writes the entries, sorted; the file is either the old one or the new one at any moment. Without entries there is no file. */
export function writeLock(file: string, entries: LockEntries): void {
  try {
    if (Object.keys(entries).length === 0) return rmSync(file, { force: true });
    const temporary = `${file}.${randomBytes(4).toString('hex')}`;
    writeFileSync(temporary, `${canonicalJson({ format: lockFormat, data: entries }, 2)}\n`);
    renameSync(temporary, file);
  } catch (error) {
    throw fail.NOT_WRITABLE(file, (error as NodeJS.ErrnoException).code ?? (error as Error).message, { cause: error });
  }
}
