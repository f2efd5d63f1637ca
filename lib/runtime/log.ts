/** A listener that writes: one log file a target, for people, and every event as a line of `events.jsonl`. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errors, exitCodes, messageOf } from '../errors.js';
import type { Event, Listener } from '../events.js';
import { makeFolderSync } from '../make-folder.js';
import { describeEvent } from './event-text.js';
import { fileNameOf } from './run-state.js';

const fail = errors('LOG', {
  NOT_WRITABLE: {
    message: (folder: string, why: string) => `The logs of this run, in ${folder}, cannot be written: ${why}`,
    remedy: 'Look at the permissions and the space of that folder.',
    exit: exitCodes.preflight,
  },
});

export interface RunLog { readonly listen: Listener; readonly fileOf: (target: string) => string; close(): void }

/** Written at once, so that a run that is killed leaves its logs. Private: they are redacted, but they are nobody else's. */
export function makeRunLog(folder: string): RunLog {
  const open = (name: string): number => openSync(join(folder, name), 'a', 0o600);
  let events: number;
  try {
    makeFolderSync(folder, 0o700);
    events = open('events.jsonl');
  } catch (error) { throw fail.NOT_WRITABLE(folder, messageOf(error), { cause: error }); }
  const files = new Map<string, number>();
  const fileOf = (target: string): string => `${fileNameOf(target)}.log`;
  return {
    fileOf: target => join(folder, fileOf(target)),
    listen(event: Event) {
      writeSync(events, JSON.stringify(event) + '\n');
      const target = event.step[0];
      const text = describeEvent(event, { detail: true });
      const name = target === undefined ? 'run.log' : fileOf(target);
      if (text !== undefined) {
        let file = files.get(name);
        if (file === undefined) files.set(name, file = open(name));
        const time = new Date(event.time).toISOString().slice(11, 23);
        writeSync(file, text.replace(/\n$/, '').split('\n').map(line => `${time} ${line}\n`).join(''));
      }
      if (event.type === 'step-end' && event.step.length === 1 && files.has(name)) { closeSync(files.get(name)!); files.delete(name); }
    },
    close() {
      closeSync(events);
      for (const file of files.values()) closeSync(file);
      files.clear();
    },
  };
}
