/** Loads a kind of another package, by the module that a plan names. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errors } from '../errors.js';
import type { AnyKind } from '../kinds.js';

const fail = errors('KIND', {
  NOT_LOADED: {
    message: (key: string, module: string, why: string) => `${key} cannot be loaded from '${module}': ${why}`,
    remedy: (_key: string, module: string) => `npm install ${module.split('/').slice(0, module.startsWith('@') ? 2 : 1).join('/')}, in the version that the plan names.`,
  },
});

/** The kind among a module's exports: whichever has this key. Looked up beside the program first, then beside us. */
export async function loadKind(key: string, module: string, from: string | undefined): Promise<AnyKind> {
  let last: unknown;
  for (const place of [from, undefined]) {
    try {
      const found = place === undefined ? module : await resolveFrom(module, place);
      const exported = await import(found) as { readonly [name: string]: unknown };
      const kind = Object.values(exported).find(value => typeof value === 'object' && value !== null && (value as AnyKind).key === key);
      if (kind) return kind as AnyKind;
      last = new Error(`it exports no kind '${key}'`);
      break;
    } catch (error) {
      last = error;
    }
  }
  throw fail.NOT_LOADED(key, module, (last as Error).message, { cause: last });
}

async function resolveFrom(module: string, place: string): Promise<string> {
  try {
    return pathToFileURL(createRequire(place).resolve(module)).href;
  } catch (error) {
    // A package with nothing for `require` is found by its `import` entry only.
    const name = module.split('/').slice(0, module.startsWith('@') ? 2 : 1).join('/'), rest = `.${module.slice(name.length)}`;
    for (let folder = dirname(place); ; folder = dirname(folder)) {
      const manifest = await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8').then(JSON.parse, () => undefined) as { readonly exports?: unknown; readonly main?: string } | undefined;
      const entry = manifest && importEntry(manifest.exports, rest);
      if (entry !== undefined) return pathToFileURL(join(folder, 'node_modules', name, entry)).href;
      if (dirname(folder) === folder) throw error;
    }
  }
}

function importEntry(exports: unknown, path: string): string | undefined {
  if (typeof exports === 'string') return path === '.' ? exports : undefined;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const table = exports as { readonly [key: string]: unknown };
  const entry = Object.keys(table).some(k => k.startsWith('.')) ? table[path] : path === '.' ? table : undefined;
  if (typeof entry === 'string') return entry;
  if (typeof entry !== 'object' || entry === null) return undefined;
  const conditions = entry as { readonly [key: string]: unknown };
  return importEntry(conditions['node'] ?? conditions['import'] ?? conditions['default'], '.');
}
