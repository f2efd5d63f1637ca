/** Debian packages of this computer for a guest of the same release, which has no network: their files, and those of all that they depend on. */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Writes a .tar.zst of them, to be unpacked at the guest's root. What every Debian has is left out. */
export function packagesTar(to: string, ...names: readonly string[]): void {
  const query = (format: string): string[] => execFileSync('dpkg-query', ['-W', '-f', format], { encoding: 'utf8', maxBuffer: 2 ** 26 }).split('\n');
  const needs = new Map<string, readonly string[]>(), provides = new Map<string, string>(), everywhere = new Set<string>();
  for (const line of query('${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\t${Priority}\n')) {
    const [name, depends = '', provided = '', priority] = line.split('\t');
    if (!name) continue;
    const words = (list: string): string[] => list.split(/[,|]/).map(word => word.trim().split(/[\s:(]/)[0]!).filter(word => word !== '');
    needs.set(name, words(depends));
    for (const other of words(provided)) provides.set(other, name);
    if (priority === 'required') everywhere.add(name);
  }
  const taken = new Set<string>(), queue = [...names];
  for (let name; (name = queue.shift()) !== undefined;) {
    name = needs.has(name) ? name : provides.get(name) ?? name;
    if (taken.has(name) || everywhere.has(name) || !needs.has(name)) continue;
    taken.add(name);
    queue.push(...needs.get(name)!);
  }
  const listed = execFileSync('dpkg', ['-L', ...taken], { encoding: 'utf8', maxBuffer: 2 ** 28 }).split('\n')
    .filter(path => path.startsWith('/') && !/^\/usr\/share\/(doc|man|locale|info|lintian|bash-completion)\//.test(path));
  // What Python has compiled is in no package, and compiling it in a guest takes a minute.
  const compiled = listed.filter(path => path.endsWith('.py')).flatMap(path => [join(dirname(path), '__pycache__', `${basename(path, '.py')}.cpython-311.pyc`)]);
  const files = [...new Set([...listed, ...compiled])].filter(path => existsSync(path) && !lstatSync(path).isDirectory());
  execFileSync('tar', ['--zstd', '-C', '/', '--null', '--no-recursion', '-cf', to, '-T', '-'], { input: files.map(path => path.slice(1)).join('\0'), stdio: ['pipe', 'ignore', 'inherit'] });
}
