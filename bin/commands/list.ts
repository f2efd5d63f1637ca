import { exitCodes } from '../../lib/errors.js';
import type { Plan, Target } from '../../lib/plan.js';
import { command, programFlags } from '../command.js';
import { openPlan } from '../plan-source.js';
import { columns, count } from '../show.js';

/** `bake list` */
export default command({
  usage: 'list [plan]', about: 'List the builds of the program, and their targets',
  positionals: { plan: { type: 'string', describe: 'A plan to list, in place of the program' } },
  flags: { ...programFlags, json: { type: 'boolean', default: false, describe: 'As JSON' } },
  async run(args, session) {
    const source = await openPlan(args.plan, args, session);
    if (source === undefined) return exitCodes.problems;
    const builds = [...new Set(source.plan.targets.map(t => t.build))].sort();
    const about = (build: string): string | undefined => source.descriptions.get(build);
    if (args.json) {
      session.json(builds.map(build => ({ build, ...(about(build) === undefined ? {} : { description: about(build) }), targets: targetsOf(source.plan, build).map(summary) })));
      return exitCodes.done;
    }
    const { out } = session, lines: string[] = [];
    const rows = columns(source.plan.targets.map(t => [t.path, typeOf(t), steps(t), t.after.length === 0 ? '' : `on ${t.after.join(', ')}`]), '  ');
    const rowOf = new Map(source.plan.targets.map((t, i) => [t, rows[i]!]));
    for (const build of builds) {
      lines.push(`${out.bold(build)}${about(build) === undefined ? '' : `  ${out.dim(about(build)!)}`}`, ...targetsOf(source.plan, build).map(t => rowOf.get(t)!));
    }
    session.print(lines.length === 0 ? 'The program has no builds.' : lines.join('\n'));
    return exitCodes.done;
  },
});

const targetsOf = (plan: Plan, build: string): readonly Target[] => plan.targets.filter(t => t.build === build).sort((a, b) => (a.path < b.path ? -1 : 1));
const typeOf = (target: Target): string => target.source.kind.replace(/^source\//, '');
const summary = (t: Target) => ({
  target: t.path, source: typeOf(t), provisioners: t.provisioners.length, postProcessors: t.postProcessors.flat().length, after: t.after,
});
function steps(t: Target): string {
  const post = t.postProcessors.flat().length;
  return [count(t.provisioners.length, 'step'), ...(post > 0 ? [count(post, 'post-processor')] : [])].join(', ');
}
