import { exitCodes } from '../../lib/errors.js';
import type { Change } from '../../lib/runtime/checkpoints/why.js';
import type { Forecast } from '../../lib/runtime/forecast.js';
import { lookAt, lookFlags, targetsPositional } from '../build-flags.js';
import { command, programFlags } from '../command.js';
import type { Session } from '../session.js';
import { columns, count, roughly } from '../show.js';

/** `bake plan` */
export default command({
  usage: 'plan [targets..]', about: 'Say what a build would do: what is up to date, what resumes after which step and why, and how long it takes',
  positionals: targetsPositional,
  flags: { ...programFlags, ...lookFlags, json: { type: 'boolean', default: false, describe: 'As JSON' } },
  async run(args, session) {
    const looked = await lookAt(args, session);
    if (looked === undefined) return exitCodes.problems;
    const { forecast } = await import('../../lib/runtime/forecast.js');
    const all = await forecast(looked.source.plan, looked.options);
    if (args.json) session.json(all);
    else session.print(all.length === 0 ? 'There is nothing to build.' : show(all, session));
    return exitCodes.done;
  },
});

function show(all: readonly Forecast[], { out }: Session): string {
  const rows = columns(all.map(f => [f.target, what(f), work(f)])), lines: string[] = [];
  all.forEach((f, i) => {
    lines.push(f.state === 'up-to-date' ? out.green(rows[i]!) : rows[i]!);
    for (const line of f.makes ?? []) lines.push(`  ${line}`);
    for (const change of f.because.slice(0, 3)) lines.push(out.dim(`  because ${because(change, f.target)}`));
    if (f.because.length > 3) lines.push(out.dim(`  and for ${f.because.length - 3} reasons more: bake why ${f.target}`));
  });
  const times = all.map(f => f.expected), known = times.every(t => t !== undefined);
  lines.push('', `${count(all.filter(f => f.state !== 'up-to-date').length, 'target')} to build${known ? `, ${roughly(times.reduce((sum, t) => sum + t!, 0))} of work` : ''}.`);
  return lines.join('\n');
}

const what = (f: Forecast): string => (f.state === 'up-to-date' ? 'up to date' : f.state === 'full' ? 'full' : `resumes after ${f.after}`);
const work = (f: Forecast): string => (f.state === 'up-to-date' ? '' : `${count(f.steps.length, 'step')}${f.expected === undefined ? '' : `, ${roughly(f.expected)}`}`);

/** The place, where it is another than the target itself, and what changed there. */
export function because({ path, what: changed }: Change, target: string): string {
  return path === '' || path === target ? changed : `${path}: ${changed}`;
}
