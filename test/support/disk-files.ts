/** The files of a disk, read without a guest and without a mount: debugfs needs neither rights nor a loop device. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** By path: kind, mode, owner, what hard links it has, extended attributes, and the digest of the contents or where a link leads. */
export interface DiskFiles { readonly [path: string]: string }

/** Every file in the one ext4 partition of an image of the base system. */
export function filesOnDisk(image: string): DiskFiles {
  const folder = mkdtempSync(join(tmpdir(), 'bake-files-')), raw = join(folder, 'disk.raw'), root = join(folder, 'root');
  try {
    mkdirSync(root);
    execFileSync('qemu-img', ['convert', '-O', 'raw', image, raw]);
    const debugfs = (...args: string[]): string => execFileSync('debugfs', [...args, `${raw}?offset=${2048 * 512}`], { encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] });
    debugfs('-R', `rdump / ${root}`);
    const paths = walk(root, '').sort();
    const about = new Map(debugfs('-f', commands(folder, paths)).split(/^debugfs: stat "\//m).slice(1).map(text => [text.slice(0, text.indexOf('"\n')), text]));
    const facts = paths.map(path => ({ path, ...factsOf(about.get(path) ?? '', path) })), links = new Map<string, string[]>();
    for (const { path, inode, count } of facts) if (count > 1) links.set(inode, [...links.get(inode) ?? [], path]);
    return Object.fromEntries(facts.map(({ path, inode, says, to }) => {
      const linked = links.get(inode), isFile = lstatSync(join(root, path)).isFile();
      return [`/${path}`, `${says}${linked === undefined ? '' : ` linked: ${linked.join(' ')}`}${isFile ? ` ${createHash('sha256').update(readFileSync(join(root, path))).digest('hex')}` : to}`];
    }));
  } finally { rmSync(folder, { recursive: true, force: true }); }
}

/** Not `recursive`, which goes through links out of the disk. */
function walk(root: string, at: string): string[] {
  return readdirSync(join(root, at), { withFileTypes: true }).flatMap(entry => {
    const path = at === '' ? entry.name : `${at}/${entry.name}`;
    return entry.isDirectory() ? [path, ...walk(root, path)] : [path];
  });
}

function commands(folder: string, paths: readonly string[]): string {
  const file = join(folder, 'commands');
  writeFileSync(file, paths.map(path => `stat "/${path}"\n`).join(''));
  return file;
}

/** Reads what debugfs says of an inode. `count`: how many names it has; of folders that is no matter. */
function factsOf(text: string, path: string): { readonly says: string; readonly inode: string; readonly count: number; readonly to: string } {
  const [, inode, type, mode] = /^Inode: (\d+)\s+Type: ([a-z ]+?)\s+Mode:\s+(\d+)/m.exec(text) ?? [], [, user, group] = /^User:\s+(\d+)\s+Group:\s+(\d+)/m.exec(text) ?? [];
  if (inode === undefined || user === undefined) throw new Error(`debugfs says of ${path}: ${text}`);
  const attributes = /^Extended attributes:\n((?: {2}.*\n)*)/m.exec(text)?.[1]?.trim().split('\n').map(line => line.trim()).sort().join(', ');
  return {
    says: `${type} ${mode} ${user}:${group}${attributes ? ` {${attributes}}` : ''}`, inode, count: type === 'regular' ? Number(/^Links: (\d+)/m.exec(text)?.[1] ?? 1) : 1,
    to: /^Fast link dest: (".*")$/m.exec(text)?.[1] ?? /^Device major\/minor number: \S+/m.exec(text)?.[0] ?? '',
  };
}

/** Where two disks differ, as lines: path, and what each has there. */
export function differencesOf(a: DiskFiles, b: DiskFiles): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(path => a[path] !== b[path]).sort().map(path => `${path}: ${a[path] ?? 'nothing'} | ${b[path] ?? 'nothing'}`);
}
