/** `from` and `until` name steps: whether there are such, in what is built. */
import { errors, exitCodes } from '../../errors.js';
import type { Target } from '../../plan.js';
import { suggest } from '../../suggest.js';
import type { Selection } from '../select.js';
import { type CheckpointOptions, matches } from './options.js';

const listed = 12;
const fail = errors('STEPS', {
  UNKNOWN: {
    message: (flag: string, wanted: string, near: string | undefined, _steps: readonly string[]) => `--${flag} ${wanted === '' ? "''" : wanted}: no step of what is built has this name.${near === undefined ? '' : ` Did you mean '${near}'?`}`,
    remedy: (_flag: string, _wanted: string, _near: string | undefined, steps: readonly string[]) => (steps.length === 0 ? 'What is built has no steps at all.'
      : `Its steps are ${steps.slice(0, listed).join(', ')}${steps.length > listed ? `, and ${steps.length - listed} more (bake inspect)` : ''}.`),
    exit: exitCodes.usage,
  },
  ELSEWHERE: {
    message: (flag: string, wanted: string, targets: readonly string[]) => `--${flag} ${wanted}: that is a step of ${targets.slice(0, 3).join(', ')}, and not among what is built.`,
    remedy: 'Build that, too, or name a step of what is built.',
    exit: exitCodes.usage,
  },
  ORDER: {
    message: (from: string, until: string, target: string) => `--from ${from} comes after --until ${until} in ${target}: nothing would be done again.`,
    remedy: 'Name a step to begin with that is not behind the one to end after.',
    exit: exitCodes.usage,
  },
});

/** What is worth a word: targets that were asked for and have no such step. Throws STEPS_UNKNOWN, STEPS_ELSEWHERE, STEPS_ORDER. */
export function checkSteps(options: CheckpointOptions | undefined, all: readonly Target[], { targets, needed }: Selection): string[] {
  const said: string[] = [];
  if (targets.length === 0) return said;
  const indexIn = (target: Target, wanted: string): number => target.provisioners.findIndex(step => matches(step, wanted));
  for (const flag of ['from', 'until'] as const) {
    const wanted = options?.[flag];
    if (wanted === undefined) continue;
    const without = targets.filter(target => indexIn(target, wanted) < 0);
    if (without.length === targets.length) {
      const elsewhere = all.filter(target => indexIn(target, wanted) >= 0).map(t => t.path);
      if (elsewhere.length > 0) throw fail.ELSEWHERE(flag, wanted, elsewhere);
      const steps = [...new Set(targets.flatMap(t => t.provisioners.map(step => step.path)))];
      throw fail.UNKNOWN(flag, wanted, suggest(wanted, [...steps, ...steps.map(path => path.slice(path.lastIndexOf('/') + 1))]), steps);
    }
    const asked = without.filter(target => !needed.has(target.path)).map(t => t.path);
    if (asked.length > 0) said.push(`${asked.join(', ')} ${asked.length === 1 ? 'has' : 'have'} no step '${wanted}', and ${asked.length === 1 ? 'is' : 'are'} built as without --${flag}.`);
  }
  const { from, until } = options ?? {};
  if (from !== undefined && until !== undefined) {
    const wrong = targets.find(t => indexIn(t, from) > indexIn(t, until) && indexIn(t, until) >= 0);
    if (wrong !== undefined) throw fail.ORDER(from, until, wrong.path);
  }
  return said;
}
