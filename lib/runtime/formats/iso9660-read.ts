/** Takes single files out of an ISO 9660 image: a kernel and its ramdisk, without mounting anything. */
import { createWriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { errors } from '../../errors.js';

const fail = errors('ISO_READ', {
  NO_ISO: { message: (iso: string) => `${iso} is no installation disc: it has no ISO 9660 file system.` },
  NO_FILE: { message: (iso: string, path: string, there: string) => `The disc ${iso} has no file ${path}. ${there}`, remedy: 'Look at the disc\'s contents: `xorriso -indev disc.iso -find / -type f`.' },
});

interface Extent { readonly sector: number; readonly size: number; readonly isFolder: boolean; readonly names: readonly string[] }
const sectorSize = 2048;

/** Copies a file of the disc to `to`. Names are compared as the disc has them (Rock Ridge, Joliet), else without regard to capitals. */
export async function extractFromIso(iso: string, path: string, to: string): Promise<void> {
  const file = await open(iso, 'r');
  try {
    const found = await find(file, iso, path);
    const input = file.createReadStream({ start: found.sector * sectorSize, end: found.sector * sectorSize + Math.max(0, found.size - 1), autoClose: false });
    if (found.size === 0) { await open(to, 'w').then(empty => empty.close()); input.destroy(); return; }
    await pipeline(input, createWriteStream(to));
  } finally { await file.close(); }
}

async function find(file: FileHandle, iso: string, path: string): Promise<Extent> {
  const roots: { readonly root: Extent; readonly joliet: boolean }[] = [];
  for (let sector = 16; sector < 64; sector++) {
    const descriptor = await read(file, sector * sectorSize, sectorSize);
    if (descriptor.toString('latin1', 1, 6) !== 'CD001' || descriptor[0] === 255) break;
    const joliet = descriptor[0] === 2 && /^%\/[@CE]/.test(descriptor.toString('latin1', 88, 91));
    if (descriptor[0] === 1 || joliet) roots.push({ root: record(descriptor.subarray(156, 190), joliet), joliet });
  }
  if (roots.length === 0) throw fail.NO_ISO(iso);
  const parts = path.split('/').filter(p => p !== '');
  let listing = '';
  for (const { root, joliet } of roots) {
    let at: Extent | undefined = root, place = '';
    for (const part of parts) {
      const entries: readonly Extent[] = at.isFolder ? await list(file, at, joliet) : [];
      const next: Extent | undefined = entries.find(e => e.names.includes(part)) ?? entries.find(e => e.names.some(n => n.toLowerCase() === part.toLowerCase()));
      if (next === undefined) { listing ||= `In ${place || '/'} there are: ${entries.map(e => e.names[0]).slice(0, 30).join(', ') || 'no files'}.`; at = undefined; break; }
      at = next;
      place += `/${part}`;
    }
    if (at !== undefined && !at.isFolder) return at;
  }
  throw fail.NO_FILE(iso, path, listing || 'It is a folder.');
}

async function list(file: FileHandle, folder: Extent, joliet: boolean): Promise<readonly Extent[]> {
  const bytes = await read(file, folder.sector * sectorSize, folder.size), entries: Extent[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at]!;
    // No record crosses a sector: a zero ends this one.
    if (length === 0) { at = (Math.floor(at / sectorSize) + 1) * sectorSize; continue; }
    const entry = record(bytes.subarray(at, at + length), joliet);
    if (entry.names[0] !== '\0' && entry.names[0] !== '\u0001') entries.push(entry);
    at += length;
  }
  return entries;
}

function record(bytes: Buffer, joliet: boolean): Extent {
  const nameLength = bytes[32]!, raw = bytes.subarray(33, 33 + nameLength), special = nameLength === 1 && raw[0]! <= 1;
  const plain = (special ? String.fromCharCode(raw[0]!) : joliet ? Buffer.from(raw).swap16().toString('utf16le') : raw.toString('latin1')).replace(/;\d+$/, '').replace(/\.$/, '');
  const rockRidge = joliet || special ? undefined : alternateName(bytes.subarray(33 + nameLength + (nameLength % 2 === 0 ? 1 : 0)));
  return { sector: bytes.readUInt32LE(2), size: bytes.readUInt32LE(10), isFolder: (bytes[25]! & 2) !== 0, names: rockRidge === undefined ? [plain] : [rockRidge, plain] };
}

/** Rock Ridge's NM entries. */
function alternateName(area: Buffer): string | undefined {
  let name: string | undefined;
  for (let at = 0; at + 4 <= area.length;) {
    const length = area[at + 2]!;
    if (length < 4) break;
    if (area.toString('latin1', at, at + 2) === 'NM') name = (name ?? '') + area.toString('utf8', at + 5, at + length);
    at += length;
  }
  return name;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, position);
  return bytes;
}
