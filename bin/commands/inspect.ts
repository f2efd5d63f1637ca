import { exitCodes } from '../../lib/errors.js';
import type { JsonObject } from '../../lib/json.js';
import type { PlannedComponent, PlannedStep, Target } from '../../lib/plan.js';
import { command, programFlags } from '../command.js';
import { namesPlan, openPlan, type PlanSource } from '../plan-source.js';
import type { Session } from '../session.js';
import { columns, duration, showValue } from '../show.js';

/** `bake inspect` */
export default command({
  usage: 'inspect [targets..]', about: 'Show what the program says: its variables, and each target with its steps',
  positionals: { targets: { type: 'string', array: true, describe: 'Targets, builds, source names or globs of these, shown with all their props; a plan.json, in place of the program' } },
  flags: { ...programFlags, json: { type: 'boolean', default: false, describe: 'The plan as JSON' } },
  examples: [['$0 inspect', 'The program in outline'], ['$0 inspect web/qemu', 'One target with all its values'], ['$0 inspect out/plan.json', 'A plan that was written before']],
  async run(args, session) {
    const given = args.targets ?? [], file = given.find(t => namesPlan(t, session.terminal.cwd)), patterns = given.filter(t => t !== file);
    const source = await openPlan(file, args, session);
    if (source === undefined) return exitCodes.problems;
    const { selectTargets } = await import('../../lib/runtime/select.js');
    const targets = patterns.length === 0 ? source.plan.targets : selectTargets(source.plan.targets, patterns).targets;
    if (args.json) session.json(patterns.length === 0 ? source.plan : { ...source.plan, targets });
    else session.print(patterns.length === 0 ? outline(source, session) : targets.map(t => details(t, session)).join('\n\n'));
    return exitCodes.done;
  },
});

function outline({ plan, descriptions }: PlanSource, { out }: Session): string {
  const sections: string[][] = [];
  const variables = Object.entries(plan.variables);
  if (variables.length > 0) {
    sections.push([out.bold('Variables'), ...columns(variables.map(([name, v]) => [name, v.type, v.sensitive ? 'secret' : v.value === undefined ? '' : showValue(v.value), v.description ?? '']), '  ')]);
  }
  if (plan.data.length > 0) sections.push([out.bold('Data'), ...columns(plan.data.map(d => [d.path, d.kind.replace(/^data\//, ''), d.outputs.join(', ')]), '  ')]);
  for (const build of [...new Set(plan.targets.map(t => t.build))].sort()) {
    const about = descriptions.get(build), lines = [`${out.bold(build)}${about === undefined ? '' : `  ${out.dim(about)}`}`];
    for (const target of plan.targets.filter(t => t.build === build)) {
      lines.push(`  ${out.cyan(target.path)}${target.after.length === 0 ? '' : `  on ${target.after.join(', ')}`}`);
      lines.push(...columns(stepsOf(target).map(([what, step]) => [what, step.path, out.dim(step.at ?? '')]), '    '));
    }
    sections.push(lines);
  }
  return sections.map(s => s.join('\n')).join('\n\n') || 'The program is empty.';
}

function details(target: Target, { out }: Session): string {
  const lines = [`${out.bold(target.path)}${target.at === undefined ? '' : `  ${out.dim(target.at)}`}`];
  if (target.after.length > 0) lines.push(`  stands on ${target.after.join(', ')}`);
  for (const [what, step] of stepsOf(target)) {
    lines.push('', `  ${out.cyan(`${what}: ${step.kind.slice(step.kind.indexOf('/') + 1)}`)}  ${step.path}${step.at === undefined ? '' : `  ${out.dim(step.at)}`}`);
    const settings = (step as Partial<PlannedStep>).settings ?? {};
    const rows = [...Object.entries(step.props as JsonObject).map(([name, value]) => [name, showValue(value)]), ...Object.entries(settings).map(([name, value]) => [name, typeof value === 'number' && name !== 'maxRetries' ? duration(value) : showValue(value)])];
    lines.push(...columns(rows, '    '));
  }
  return lines.join('\n');
}

function stepsOf(target: Target): [what: string, step: PlannedComponent][] {
  return [
    ['source', target.source], ...target.provisioners.map((p, i): [string, PlannedComponent] => [`step ${i + 1}`, p]), ...target.errorCleanup.map((p): [string, PlannedComponent] => ['after an error', p]),
    ...target.postProcessors.flatMap(sequence => sequence.map((p, i): [string, PlannedComponent] => [i === 0 ? 'post-processor' : 'and then', p])),
  ];
}
