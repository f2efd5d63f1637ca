/** Folders with their parents. Node's own `recursive` turns in a circle for ever where a folder is there and takes none, as /proc. */
import { mkdirSync, statSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Makes a folder and those above it that are missing. Returns the uppermost that was made; undefined: it was there. Throws the system's error. */
export async function makeFolder(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException, parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) {
      if (await stat(path).then(s => s.isDirectory(), () => false)) return undefined;
      throw error;
    }
    const first = await makeFolder(parent, mode);
    // Another process may have been faster, or have taken the parent away; no second round.
    try { await mkdir(path, { mode }); } catch (again) { if (!await stat(path).then(s => s.isDirectory(), () => false)) throw again; return first; }
    return first ?? path;
  }
}

/** The same at once. */
export function makeFolderSync(path: string, mode = 0o777): string | undefined {
  const isFolder = (): boolean => { try { return statSync(path).isDirectory(); } catch { return false; } };
  try {
    mkdirSync(path, { mode });
    return path;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException, parent = dirname(path);
    if (code !== 'ENOENT' || parent === path) {
      if (isFolder()) return undefined;
      throw error;
    }
    const first = makeFolderSync(parent, mode);
    try { mkdirSync(path, { mode }); } catch (again) { if (!isFolder()) throw again; return first; }
    return first ?? path;
  }
}
