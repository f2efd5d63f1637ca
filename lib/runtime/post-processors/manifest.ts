import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import type { manifest } from '../../constructs/post-processors/manifest.js';
import { errors } from '../../errors.js';
import { byCodeUnit } from '../../json.js';
import { makeFolder } from '../../make-folder.js';
import type { Artifact, Context, PostProcessorDriver } from '../driver.js';
import { withLock } from '../host/lock.js';
import { packerBuildName } from '../packer-names.js';

const fail = errors('MANIFEST', {
  UNREADABLE: { message: (file: string, why: string) => `${file} is there and is no manifest: ${why}`, remedy: 'Remove it, or name another output.' },
});

/** Packer's format, its keys in this order. */
interface Entry {
  readonly name: string; readonly builder_type: string; readonly build_time?: number; readonly files: readonly { readonly name: string; readonly size: number }[] | null;
  readonly artifact_id: string; readonly packer_run_uuid: string; readonly custom_data: { readonly [key: string]: string } | null;
}
interface Manifest { readonly builds: readonly Entry[] | null; readonly last_run_uuid: string }

export default {
  effects: 'local',
  run: async (props, input, ctx) => {
    ctx.signal.throwIfAborted();
    const file = props.output, { uuid } = ctx.run;
    await makeFolder(dirname(file));
    // Targets that end at the same time add to one file.
    await withLock(`${file}.lock`, async () => {
      const before = await read(file);
      const entry: Entry = {
        name: packerBuildName(ctx.build), builder_type: ctx.build.sourceType, ...(props.stripTime ? {} : { build_time: Math.floor(Date.now() / 1000) }),
        files: filesOf(input, props.stripPath, ctx), artifact_id: input.id, packer_run_uuid: uuid, custom_data: sorted(props.customData),
      };
      // Packer empties the file then; but what is up to date in this run has its entry from an earlier one.
      const isReplaced = (old: Entry): boolean => ctx.force && old.packer_run_uuid !== uuid && old.name === entry.name && old.builder_type === entry.builder_type;
      const whole: Manifest = { builds: [...(before.builds ?? []).filter(old => !isReplaced(old)), entry], last_run_uuid: uuid };
      const fresh = `${file}.${uuid}.new`;
      try {
        await writeFile(fresh, goJson(whole), { mode: 0o664 });
        await rename(fresh, file);
      } finally {
        await rm(fresh, { force: true });
      }
    }, { signal: ctx.signal });
    return { artifact: input, keepInput: 'must', wrote: [file] };
  },
} satisfies PostProcessorDriver<typeof manifest>;

async function read(file: string): Promise<Manifest> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { if (error.code === 'ENOENT') return ''; throw error; });
  if (text.trim() === '') return { builds: [], last_run_uuid: '' };
  try {
    const parsed = JSON.parse(text) as Manifest;
    if (typeof parsed !== 'object' || parsed === null || (parsed.builds !== null && !Array.isArray(parsed.builds))) throw new TypeError('it has no list of builds');
    return parsed;
  } catch (error) {
    throw fail.UNREADABLE(file, (error as Error).message);
  }
}

/** Packer, run in its template's folder, names files relative to it. */
function filesOf(input: Artifact, stripPath: boolean, ctx: Context): Entry['files'] {
  if (input.files.length === 0) return null;
  return input.files.map(({ path, size }) => {
    const inside = relative(ctx.programFolder, path);
    return { name: stripPath ? basename(path) : inside.startsWith('..') || inside === '' ? path : inside, size };
  });
}

function sorted(data: { readonly [key: string]: string } | undefined): Entry['custom_data'] {
  return data === undefined ? null : Object.fromEntries(Object.entries(data).sort(([a], [b]) => byCodeUnit(a, b)));
}

/** As Go writes JSON: these characters are escaped, so that the text may stand in HTML. */
const goJson = (value: unknown): string => JSON.stringify(value, undefined, 2).replace(/[<>&\u2028\u2029]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
