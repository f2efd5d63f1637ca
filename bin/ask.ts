/** Questions to a person at the terminal. */
import { createInterface } from 'node:readline/promises';
import type { Ask } from '../lib/events.js';
import type { Terminal } from './terminal.js';

/** Asks one question after the other, also where several targets ask at once. Undefined without a terminal to ask at. An answer may be cut short to its beginning; Enter alone is the default. */
export function makeAsk({ stdin, stderr }: Terminal): Ask | undefined {
  if (stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
  let before: Promise<unknown> = Promise.resolve();
  return (question, signal) => {
    const answer = before.then(async () => {
      const reader = createInterface({ input: stdin, output: stderr });
      // A terminal in raw mode leaves Ctrl-C to us; Ctrl-D ends the input, and nobody will answer any more.
      reader.on('SIGINT', () => { process.kill(process.pid, 'SIGINT'); });
      const left = new Promise<string>(resolve => { reader.once('close', () => resolve('')); });
      try {
        for (;;) {
          const choices = question.choices.map(c => (c === question.default ? c.toUpperCase() : c)).join('/');
          const said = (await Promise.race([reader.question(`${question.question} [${choices}] `, { signal }), left])).trim().toLowerCase();
          if (said === '') return question.default;
          const meant = question.choices.filter(c => c.toLowerCase().startsWith(said));
          if (meant.length === 1) return meant[0]!;
        }
      } finally {
        reader.close();
      }
    });
    before = answer.catch(() => undefined);
    return answer;
  };
}
