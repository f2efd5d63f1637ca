/** Disk images through qemu-img: looking, making overlays, resizing, flattening. */
import { constants } from 'node:fs';
import { chmod, copyFile, open, stat } from 'node:fs/promises';
import { errors } from '../../../errors.js';
import type { Size } from '../../../values.js';
import { describeExit, runProcess } from '../../host/process.js';
import { chainNode, type Layer } from './command-line.js';

const fail = errors('DISK', {
  TOOL: {
    message: (action: string, file: string, words: string) => `qemu-img could not ${action} ${file}: ${words}.`,
    explain: 'qemu-img\'s own words follow the colon. "No space left on device" means the file system of the output folder is full.',
  },
  SMALLER: {
    message: (file: string, has: string, wanted: string) => `${file} is ${has}, and diskSize is only ${wanted}.`,
    remedy: 'A disk can only grow. Leave diskSize out to keep the size, or make the disk smaller inside the guest first.',
  },
});

export interface ImageInfo { readonly format: string; readonly virtualSize: number; readonly actualSize: number; readonly backingFile?: string }

/** Runs qemu-img and gives what it prints; `action` and `file` are for the message when it fails. */
export async function qemuImg(args: readonly string[], about: { readonly action: string; readonly file: string; readonly signal?: AbortSignal; readonly progress?: (percent: number) => void }): Promise<string> {
  let out = '', err = '';
  const exit = await runProcess('qemu-img', args, {
    signal: about.signal,
    stdout: chunk => {
      out += chunk.toString('utf8');
      const percent = about.progress === undefined ? null : /\((\d+\.\d+)\/100%\)\s*$/.exec(out);
      if (percent !== null) { about.progress!(Number(percent[1])); out = ''; }
    },
    stderr: chunk => { err += chunk.toString('utf8'); },
  });
  if (exit.how === 'exited' && exit.code === 0) return out;
  throw fail.TOOL(about.action, about.file, wordsOf(err) || describeExit(exit));
}
const wordsOf = (stderr: string): string => stderr.trim().replace(/^qemu-img: /gm, '').split('\n')[0]!.replace(/\.$/, '');

/** What an image is, also while a machine uses it. */
export async function imageInfo(file: string, signal?: AbortSignal): Promise<ImageInfo> {
  const info = JSON.parse(await qemuImg(['info', '-U', '--output=json', file], { action: 'read', file, ...(signal ? { signal } : {}) })) as { format: string; 'virtual-size': number; 'actual-size': number; 'full-backing-filename'?: string };
  return { format: info.format, virtualSize: info['virtual-size'], actualSize: info['actual-size'], ...(info['full-backing-filename'] === undefined ? {} : { backingFile: info['full-backing-filename'] }) };
}

/** Makes an empty qcow2 file: a new disk, or a layer for one (what lies under it is said where it is used). `size` in bytes. */
export async function makeDisk(file: string, size: number, more: readonly string[] = []): Promise<void> {
  await qemuImg(['create', '-q', '-f', 'qcow2', ...more, file, String(size)], { action: 'make', file });
}

/** The size that a disk gets: the image's own, or the larger one asked for. */
export function sizeFor(file: string, image: ImageInfo, asked: Size | undefined): number {
  if (asked === undefined) return image.virtualSize;
  if (asked.$size < image.virtualSize) throw fail.SMALLER(file, inUnits(image.virtualSize), inUnits(asked.$size));
  return asked.$size;
}

export interface FlattenOptions {
  readonly format: string;
  readonly compression?: 'zlib' | 'zstd' | undefined;
  /** Further arguments of `qemu-img convert`. */
  readonly more?: readonly string[] | undefined;
  /** Keep this backing file instead of taking its contents in. */
  readonly backing?: { readonly path: string; readonly format: string } | undefined;
  readonly signal?: AbortSignal;
  readonly progress?: (percent: number) => void;
}

