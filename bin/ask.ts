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
      try {
        for (;;) {
          const choices = question.choices.map(c => (c === question.default ? c.toUpperCase() : c)).join('/');
          const said = (await reader.question(`${question.question} [${choices}] `, { signal })).trim().toLowerCase();
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
