import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aptSources } from '../../scripts/base/apt-sources.js';
import { cacheFolder } from '../../lib/cache-folder.js';
import { locked } from '../../scripts/base/processes.js';
import { hostRecipe, keyOf } from '../../scripts/base/recipe.js';

const recipe = { ...hostRecipe(), distribution: 'debian' as const, release: 'bookworm' };
let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'bake-base-')); mkdirSync(join(folder, 'sources.list.d')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

describe('the package sources of the base system', () => {
  test('are those of the host, from deb822 files, without third parties', () => {
    write('sources.list.d/debian.sources', 'Types: deb deb-src\n# a comment\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n contrib\nSigned-By: /usr/share/keyrings/d.gpg\n\n'
      + 'Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\nSigned-By: /usr/share/keyrings/d.gpg\n\nEnabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n');
    write('sources.list.d/vendor.list', 'deb [signed-by=/usr/share/keyrings/vendor.gpg arch=amd64] https://apt.vendor.example bookworm main\n');
    write('sources.list.d/vendor.sources.save', 'Types: deb\nURIs: http://old.example\nSuites: bookworm\nComponents: main\n');
    expect(aptSources(recipe, folder)).toEqual([
      'deb [signed-by=/usr/share/keyrings/d.gpg] http://mirror.example/debian bookworm main contrib',
      'deb [signed-by=/usr/share/keyrings/d.gpg] http://mirror.example/debian bookworm-updates main contrib',
      'deb [signed-by=/usr/share/keyrings/d.gpg] http://mirror.example/debian-security bookworm-security main',
    ]);
  });

  test('are those of the host, from one-line files', () => {
    write('sources.list', '# deb http://commented.example/debian bookworm main\ndeb http://mirror.example/debian bookworm main # why\ndeb-src http://mirror.example/debian bookworm main\ndeb http://mirror.example/debian bookworm-updates main\n');
    expect(aptSources(recipe, folder)).toEqual(['deb http://mirror.example/debian bookworm main', 'deb http://mirror.example/debian bookworm-updates main']);
  });

  test('are the archive of the distribution where the host has none for the release', () => {
    write('sources.list', 'deb http://mirror.example/debian trixie main\n');
    expect(aptSources(recipe, folder)).toHaveLength(1);
    expect(aptSources(recipe, folder)[0]).toMatch(/http:\/\/deb\.debian\.org\/debian bookworm main$/);
  });
});

test('the key of the base system changes with its recipe', () => {
  expect(keyOf(recipe)).toMatch(/^bookworm-[0-9a-f]{12}$/);
  expect(keyOf({ ...recipe, packages: [...recipe.packages, 'nginx'] })).not.toBe(keyOf(recipe));
});

test('the cache is where the environment says', () => {
  expect(cacheFolder({ BAKE_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b' })).toBe('/a');
  expect(cacheFolder({ XDG_CACHE_HOME: '/b' })).toBe('/b/imagebake');
});

test('a lock is held by one at a time, and given up when the work fails', async () => {
  const file = join(folder, 'lock'), seen: string[] = [];
  const work = (name: string) => locked(file, async () => { seen.push(`${name} in`); await new Promise(resolve => setTimeout(resolve, 20)); seen.push(`${name} out`); });
  await Promise.all([work('a'), work('b'), work('c')]);
  for (let i = 0; i < seen.length; i += 2) expect(seen[i]!.replace('in', 'out')).toBe(seen[i + 1]);
  await expect(locked(file, async () => { throw new Error('no'); })).rejects.toThrow('no');
  await work('d');
});
