/**
 * Writes ISO 9660 images with Joliet names: cloud-init seeds, answer files, driver folders. Linux and Windows read the Joliet tree;
 * the plain tree beside it has short names. Nothing of the clock is in it: equal input gives equal bytes.
 */
import { byCodeUnit } from '../../json.js';
import { errors } from '../../errors.js';

const fail = errors('ISO', {
  LABEL: { message: (label: string) => `'${label}' is too long for a volume label.`, remedy: 'Use at most 16 characters.', explain: 'Joliet stores 16 characters of a label.' },
  NAME: { message: (name: string) => `'${name}' cannot be the name of a file on the disc.`, remedy: 'Use names without * : ; ? \\ and control characters, of at most 64 characters.' },
  CLASH: { message: (name: string) => `'${name}' is on the disc twice, once as a file and once as a folder.` },
});

const sectorSize = 2048;

interface Entry { readonly name: string; readonly children?: Entry[]; readonly data?: Uint8Array; sector: number; shortName: string }
interface Folder { readonly entry: Entry; readonly parent: Folder | undefined; readonly number: number; sector: number; size: number }

/**
 * Makes an image. `files`: path on the disc (`user-data`, `drivers/net.inf`) -> contents; a path that ends in `/` is an empty folder.
 * `label`: at most 16 characters.
 */
export function iso9660(label: string, files: { readonly [path: string]: Uint8Array | string }): Uint8Array {
  if (label.length > 16) throw fail.LABEL(label);
  const root = tree(files);
  shortNames(root);
  const folders = foldersOf(root);

  // Two trees of folders, then the contents, which both trees point to.
  let next = 19 + 4;
  const trees = [false, true].map(joliet => ({ joliet, folders: folders.map(folder => ({ ...folder })) }));
  const tables = trees.map(({ joliet, folders }) => Math.ceil(folders.reduce((sum, f) => sum + 8 + even(nameOf(f.entry, joliet, f.parent === undefined).length), 0) / sectorSize));
  next = 19 + 2 * tables[0]! + 2 * tables[1]!;
  for (const { joliet, folders } of trees) for (const folder of folders) {
    folder.sector = next;
    folder.size = directory(folder.entry, joliet, () => 0).length;
    next += folder.size / sectorSize;
  }
  const contents: Entry[] = folders.flatMap(f => f.entry.children!.filter(c => c.data !== undefined));
  for (const entry of contents) {
    entry.sector = entry.data!.length === 0 ? 0 : next;
    next += Math.ceil(entry.data!.length / sectorSize);
  }

  const image = Buffer.alloc(next * sectorSize);
  let table = 19;
  trees.forEach(({ joliet, folders }, i) => {
    const little = table, big = table + tables[i]!;
    table += 2 * tables[i]!;
    const bytes = [true, false].map(isLittle => pathTable(folders, joliet, isLittle));
    image.set(bytes[0]!, little * sectorSize);
    image.set(bytes[1]!, big * sectorSize);
    image.set(descriptor(label, joliet, { sectors: next, tableSize: bytes[0]!.length, little, big, root: folders[0]! }), (16 + i) * sectorSize);
    const byEntry = new Map(folders.map(f => [f.entry, f]));
    for (const folder of folders) {
      const parent = byEntry.get((folder.parent ?? folder).entry)!;
      image.set(directory(folder.entry, joliet, which => which === 'self' ? folder : which === 'parent' ? parent : byEntry.get(which)!), folder.sector * sectorSize);
    }
  });
  image.set([255, ...Buffer.from('CD001', 'latin1'), 1], 18 * sectorSize);
  for (const entry of contents) image.set(entry.data!, entry.sector * sectorSize);
  return image;
}

function tree(files: { readonly [path: string]: Uint8Array | string }): Entry {
  const root: Entry = { name: '', children: [], sector: 0, shortName: '' };
  for (const path of Object.keys(files).sort(byCodeUnit)) {
    const parts = path.split('/').filter(p => p !== '' && p !== '.');
    const isFolder = path.endsWith('/');
    let at = root;
    parts.forEach((name, i) => {
      // eslint-disable-next-line no-control-regex
      if (name === '..' || name.length > 64 || /[*:;?\\\u0000-\u001f]/.test(name)) throw fail.NAME(name);
      const known = at.children!.find(c => c.name === name);
      if (i < parts.length - 1 || isFolder) {
        if (known?.data !== undefined) throw fail.CLASH(name);
        const folder = known ?? { name, children: [], sector: 0, shortName: '' };
        if (known === undefined) at.children!.push(folder);
        at = folder;
      } else {
        if (known !== undefined) throw fail.CLASH(name);
        const contents = files[path]!;
        at.children!.push({ name, data: typeof contents === 'string' ? Buffer.from(contents, 'utf8') : contents, sector: 0, shortName: '' });
      }
    });
  }
  return root;
}

/** 8.3, capitals, digits and underscores, unique in their folder. */
function shortNames(folder: Entry): void {
  const taken = new Set<string>();
  for (const child of folder.children!) {
    const plain = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_]/g, '_');
    const dot = child.children === undefined ? child.name.lastIndexOf('.') : -1;
    const stem = plain(dot > 0 ? child.name.slice(0, dot) : child.name), extension = dot > 0 ? plain(child.name.slice(dot + 1)).slice(0, 3) : '';
    const whole = (s: string): string => child.children !== undefined ? s : `${s}.${extension};1`;
    let name = whole(stem.slice(0, 8));
    for (let n = 1; taken.has(name); n++) name = whole(`${stem.slice(0, 8 - String(n).length - 1)}_${n}`);
    taken.add(name);
    child.shortName = name;
    if (child.children !== undefined) shortNames(child);
  }
}

