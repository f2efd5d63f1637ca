/** What a machine starts from: got here, and known by content, never by the place that it came from. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { errors } from '../../../errors.js';
import { fileDigest } from '../../../file-digest.js';
import type { Json } from '../../../json.js';
import { checksumText, readChecksum } from '../../network/checksum.js';
import { cachedAt, download, localPath } from '../../network/download.js';
import type { Context } from '../../driver.js';
import { discOf, imageName, machineName, type Origin, type Props, usesEfi } from './prepare.js';

const fail = errors('QEMU', {
  NO_DISK: { message: (of: string) => `The image that ${of} stands on has no disk.`, remedy: 'Build it again: its files are gone.' },
});
type Wanted = NonNullable<ReturnType<typeof discOf>>;

/** What a machine starts from, here now. */
export async function fetchOrigin(props: Props, ctx: Context): Promise<Origin> {
  const wanted = discOf(props);
  if (wanted !== undefined) return { [wanted.installs ? 'iso' : 'image']: await get(wanted, props, ctx) };
  const image = props.diskImage ?? props.from?.files[0]?.path;
  if (image === undefined) throw fail.NO_DISK(ctx.target);
  return { image };
}

/** The file's name, and nothing else of an address: a password may stand in it. */
const nameOf = (url: string): string => (URL.canParse(url) ? basename(new URL(url).pathname) : basename(url));

const get = ({ urls, checksum, extension }: Wanted, props: Props, ctx: Context): Promise<string> => download({
  urls, checksum, extension, folder: ctx.programFolder, signal: ctx.signal, target: props.isoTargetPath, skipCache: props.isoSkipCache, note: message => ctx.note(message),
  progress: (done, total) => ctx.progress(`downloading ${nameOf(urls[0]!)}`, done, total, 'bytes'),
});

/** Null: all that counts is in the plan. Undefined: not known without fetching it, and `fetch` is false; or fetched anew each time. */
export async function identify(props: Props, ctx: Context, fetch: boolean): Promise<Json | undefined> {
  const wanted = discOf(props);
  if (wanted === undefined) return null;
  const content = await contentOf(wanted, props, ctx, fetch);
  if (content === undefined || !wanted.installs) return content;
  return {
    disc: content,
    // What an installer puts on the disk depends on these; all else of the machine may change afterwards.
    machine: [machineName(props), props.diskInterface, ...(usesEfi(props) ? [props.efi?.secureBoot === true ? 'UEFI with secure boot' : 'UEFI'] : [])].join(', '),
    ...(JSON.stringify([props.boot, props.kernelBoot, props.http, props.cd, props.floppy]).includes('.Name') ? { name: imageName(props, ctx) } : {}),
  };
}

async function contentOf(wanted: Wanted, props: Props, ctx: Context, fetch: boolean): Promise<string | undefined> {
  const { urls, checksum, extension } = wanted, { programFolder: folder, signal } = ctx, [first] = urls, local = localPath(first!, folder);
  try {
    const expected = await readChecksum(checksum, basename(local ?? new URL(first!).pathname), { folder, signal });
    if (expected !== undefined) return checksumText(expected);
  } catch (error) { if (fetch) throw error; return undefined; }
  if (local === undefined && props.isoSkipCache) return undefined;
  // Nobody says what it has to be: then it is what it is.
  const file = fetch ? await get(wanted, props, ctx) : local ?? props.isoTargetPath ?? cachedAt(first!, undefined, extension), stats = await stat(file).catch(() => undefined);
  return stats === undefined ? undefined : fileDigest(file, stats);
}
