/** The host's own package sources, so that mirrors, proxies and keys that work here work for the base system too. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Recipe } from './recipe.js';

interface Entry { readonly uri: string; readonly suite: string; readonly components: readonly string[]; readonly signedBy?: string }
const archives = {
  debian: { uri: 'http://deb.debian.org/debian', components: ['main'], keyring: '/usr/share/keyrings/debian-archive-keyring.gpg' },
  ubuntu: { uri: 'http://archive.ubuntu.com/ubuntu', components: ['main', 'universe'], keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg' },
} as const;

/** One-line entries (`deb […] uri suite components`) for mmdebstrap. Sources of third parties are left out; with none left, the distribution's archive. */
export function aptSources(recipe: Recipe, folder = '/etc/apt'): string[] {
  const wanted = new Set(['', '-updates', '-security'].map(suffix => recipe.release + suffix));
  const entries = readEntries(folder).filter(e => wanted.has(e.suite) && e.components.includes('main'));
  // A third party may well call its suite after the release; only the archive has updates, too, at the same address.
  const own = entries.filter(e => e.suite !== recipe.release || entries.some(other => other.uri === e.uri && other.suite === `${recipe.release}-updates`));
  if (own.some(e => e.suite === recipe.release)) return own.map(line);
  const archive = archives[recipe.distribution];
  return [line({ uri: archive.uri, suite: recipe.release, components: archive.components, ...(existsSync(archive.keyring) ? { signedBy: archive.keyring } : {}) })];
}

const line = (e: Entry): string => `deb ${e.signedBy === undefined ? '' : `[signed-by=${e.signedBy}] `}${e.uri} ${e.suite} ${e.components.join(' ')}`;

function readEntries(folder: string): Entry[] {
  const parts = `${folder}/sources.list.d`;
  const files = [`${folder}/sources.list`, ...(existsSync(parts) ? readdirSync(parts).sort().map(name => `${parts}/${name}`) : [])];
  return files.filter(file => /\.(list|sources)$/.test(file) && existsSync(file))
    .flatMap(file => (file.endsWith('.sources') ? readDeb822 : readLines)(readFileSync(file, 'utf8')));
}

function readLines(text: string): Entry[] {
  return text.split('\n').flatMap(row => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(row);
    if (!match) return [];
    const signedBy = /signed-by=(\S+)/.exec(match[1] ?? '')?.[1];
    return [{ uri: match[2]!, suite: match[3]!, components: match[4]!.trim().split(/\s+/), ...(signedBy === undefined ? {} : { signedBy }) }];
  });
}

function readDeb822(text: string): Entry[] {
  return text.split(/\n\s*\n/).flatMap(paragraph => {
    const lines = paragraph.split('\n').filter(row => !row.startsWith('#')).join('\n');
    const words = (name: string) => (new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'mi').exec(lines)?.[1] ?? '').trim().split(/\s+/).filter(word => word !== '');
    if (!words('Types').includes('deb') || words('Enabled')[0] === 'no') return [];
    const [signedBy] = words('Signed-By');
    return words('URIs').flatMap(uri => words('Suites').map(suite => (
      // A key may stand in the file itself; then the distribution's own keyring, which apt trusts anyway, has to do.
      { uri, suite, components: words('Components'), ...(signedBy?.startsWith('/') ? { signedBy } : {}) })));
  });
}