/** Writes one file out of a disk's layers, bottom first. */
export async function flatten(layers: readonly Layer[], to: string, options: FlattenOptions): Promise<void> {
  const about = { action: 'write', file: to, ...(options.signal ? { signal: options.signal } : {}), ...(options.progress ? { progress: options.progress } : {}) };
  const own = options.backing === undefined ? [] : layers.slice(1);
  // `convert -B` takes only the uppermost layer: with more of them, each is committed onto a copy of the lowest.
  if (options.backing !== undefined && own.length > 1) return mergeOnto(options.backing, own, to, about);
  const compressed = options.compression !== undefined && options.format === 'qcow2';
  await qemuImg(['convert', '-p', '-O', options.format,
    // Written out of order and by many threads: several times faster where it is compressed.
    ...(compressed ? ['-c', '-W', '-m', '16', ...(options.compression === 'zstd' ? ['-o', 'compression_type=zstd'] : [])] : []),
    ...(options.backing === undefined ? [] : ['-B', options.backing.path, '-F', options.backing.format]),
    ...(options.more ?? []), `json:${JSON.stringify(chainNode(layers))}`, to], about);
}

async function mergeOnto(backing: Layer, [lowest, ...upper]: readonly Layer[], to: string, about: { readonly action: string; readonly file: string; readonly signal?: AbortSignal }): Promise<void> {
  await copyFile(lowest!.path, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o644);
  await qemuImg(['rebase', '-u', '-b', backing.path, '-F', backing.format, to], about);
  // `-d`: the layers may be in the store, and stay as they are.
  for (const layer of upper) await qemuImg(['commit', '-q', '-d', `json:${JSON.stringify(chainNode([backing, { path: to, format: 'qcow2' }, layer]))}`], about);
}

/** Why a file that qemu-img takes for a raw disk is none; nothing where it may be one. qemu-img itself takes any file for one. */
export async function whyNotDisk(file: string): Promise<{ readonly message: string; readonly remedy: string } | undefined> {
  const head = Buffer.alloc(36_864), handle = await open(file, 'r');
  let length: number;
  try { length = (await handle.read(head, 0, head.length, 0)).bytesRead; } finally { await handle.close(); }
  const { size } = await stat(file);
  const starts = (...bytes: number[]): boolean => bytes.every((b, i) => head[i] === b);
  const packed = starts(0x1f, 0x8b) ? 'gzip' : starts(0xfd, 0x37, 0x7a, 0x58, 0x5a) ? 'xz' : starts(0x28, 0xb5, 0x2f, 0xfd) ? 'zstd' : starts(0x42, 0x5a, 0x68) ? 'bzip2' : starts(0x50, 0x4b, 3, 4) ? 'zip' : undefined;
  if (packed !== undefined) return { message: `is compressed (${packed})`, remedy: 'Unpack it first.' };
  const bootable = length >= 512 && head[510] === 0x55 && head[511] === 0xaa;
  if (!bootable && head.toString('latin1', 32_769, 32_774) === 'CD001') return { message: 'is an installation disc (ISO 9660)', remedy: 'Boot from it with isoUrl instead of diskImage.' };
  if (size === 0) return { message: 'is empty', remedy: 'Give the path of a disk image (qcow2, raw, vmdk, vdi, vhdx).' };
  // eslint-disable-next-line no-control-regex
  const isText = !/[\u0000-\u0008\u000e-\u001a]/.test(head.toString('latin1', 0, Math.min(length, 512)));
  if (isText) return { message: `is text (it begins with ${JSON.stringify(head.toString('utf8', 0, Math.min(length, 24)))})`, remedy: 'Give the path of a disk image (qcow2, raw, vmdk, vdi, vhdx). A download that failed often leaves an error page.' };
  if (size % 512 !== 0) return { message: `is no disk image: its size (${size} bytes) is no multiple of 512`, remedy: 'Give the path of a disk image (qcow2, raw, vmdk, vdi, vhdx).' };
  return undefined;
}

/** `2 GiB`, `512 MiB`, `1536 bytes`: exact. */
export function inUnits(bytes: number): string {
  for (const [unit, size] of [['TiB', 1024 ** 4], ['GiB', 1024 ** 3], ['MiB', 1024 ** 2], ['KiB', 1024]] as const) if (bytes >= size && (bytes * 100) % size === 0) return `${bytes / size} ${unit}`;
  return `${bytes} bytes`;
}
