/** What the operating system refuses, in words: no component has to foresee a full disk. */
import { type BakeError, errors } from '../../errors.js';

const fail = errors('HOST', {
  NO_SPACE: {
    message: (path: string | undefined) => `There is no space left on this computer's disk${path === undefined ? '' : ` for ${path}`}.`,
    remedy: 'Free some (bake cache prune, docker system prune), or write elsewhere: output folders, BAKE_CACHE_DIR and TMPDIR say where.',
  },
  NOT_ALLOWED: { message: (path: string | undefined, why: string) => `This computer does not allow it${path === undefined ? '' : `: ${path}`} (${why}).`, remedy: 'Look at the permissions there, and at the user who runs the build.' },
  TOO_MANY_FILES: { message: () => 'This process has as many files open as it may.', remedy: 'Raise the limit (ulimit -n 8192), or build fewer targets at a time: --parallel.' },
});

/** The error behind a system call's code; undefined for anything else. */
export function explainSystemError(error: unknown): BakeError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, path, dest, syscall } = error as NodeJS.ErrnoException & { readonly dest?: string };
  if (syscall === undefined) return undefined;
  switch (code) {
    case 'ENOSPC': case 'EDQUOT': return fail.NO_SPACE(dest ?? path, { cause: error });
    case 'EACCES': case 'EPERM': case 'EROFS': return fail.NOT_ALLOWED(dest ?? path, `${syscall}: ${code}`, { cause: error });
    case 'EMFILE': case 'ENFILE': return fail.TOO_MANY_FILES({ cause: error });
    default: return undefined;
  }
}
