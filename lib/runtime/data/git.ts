import { resolve } from 'node:path';
import type { gitData } from '../../constructs/data/git.js';
import { errors, messageOf } from '../../errors.js';
import type { DataDriver } from '../driver.js';
import { capture } from '../host/process.js';

const fail = errors('DATA_GIT', {
  NO_COMMIT: {
    message: (folder: string, why: string) => `git knows no commit in ${folder}: ${why}`,
    remedy: 'Give it a folder of a git work tree with a commit. In a container, `git config --global --add safe.directory …` may be needed.',
  },
});

export default {
  async read(props, ctx) {
    const folder = resolve(ctx.programFolder, props.repository);
    // Without optional locks, looking changes nothing that another git may be writing.
    const git = async (...args: string[]): Promise<string> => (await capture('git', ['-C', folder, ...args], { env: { ...ctx.environment, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' }, signal: ctx.signal, timeout: 60_000 })).replace(/\n$/, '');
    const [commit = '', committed = ''] = (await git('log', '-1', '--no-show-signature', '--format=%H %cI').catch(error => { throw fail.NO_COMMIT(folder, messageOf(error), { cause: error }); })).split(' ');
    const [branch, tags, status] = await Promise.all([
      git('symbolic-ref', '--short', '--quiet', 'HEAD').catch(() => ''), git('tag', '--points-at', 'HEAD', '--sort=-version:refname'), git('status', '--porcelain', '--untracked-files=normal'),
    ]);
    return { commit, shortCommit: commit.slice(0, 12), branch, tag: tags.split('\n')[0]!, dirty: status !== '', committed: `${new Date(committed).toISOString().slice(0, 19)}Z` };
  },
} satisfies DataDriver<typeof gitData>;
