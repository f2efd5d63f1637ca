/** What of a run's events is shown, and how. */
import type { Event, Listener } from '../lib/events.js';
import { describeEvent } from '../lib/runtime/event-text.js';
import type { Session } from './session.js';

export const levels = ['error', 'warning', 'info', 'debug'] as const;
export type Level = (typeof levels)[number];

/** One event, one line of JSON on standard output. */
export function jsonView(session: Session): Listener {
  return event => { session.print(JSON.stringify(event)); };
}

/** Lines that begin with the target they belong to, on standard error. */
export function lineView(session: Session, level: Level): Listener {
  return event => {
    if (rank(event) > levels.indexOf(level)) return;
    const text = describeEvent(event, { detail: level === 'debug' });
    if (text === undefined) return;
    const target = event.step[0];
    session.say(text.split('\n').map(line => (target === undefined ? line : `${session.err.cyan(`${target}:`)} ${line}`)).join('\n'));
  };
}

/** Problems found before building, and the end, are shown whole by the command itself. */
function rank(event: Event): number {
  if (event.type === 'warning') return event.problem === undefined ? levels.indexOf('warning') : Infinity;
  if (event.type === 'step-end' && event.outcome === 'failed') return levels.indexOf('error');
  return event.type === 'run-end' ? Infinity : levels.indexOf('info');
}
