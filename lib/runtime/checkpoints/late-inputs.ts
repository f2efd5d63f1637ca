/** What a run knows of things outside a component, as texts that change when the thing does. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileDigest, folderDigest } from '../../file-digest.js';
import { canonicalJson } from '../../json.js';
import type { BaseImage } from '../../fields.js';
import type { RunState } from '../run-state.js';
import type { LateInputs } from './keys.js';

/** `missing` collects what was asked for and is not known yet: a key made meanwhile is none. */
export function lateInputs(run: RunState): LateInputs & { readonly missing: ReadonlySet<string> } {
  const missing = new Set<string>();
  const known = (name: string, value: string | undefined): string | undefined => {
    if (value === undefined) missing.add(name);
    return value;
  };
  return {
    missing,
    image: target => known(`image ${target}`, contentOf(run.images.get(target))),
    output: (target, output) => {
      const image = run.images.get(target), value = run.outputs.get(target)?.[output];
      // A path is another on every computer, what it holds is not.
      return known(`output ${target} ${output}`, image ? `${contentOf(image)} ${output}` : value === undefined ? undefined : canonicalJson(value));
    },
    data: (path, output) => {
      const value = run.data.get(path)?.[output];
      return known(`data ${path}`, value === undefined ? undefined : canonicalJson(value));
    },
    generated: path => known(`generated ${path}`, generatedDigest(resolve(run.folders.program, path))),
    secret: name => {
      const value = name.startsWith('var:') && run.plan.variables[name.slice(4)]?.type !== 'secret' ? run.secrets.get(name) : undefined;
      return value === undefined ? undefined : createHash('sha256').update(`sensitive\n${value}`).digest('hex');
    },
  };
}

/** An image by its content where it has files, else by its id, which platforms never use twice. */
function contentOf(image: BaseImage | undefined): string | undefined {
  if (image === undefined) return undefined;
  return image.files.length > 0 ? image.files.map(f => f.digest).sort().join(' ') : image.id;
}

function generatedDigest(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? folderDigest(path) : fileDigest(path);
}
