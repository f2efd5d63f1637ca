/** Discs and floppies made for the guest: what the program puts on them, and the seed with our key. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { errors } from '../../../errors.js';
import { floppyImage } from '../../formats/fat12.js';
import { iso9660 } from '../../formats/iso9660.js';
import type { Props } from './prepare.js';
import { noCloudFiles, noCloudSeed, type SeedKeys } from './seed.js';

const fail = errors('MEDIA', {
  NO_FILE: { message: (path: string) => `The file ${path}, for a disc of the guest, cannot be read.`, remedy: 'Check cd.files and floppy.files.' },
});

type Files = { [path: string]: Uint8Array | string };
/** Fills in the address of the HTTP server and the like. */
export type Fill = (text: string) => string;

/** Writes the discs into `folder`; their paths, in order. A disc of the program's own with the label `cidata` is the seed; our key is added to it as vendor data. */
export async function makeDiscs(props: Props, folder: string, instance: string, keys: SeedKeys | undefined, fill: Fill): Promise<readonly string[]> {
  const { cd, cloudInit } = props, discs: string[] = [], write = async (name: string, bytes: Uint8Array): Promise<void> => {
    const file = join(folder, name);
    await writeFile(file, bytes, { mode: 0o600 });
    discs.push(file);
  };
  const label = cd?.label ?? 'packer', isSeed = label.toLowerCase() === 'cidata';
  if (cd?.files !== undefined || cd?.content !== undefined) {
    const files: Files = { ...await contentsOf(cd.files ?? []), ...filled(cd.content ?? {}, fill) };
    if (isSeed && keys !== undefined && cloudInit?.enabled !== false) {
      const ours = noCloudFiles(instance, keys);
      files['meta-data'] ??= ours['meta-data']!;
      files['vendor-data'] ??= ours['user-data']!;
    }
    await write('cd.iso', iso9660(label, files));
    if (isSeed) return discs;
  }
  if (cloudInit?.enabled !== false && (keys !== undefined || cloudInit?.userData !== undefined || cloudInit?.networkConfig !== undefined || cloudInit?.metaData !== undefined)) {
    await write('seed.iso', noCloudSeed(instance, keys, cloudInit));
  }
  return discs;
}

/** Writes the floppy into `folder`; its path, where there is one. */
export async function makeFloppy({ floppy }: Props, folder: string, fill: Fill): Promise<string | undefined> {
  if (floppy?.files === undefined && floppy?.dirs === undefined && floppy?.content === undefined) return undefined;
  const files: Files = { ...flat(await contentsOf(floppy.files ?? [])), ...await contentsOf(floppy.dirs ?? []), ...filled(floppy.content ?? {}, fill) };
  const file = join(folder, 'floppy.img');
  await writeFile(file, floppyImage(floppy.label ?? 'packer', files), { mode: 0o600 });
  return file;
}

const filled = (content: { readonly [path: string]: string }, fill: Fill): Files => Object.fromEntries(Object.entries(content).map(([path, text]) => [path, fill(text)]));
/** Files for a floppy lie in its top folder, wherever they came from. */
const flat = (files: Files): Files => Object.fromEntries(Object.entries(files).map(([path, bytes]) => [basename(path), bytes]));

/** Each path under its own name; a folder with all that is in it, one that ends in a slash without its name. */
async function contentsOf(paths: readonly string[]): Promise<Files> {
  const files: Files = {};
  const walk = async (path: string, at: string): Promise<void> => {
    try {
      if (!(await stat(path)).isDirectory()) { files[at] = await readFile(path); return; }
      const names = await readdir(path);
      if (names.length === 0 && at !== '') files[`${at}/`] = '';
      for (const name of names.sort()) await walk(join(path, name), at === '' ? name : `${at}/${name}`);
    } catch (error) { throw (error as { code?: string }).code?.startsWith('MEDIA') ? error : fail.NO_FILE(path, { cause: error }); }
  };
  for (const path of paths) await walk(path, path.endsWith('/') ? '' : basename(path));
  return files;
}
