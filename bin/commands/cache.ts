import { errors, exitCodes } from '../../lib/errors.js';
import type { PruneResult } from '../../lib/runtime/checkpoints/prune.js';
import type { Verified } from '../../lib/runtime/checkpoints/verify.js';
import { command } from '../command.js';
import type { Session } from '../session.js';
import { bytes, columns, count } from '../show.js';

const fail = errors('CACHE', {
  SIZE: { message: (size: string) => `'${size}' is no size.`, remedy: 'Write a number and a unit: --size 10G.', exit: exitCodes.usage },
});

/** `bake cache` */
export default command({
  usage: 'cache <action>', about: 'Look after saved machines and finished images: ls, du, prune, verify',
  positionals: { action: { choices: ['ls', 'du', 'prune', 'verify'], demandOption: true, describe: 'ls lists, du adds up, prune removes what was not used for longest, verify reads everything and removes what is damaged' } },
  flags: {
    size: { type: 'string', requiresArg: true, describe: 'prune: what may be left; BAKE_CACHE_SIZE, else 20G, when left out' },
    all: { type: 'boolean', default: false, describe: 'prune: everything that is not in use' },
    json: { type: 'boolean', default: false, describe: 'As JSON' },
  },
  examples: [['$0 cache prune --size 5G', 'Keep the 5 GiB that were used last']],
  async run({ action, size, all, json }, session) {
    const [{ CheckpointStore }, { sizeLimit }] = await Promise.all([import('../../lib/runtime/checkpoints/store.js'), import('../../lib/runtime/checkpoints/trouble.js')]);
    const store = new CheckpointStore();
    const say = (data: unknown, text: string): number => {
      if (json) session.json(data); else session.print(text);
      return exitCodes.done;
    };
    switch (action) {
      case 'ls': {
        const entries = [...await store.list()].reverse();
        return say(entries, entries.length === 0 ? 'Nothing is saved.' : columns(entries.map(e => [e.record.key.slice(0, 19), when(e.used), bytes(e.bytes), `${e.record.label}${e.record.sawSecret ? ', saw a secret' : ''}${e.inUse ? ', in use' : ''}`])).join('\n'));
      }
      case 'du': {
        const [total, limit, entries] = [await store.size(), sizeLimit(), await store.list()];
        return say({ bytes: total, limit, entries: entries.length, folder: store.root }, `${bytes(total)} of ${bytes(limit)} in ${count(entries.length, 'entry', 'entries')}: ${store.root}`);
      }
      case 'prune': {
        const done = await store.prune({ all, ...(size === undefined ? {} : { limit: await parseSize(size) }) });
        say(done, [`${count(done.removed.length, 'entry', 'entries')} removed, ${bytes(done.freed)} freed; ${bytes(done.left)} left.`, ...notRemoved(done)].join('\n'));
        return done.failed.length === 0 ? exitCodes.done : exitCodes.failed;
      }
      case 'verify': return verify(await store.verify(), json, session);
    }
  },
});

function* notRemoved({ failed }: PruneResult): Generator<string> {
  if (failed.length === 0) return;
  yield `${count(failed.length, 'entry', 'entries')} could not be removed; the next prune tries again:`;
  for (const { entry, error } of failed) yield `  ${entry.record.key.slice(0, 19)}  ${entry.record.label}: ${error}`;
}

function verify(done: Verified, json: boolean, session: Session): number {
  const { blobs, damaged, records, kept } = done, lines = records.map(key => `  ${key.slice(0, 19)}`);
  if (json) session.json(done);
  else if (kept !== undefined) session.print([`${damaged.length === 0 ? count(records.length, 'entry names what is not there any more', 'entries name what is not there any more') : `${count(damaged.length, 'blob')} of ${blobs} damaged`}, and nothing could be removed: ${kept}`, ...lines].join('\n'));
  else if (damaged.length > 0) session.print([`${count(damaged.length, 'blob')} of ${blobs} damaged: removed, with what stood on them:`, ...lines].join('\n'));
  else session.print([`${count(blobs, 'blob')} read, all whole.`, ...(records.length === 0 ? [] : [`${count(records.length, 'entry', 'entries')} named what is not there any more: removed.`, ...lines])].join('\n'));
  return damaged.length === 0 && kept === undefined ? exitCodes.done : exitCodes.failed;
}

async function parseSize(text: string): Promise<number> {
  const { Size } = await import('../../lib/values.js');
  try { return Size.parse(text).$size; } catch { throw fail.SIZE(text); }
}

const when = (time: number): string => new Date(time).toISOString().slice(0, 16).replace('T', ' ');
