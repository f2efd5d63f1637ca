/** How a run ended, in a few lines. */
import { relative } from 'node:path';
import type { ErrorData, Outcome } from '../lib/events.js';
import type { Paint } from '../lib/paint.js';
import { reportProblem } from '../lib/problem-report.js';
import { seconds } from '../lib/runtime/event-text.js';
import type { RunResult, TargetResult } from '../lib/runtime/results.js';
import type { Session } from './session.js';
import { columns } from './show.js';

/** Each failure whole, with its place in the program; then a line for each target; then the sum. */
export function showResult(result: RunResult, folder: string, session: Session): void {
  const { err, terminal: { cwd } } = session;
  for (const target of result.targets) {
    const { error } = target;
    if (error === undefined || target.outcome === 'cancelled') continue;
    const problem = { code: error.code, severity: 'error', path: target.failedStep ?? target.target, message: error.message, ...remedyOf(error), ...(error.at === undefined ? {} : { at: error.at }) } as const;
    session.say(`\n${reportProblem(problem, { folder, cwd, paint: err })}\n  ${err.dim('log')} ${relative(cwd, target.log)}`);
  }
  const logs = `Logs: ${relative(cwd, result.folder) || result.folder}`;
  if (result.problems.length > 0) {
    session.say(`\nNothing was built. ${logs}`);
    return;
  }
  if (result.targets.length === 0) {
    session.say('The program has nothing to build.');
    return;
  }
  const rows = result.targets.map(t => [t.target, t.outcome, t.milliseconds > 0 ? seconds(t.milliseconds) : '', fate(t)]);
  session.say(`\n${columns(rows).map((line, i) => line.replace(` ${result.targets[i]!.outcome} `, ` ${colourOf(result.targets[i]!.outcome, err)(result.targets[i]!.outcome)} `)).join('\n')}`);
  const sums = (['done', 'cached', 'failed', 'kept', 'skipped', 'cancelled'] as const).map(o => [result.targets.filter(t => t.outcome === o).length, o] as const).filter(([n]) => n > 0);
  session.say(`\n${sums.map(([n, o]) => `${n} ${words[o]}`).join(', ')} in ${seconds(result.milliseconds)}. ${logs}`);
}

/** What nobody foresaw is a bug, of ours or of a component. */
function remedyOf({ code, remedy }: ErrorData): { readonly remedy?: string } {
  if (code === 'UNEXPECTED') return { remedy: 'This should not happen. Please report it, with the log.' };
  return remedy === undefined ? {} : { remedy };
}

const words: { readonly [O in Outcome]: string } = { done: 'done', cached: 'up to date', failed: 'failed', kept: 'failed and kept', skipped: 'skipped', cancelled: 'cancelled' };

function fate(target: TargetResult): string {
  if (target.reason !== undefined) return target.reason;
  if (target.outcome === 'failed' || target.outcome === 'kept') return target.failedStep ?? '';
  return [...new Set(target.artifacts.map(a => a.id))].join(', ');
}

function colourOf(outcome: Outcome, paint: Paint): (text: string) => string {
  if (outcome === 'done' || outcome === 'cached') return paint.green;
  return outcome === 'failed' || outcome === 'kept' ? paint.red : paint.yellow;
}
