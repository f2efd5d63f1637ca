/** How large a folder of checkpoints may grow, and why it cannot be used, in words: to a build it costs the checkpoint, to `bake cache` it is the error. */
import { type BakeError, errors, exitCodes, isBakeError, messageOf } from '../../errors.js';
import { Size } from '../../values.js';

const fail = errors('STORE', {
  FULL: {
    message: (folder: string) => `There is no space left for checkpoints in ${folder}.`,
    remedy: 'Make space (bake cache prune --size 5G), or name another folder: BAKE_CHECKPOINT_DIR.',
    explain: 'A build goes on without saving its machines; the next one does again what could not be saved.',
  },
  READ_ONLY: {
    message: (folder: string) => `Checkpoints cannot be written to ${folder}: it is read-only.`,
    remedy: 'Name a folder that can be written to: BAKE_CHECKPOINT_DIR.',
    explain: 'What is saved there is used; nothing is added to it, and nothing removed.',
  },
  NOT_ALLOWED: {
    message: (folder: string, why: string) => `Checkpoints in ${folder} cannot be used: this user may not (${why}).`,
    remedy: 'Look who owns it, or name a folder of your own: BAKE_CHECKPOINT_DIR.',
  },
  NO_FOLDER: {
    message: (folder: string, why: string) => `There is no folder ${folder} for checkpoints, and none can be made (${why}).`,
    remedy: 'Name a folder in another place: BAKE_CHECKPOINT_DIR, or BAKE_CACHE_DIR for all that is cached.',
  },
  SIZE: { message: (text: string) => `BAKE_CACHE_SIZE is '${text}', and that is no size.`, remedy: 'Write a number and a unit: BAKE_CACHE_SIZE=30G.', exit: exitCodes.usage },
  TROUBLE: {
    message: (folder: string, why: string) => `Checkpoints in ${folder} cannot be used: ${why}.`,
    remedy: 'Name a folder in another place: BAKE_CHECKPOINT_DIR.',
  },
});

/** The error behind what the operating system said of the store in `root`; anything else stays as it is. */
export function storeTrouble(error: unknown, root: string): unknown {
  if (!(error instanceof Error) || isBakeError(error)) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined || code === undefined) return error;
  const why = `${syscall}: ${code}`, cause = { cause: error };
  switch (code) {
    case 'ENOSPC': case 'EDQUOT': return fail.FULL(root, cause);
    case 'EROFS': return fail.READ_ONLY(root, cause);
    case 'EACCES': case 'EPERM': return fail.NOT_ALLOWED(root, why, cause);
    case 'ENOTDIR': case 'EEXIST': case 'ENOENT': case 'ELOOP': case 'ENAMETOOLONG': return fail.NO_FOLDER(root, why, cause);
    default: return fail.TROUBLE(root, messageOf(error), cause);
  }
}

/** Runs work on the store; what the operating system refuses is one of the errors above. */
export async function sayingWhy<T>(root: string, work: () => Promise<T>): Promise<T> {
  try { return await work(); } catch (error) { throw storeTrouble(error, root); }
}

export const isStoreTrouble = (error: unknown): error is BakeError => isBakeError(error) && error.code.startsWith('STORE_');
/** Whether there was no space, here or where the machine wrote: programs that we start say it in words only. */
export const isFull = (error: unknown): boolean => (isBakeError(error) && error.code === 'STORE_FULL') || (error as NodeJS.ErrnoException).code === 'ENOSPC' || /no space left on device/i.test(messageOf(error));

/** How large a store may grow, in bytes: BAKE_CACHE_SIZE (`30G`), else 20 GiB. */
export function sizeLimit(env: NodeJS.ProcessEnv = process.env): number {
  const given = env['BAKE_CACHE_SIZE'];
  if (!given) return 20 * 1024 ** 3;
  try { return Size.parse(given).$size; } catch { throw fail.SIZE(given); }
}
