/** Writes floppies: FAT12, 1.44 MB, with long names and folders. Nothing of the clock is in it: equal input gives equal bytes. */
import { errors } from '../../errors.js';
import { byCodeUnit } from '../../json.js';

const fail = errors('FLOPPY', {
  FULL: { message: (needed: number) => `The files for the floppy take ${needed} bytes; it holds 1,457,664, folders and rounding included.`, remedy: 'Put them on a disc instead (cd.files, cd.content).' },
  ROOT_FULL: { message: () => 'The top folder of the floppy holds at most 224 entries, long names counted several times.', remedy: 'Put files into folders, or on a disc instead (cd.files, cd.content).' },
});

const sector = 512, sectors = 2880, fatSectors = 9, rootEntries = 224, firstData = 1 + 2 * fatSectors + rootEntries * 32 / sector;
interface Node { readonly name: string; readonly data?: Uint8Array; readonly children?: Node[]; short: Buffer; cluster: number }

/** `files`: path -> contents; a path that ends in `/` is an empty folder. `label`: at most 11 characters count. */
export function floppyImage(label: string, files: { readonly [path: string]: Uint8Array | string }): Uint8Array {
  const root: Node = { name: '', children: [], short: Buffer.alloc(11), cluster: 0 };
  for (const path of Object.keys(files).sort(byCodeUnit)) add(root, path, files[path]!);
  const image = Buffer.alloc(sectors * sector), fat = new Uint16Array(sectors - firstData + 2);
  let next = 2;
  const take = (bytes: number): number => {
    const count = Math.ceil(bytes / sector);
    if (count === 0) return 0;
    const first = next;
    next += count;
    if (next <= fat.length) for (let i = first; i < next; i++) fat[i] = i === next - 1 ? 0xfff : i + 1;
    return first;
  };
  // Places first: an entry names the cluster of what it stands for.
  const place = (folder: Node, isRoot: boolean): void => {
    shortNames(folder.children!);
    if (!isRoot) folder.cluster = take((2 + entriesIn(folder)) * 32);
    for (const child of folder.children!) { if (child.children !== undefined) place(child, false); else child.cluster = take(child.data!.length); }
  };
  place(root, true);
  if (next > fat.length) throw fail.FULL((next - 2) * sector);
  if (entriesIn(root) + 1 > rootEntries) throw fail.ROOT_FULL();

  const offset = (cluster: number): number => (firstData + cluster - 2) * sector;
  const write = (folder: Node, parent: Node | undefined): void => {
    const volume = parent === undefined ? [entry(Buffer.from(label.toUpperCase().replace(/[^A-Z0-9 _-]/g, '_').padEnd(11).slice(0, 11), 'latin1'), 0x08, 0, 0)] : [];
    const dots = parent === undefined ? [] : [entry(Buffer.from('.          '), 0x10, folder.cluster, 0), entry(Buffer.from('..         '), 0x10, parent.cluster, 0)];
    image.set(Buffer.concat([...volume, ...dots, ...folder.children!.flatMap(child => [...longName(child), entry(child.short, child.children === undefined ? 0x20 : 0x10, child.cluster, child.data?.length ?? 0)])]),
      parent === undefined ? (1 + 2 * fatSectors) * sector : offset(folder.cluster));
    for (const child of folder.children!) { if (child.children !== undefined) write(child, folder); else if (child.cluster > 0) image.set(child.data!, offset(child.cluster)); }
  };
  write(root, undefined);
  image.set(bootRecord(label), 0);
  fat[0] = 0xff0; fat[1] = 0xfff;
  const packed = Buffer.alloc(fatSectors * sector);
  fat.forEach((value, i) => {
    const at = Math.floor(i * 1.5);
    if (at + 1 >= packed.length) return;
    if (i % 2 === 0) { packed[at] = value & 0xff; packed[at + 1] = (packed[at + 1]! & 0xf0) | (value >> 8); }
    else { packed[at] = (packed[at]! & 0x0f) | ((value & 0xf) << 4); packed[at + 1] = value >> 4; }
  });
  image.set(packed, sector);
  image.set(packed, (1 + fatSectors) * sector);
  return image;
}

