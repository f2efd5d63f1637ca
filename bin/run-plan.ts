/** Runs a plan before a person's eyes: the view, the signals, the questions, the result. */
import type { RunResult } from '../lib/runtime/results.js';
import type { RunOptions } from '../lib/runtime/run.js';
import type { RunArgs } from './build-flags.js';
import type { PlanSource } from './plan-source.js';
import { refine } from './refine.js';
import type { Session } from './session.js';
import { withSignals } from './signals.js';
import { makeView, type View } from './view.js';

/** Resolves to the exit code; the result has been shown then. */
export async function runPlan(source: PlanSource, options: RunOptions, args: RunArgs, session: Session): Promise<number> {
  const { interruption, run } = await import('../lib/runtime/run.js');
  const view = await makeView(session, { json: args.json, level: args.verbose ? 'debug' : args['log-level'] });
  let result: RunResult;
  try {
    result = await withSignals(signal => run(source.plan, {
      ...options, signal, ...(view.ask === undefined ? {} : { ask: view.ask }), listen: [options.listen ?? [], view.listen].flat(),
    }), interruption, (name, again) => tell(name, again, view));
  } finally {
    view.close();
  }
  if (args.json) session.print(JSON.stringify({ type: 'result', ...result }));
  else {
    if (result.problems.length > 0) await session.report(refine(result.problems, source.folder), source.folder);
    const { showResult } = await import('./results.js');
    showResult(result, source.folder, session);
  }
  return result.exit;
}

function tell(name: string, again: boolean, view: View): void {
  view.say(again ? `\n${name} again: leaving at once. What is left behind: bake gc`
    : `\n${name}: stopping, and cleaning up. Once more, to leave at once; bake gc then removes what was left.`);
}
