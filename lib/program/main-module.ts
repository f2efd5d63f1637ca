/** Whether a module is the one that Node was started with. */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** Endings that Node and tsx add by themselves. */
const endings = ['', '.ts', '.mts', '.js', '.mjs', '/index.ts', '/index.js'];

/** The program that Node was started with, by its real path: a user's, not a tool's from node_modules. Undefined in a worker and for `node -e`. */
export function startedProgram(): string | undefined {
  const started = process.argv[1];
  if (started === undefined || !isMainThread) return undefined;
  for (const ending of endings) {
    try {
      const path = realpathSync(started + ending);
      if (/\.[cm]?[jt]sx?$/.test(path)) return /[\\/]node_modules[\\/]/.test(path) ? undefined : path;
    } catch { /* the next one */ }
  }
  return undefined;
}

export function isMainModule(meta: ImportMeta): boolean {
  if (!isMainThread) return false;
  const { main } = meta as { readonly main?: unknown };
  if (main === true) return true;
  const started = startedProgram();
  if (started === undefined || !meta.url.startsWith('file:')) return false;
  try { return realpathSync(fileURLToPath(meta.url.replace(/[?#].*$/, ''))) === started; } catch { return false; }
}