function add(root: Node, path: string, contents: Uint8Array | string): void {
  const parts = path.split('/').filter(p => p !== '' && p !== '.');
  let at = root;
  parts.forEach((name, i) => {
    const isFile = i === parts.length - 1 && !path.endsWith('/');
    let child = at.children!.find(c => c.name === name);
    if (child === undefined) {
      child = { name, short: Buffer.alloc(11), cluster: 0, ...(isFile ? { data: typeof contents === 'string' ? Buffer.from(contents, 'utf8') : contents } : { children: [] }) };
      at.children!.push(child);
    }
    at = child;
  });
}

/** 8.3 in capitals, unique in the folder. */
function shortNames(children: readonly Node[]): void {
  const taken = new Set<string>();
  for (const child of children) {
    const plain = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9_!#$%&'()@^`{}~-]/g, '');
    const dot = child.name.lastIndexOf('.'), stem = plain(dot > 0 ? child.name.slice(0, dot) : child.name) || '_', extension = dot > 0 ? plain(child.name.slice(dot + 1)).slice(0, 3) : '';
    let short = stem.slice(0, 8).padEnd(8) + extension.padEnd(3);
    if (isLong(child.name)) for (let n = 1; n === 1 || taken.has(short); n++) short = `${stem.slice(0, 7 - String(n).length)}~${n}`.padEnd(8) + extension.padEnd(3);
    taken.add(short);
    child.short = Buffer.from(short, 'latin1');
  }
}

const isLong = (name: string): boolean => !/^[A-Z0-9_!#$%&'()@^`{}~-]{1,8}(\.[A-Z0-9_!#$%&'()@^`{}~-]{1,3})?$/.test(name);
const entriesIn = (folder: Node): number => folder.children!.reduce((sum, c) => sum + 1 + (isLong(c.name) ? Math.ceil(c.name.length / 13) : 0), 0);

function longName({ name, short }: Node): Buffer[] {
  if (!isLong(name)) return [];
  const sum = short.reduce((s, byte) => (((s & 1) << 7) + (s >> 1) + byte) & 0xff, 0), count = Math.ceil(name.length / 13);
  return Array.from({ length: count }, (_, i) => {
    const part = count - 1 - i, out = Buffer.alloc(32, 0xff), text = name.slice(part * 13, part * 13 + 13);
    out[0] = (part + 1) | (i === 0 ? 0x40 : 0);
    out[11] = 0x0f; out[12] = 0; out[13] = sum; out.writeUInt16LE(0, 26);
    [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30].forEach((at, c) => { if (c < text.length) out.writeUInt16LE(text.charCodeAt(c), at); else if (c === text.length) out.writeUInt16LE(0, at); });
    return out;
  });
}

function entry(short: Buffer, attributes: number, cluster: number, size: number): Buffer {
  const out = Buffer.alloc(32);
  out.set(short, 0);
  out[11] = attributes;
  // 1 January 2000.
  out.writeUInt16LE(0x2821, 16); out.writeUInt16LE(0x2821, 24);
  out.writeUInt16LE(cluster, 26);
  out.writeUInt32LE(size, 28);
  return out;
}

function bootRecord(label: string): Buffer {
  const out = Buffer.alloc(sector);
  out.set([0xeb, 0x3c, 0x90], 0);
  out.write('MSDOS5.0', 3, 'latin1');
  out.writeUInt16LE(sector, 11);
  out[13] = 1;
  out.writeUInt16LE(1, 14);
  out[16] = 2;
  out.writeUInt16LE(rootEntries, 17);
  out.writeUInt16LE(sectors, 19);
  out[21] = 0xf0;
  out.writeUInt16LE(fatSectors, 22);
  out.writeUInt16LE(18, 24);
  out.writeUInt16LE(2, 26);
  out[38] = 0x29;
  out.writeUInt32LE(0x1a6eba4e, 39);
  out.write(label.toUpperCase().replace(/[^A-Z0-9 _-]/g, '_').padEnd(11).slice(0, 11), 43, 'latin1');
  out.write('FAT12   ', 54, 'latin1');
  out.set([0x55, 0xaa], 510);
  return out;
}
