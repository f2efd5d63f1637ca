/** Where things that can be made again lie, for this user. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** BAKE_CACHE_DIR, else `imagebake` in XDG_CACHE_HOME, else ~/.cache/imagebake. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['BAKE_CACHE_DIR'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'imagebake'));
}

/** Where saved machines lie: BAKE_CHECKPOINT_DIR, else `checkpoints` in the cache folder. */
export function checkpointFolder(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env['BAKE_CHECKPOINT_DIR'] || join(cacheFolder(env), 'checkpoints'));
}
