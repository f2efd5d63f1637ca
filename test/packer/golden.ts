/** The programs in golden/, with what their templates need beside them to be valid. */
import { readdirSync } from 'node:fs';
import type { App } from '../../lib/index.js';

export interface Golden {
  readonly name: string;
  readonly app: App;
  /** Files that the template names. */
  readonly files: { readonly [name: string]: string };
  /** Values for variables without a default. */
  readonly vars: { readonly [name: string]: string };
  readonly env: { readonly [name: string]: string };
  /** Packer asks a server on the network when it validates: only names and types can be judged. */
  readonly asksNetwork: boolean;
  /** It uses what Packer 1.6.6 does not have: only a newer one can judge it. */
  readonly needsNewer: boolean;
}

const folder = new URL('./golden/', import.meta.url);
export const goldens: readonly Golden[] = await Promise.all(readdirSync(folder).filter(f => f.endsWith('.ts')).sort().map(async (file): Promise<Golden> => {
  const module = await import(new URL(file, folder).href) as Partial<Golden> & { readonly app: App };
  return { name: file.slice(0, -3), app: module.app, files: module.files ?? {}, vars: module.vars ?? {}, env: module.env ?? {}, asksNetwork: module.asksNetwork ?? false, needsNewer: module.needsNewer ?? false };
}));
