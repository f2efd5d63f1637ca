/** Who uses a store right now: leases on records, and locks; what a dead process left is swept. */
import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { liveness, type ProcessIdentity } from '../host/process-identity.js';

/** Keys with a living lease; leases of dead processes are swept on the way. */
export async function leasedKeys(root: string): Promise<Set<string>> {
  const keys = new Set<string>();
  for (const name of await readdir(join(root, 'leases')).catch(() => [] as string[])) {
    const file = join(root, 'leases', name);
    try {
      if (await isDead(file)) await unlink(file);
      else keys.add(name.slice(0, name.lastIndexOf('.')));
    } catch { /* just given back, or on a disk that cannot be written to */ }
  }
  return keys;
}

/** Removes the locks of keys whose process died; a living one keeps its own. */
export async function sweepLocks(root: string): Promise<void> {
  for (const name of await readdir(join(root, 'locks')).catch(() => [] as string[])) {
    const file = join(root, 'locks', name);
    try { if (name !== 'store' && await isDead(file)) await unlink(file); } catch { /* gone, or being written */ }
  }
}

const isDead = async (file: string): Promise<boolean> => liveness(JSON.parse(await readFile(file, 'utf8')) as ProcessIdentity) === 'dead';
