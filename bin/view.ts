/** What of a run's events is shown, and how: a live view in a terminal, lines elsewhere, or JSON. */
import type { Ask, Event, Listener } from '../lib/events.js';
import { describeEvent } from '../lib/runtime/event-text.js';
import { makeAsk } from './ask.js';
import type { Session } from './session.js';

export const levels = ['error', 'warning', 'info', 'debug'] as const;
export type Level = (typeof levels)[number];

export interface View {
  readonly listen: Listener;
  /** Undefined where there is no terminal to ask at. */
  readonly ask: Ask | undefined;
  /** Says something in between. */
  say(text: string): void;
  /** Nothing is shown any more. */
  close(): void;
}

export async function makeView(session: Session, { json, level }: { readonly json: boolean; readonly level: Level }): Promise<View> {
  const { terminal } = session, ask = makeAsk(terminal), say = (text: string): void => { session.say(text); };
  if (json) return { listen: event => { session.print(JSON.stringify(event)); }, ask: undefined, say, close() {} };
  if (level !== 'info' || terminal.stderr.isTTY !== true || terminal.env['CI'] || terminal.env['TERM'] === 'dumb') return { listen: lines(session, level), ask, say, close() {} };
  const { makeTree, symbolsFor } = await import('../lib/runtime/ui/tree.js');
  const tree = makeTree(terminal.stderr, { paint: session.err, symbols: symbolsFor(terminal.env) });
  return {
    listen: tree.listen, close: tree.close,
    say(text) {
      tree.suspend();
      say(text);
      tree.resume();
    },
    ask: ask && (async (question, signal) => {
      tree.suspend();
      try { return await ask(question, signal); } finally { tree.resume(); }
    }),
  };
}

/** Lines that begin with the target they belong to, on standard error. */
function lines(session: Session, level: Level): Listener {
  return event => {
    if (rank(event) > levels.indexOf(level)) return;
    const whole = describeEvent(event, { detail: level === 'debug' });
    if (whole === undefined) return;
    // The step that failed has said why already.
    const text = event.type === 'step-end' && event.step.length === 1 ? whole.split('\n')[0]! : whole;
    const target = event.step[0];
    session.say(text.split('\n').map(line => (target === undefined ? line : `${session.err.cyan(`${target}:`)} ${line}`)).join('\n'));
  };
}

/** Problems found before building, and the end, are shown whole by the command itself. */
function rank(event: Event): number {
  if (event.type === 'warning') return event.problem === undefined ? levels.indexOf('warning') : Infinity;
  if (event.type === 'step-end' && event.outcome === 'failed') return levels.indexOf('warning');
  return event.type === 'run-end' ? Infinity : levels.indexOf('info');
}