/** Breadth first, as path tables want them. */
function foldersOf(root: Entry): Folder[] {
  const folders: Folder[] = [{ entry: root, parent: undefined, number: 1, sector: 0, size: 0 }];
  for (let i = 0; i < folders.length; i++) {
    const parent = folders[i]!;
    for (const entry of parent.entry.children!.filter(c => c.children !== undefined)) folders.push({ entry, parent, number: folders.length + 1, sector: 0, size: 0 });
  }
  return folders;
}

const even = (n: number): number => n + (n & 1);
const ucs2 = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
function nameOf(entry: Entry, joliet: boolean, isRoot: boolean): Buffer {
  if (isRoot) return Buffer.from([0]);
  return joliet ? ucs2(entry.children === undefined ? `${entry.name};1` : entry.name) : Buffer.from(entry.shortName, 'latin1');
}

function both16(buffer: Buffer, at: number, n: number): void { buffer.writeUInt16LE(n, at); buffer.writeUInt16BE(n, at + 2); }
function both32(buffer: Buffer, at: number, n: number): void { buffer.writeUInt32LE(n, at); buffer.writeUInt32BE(n, at + 4); }

/** 1 January 2000, UTC. */
const date = [100, 1, 1, 0, 0, 0, 0];

function record(name: Buffer, sector: number, size: number, isFolder: boolean): Buffer {
  const out = Buffer.alloc(even(33 + name.length));
  out[0] = out.length;
  both32(out, 2, sector);
  both32(out, 10, size);
  out.set(date, 18);
  out[25] = isFolder ? 2 : 0;
  both16(out, 28, 1);
  out[32] = name.length;
  out.set(name, 33);
  return out;
}

type Placed = { readonly sector: number; readonly size: number };
function directory(folder: Entry, joliet: boolean, placeOf: (which: Entry | 'self' | 'parent') => Placed | 0): Buffer {
  const place = (which: Entry | 'self' | 'parent'): Placed => placeOf(which) || { sector: 0, size: 0 };
  const children = folder.children!.map(entry => ({ entry, name: nameOf(entry, joliet, false) })).sort((a, b) => Buffer.compare(a.name, b.name));
  const self = place('self'), parent = place('parent');
  const records = [record(Buffer.from([0]), self.sector, self.size, true), record(Buffer.from([1]), parent.sector, parent.size, true)];
  for (const { entry, name } of children) {
    const at = entry.children === undefined ? { sector: entry.sector, size: entry.data!.length } : place(entry);
    records.push(record(name, at.sector, at.size, entry.children !== undefined));
  }
  const sectors: Buffer[] = [];
  let sector = Buffer.alloc(sectorSize), used = 0;
  for (const bytes of records) {
    // No record crosses a sector.
    if (used + bytes.length > sectorSize) { sectors.push(sector); sector = Buffer.alloc(sectorSize); used = 0; }
    sector.set(bytes, used);
    used += bytes.length;
  }
  return Buffer.concat([...sectors, sector]);
}

function pathTable(folders: readonly Folder[], joliet: boolean, isLittle: boolean): Buffer {
  return Buffer.concat(folders.map(folder => {
    const name = nameOf(folder.entry, joliet, folder.parent === undefined);
    const out = Buffer.alloc(8 + even(name.length));
    out[0] = name.length;
    if (isLittle) { out.writeUInt32LE(folder.sector, 2); out.writeUInt16LE(folder.parent?.number ?? 1, 6); }
    else { out.writeUInt32BE(folder.sector, 2); out.writeUInt16BE(folder.parent?.number ?? 1, 6); }
    out.set(name, 8);
    return out;
  }));
}

function descriptor(label: string, joliet: boolean, at: { readonly sectors: number; readonly tableSize: number; readonly little: number; readonly big: number; readonly root: Placed }): Buffer {
  const out = Buffer.alloc(sectorSize);
  const put = (offset: number, length: number, text: string): void => {
    const bytes = joliet ? ucs2(text.padEnd(length / 2 | 0)) : Buffer.from(text.padEnd(length), 'latin1');
    out.set(bytes.subarray(0, length), offset);
  };
  out[0] = joliet ? 2 : 1;
  out.set(Buffer.from('CD001', 'latin1'), 1);
  out[6] = 1;
  put(8, 32, '');
  put(40, 32, label);
  both32(out, 80, at.sectors);
  if (joliet) out.set(Buffer.from('%/E', 'latin1'), 88);
  both16(out, 120, 1);
  both16(out, 124, 1);
  both16(out, 128, sectorSize);
  both32(out, 132, at.tableSize);
  out.writeUInt32LE(at.little, 140);
  out.writeUInt32BE(at.big, 148);
  out.set(record(Buffer.from([0]), at.root.sector, at.root.size, true), 156);
  for (const offset of [190, 318, 446, 574]) put(offset, 128, '');
  for (const offset of [702, 739, 776]) put(offset, 37, '');
  for (const offset of [813, 830, 847, 864]) out.set(Buffer.from('0'.repeat(16), 'latin1'), offset);
  out[881] = 1;
  return out;
}
