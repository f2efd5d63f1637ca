/** The two turns that policies get: to add steps, and to look at the result. */
import type { Construct } from 'constructs';
import type { ImageBuild } from '../constructs/image-build.js';
import type { Finding } from '../constructs/policy.js';
import type { Plan } from '../plan.js';
import type { Severity } from '../problems.js';
import type { Program } from './collect.js';
import type { ProblemSink } from './problem-sink.js';

/** Which builds a policy has extended already: a program may be synthesized more than once. */
const extended = new WeakMap<object, WeakSet<ImageBuild>>();

export function extendByPolicies(program: Program, problems: ProblemSink): void {
  for (const policy of program.app.policies) {
    if (policy.extend === undefined) continue;
    const done = extended.get(policy) ?? new WeakSet<ImageBuild>();
    extended.set(policy, done);
    for (const build of program.builds) {
      if (done.has(build)) continue;
      done.add(build);
      guarded(policy.id, build, problems, () => policy.extend!(build));
    }
  }
}

/** Returns the findings that were accepted, with the reasons. */
export function checkPolicies(program: Program, problems: ProblemSink): NonNullable<Plan['acknowledged']> {
  const acknowledged: { policy: string; path: string; reason: string }[] = [];
  for (const policy of program.app.policies) {
    for (const build of program.builds) {
      const reason = acknowledgement(build, policy.id);
      const report = (severity: Severity) => (finding: Finding): void => {
        const bound = finding.component === undefined ? undefined : boundIn(build, finding.component);
        problems.add({
          code: `POLICY ${policy.id}`, severity: reason === undefined ? severity : 'info', path: bound?.node.path ?? build.node.path, ...(finding.field === undefined ? {} : { field: finding.field }),
          message: finding.message, remedy: reason === undefined ? finding.remedy ?? `Mend it, or accept it: acknowledge('${policy.id}', reason) on the build.` : undefined,
          at: finding.component?.at ?? build.at, acknowledged: reason,
        });
        if (reason !== undefined && !acknowledged.some(a => a.policy === policy.id && a.path === build.node.path)) acknowledged.push({ policy: policy.id, path: build.node.path, reason });
      };
      if (policy.check !== undefined) guarded(policy.id, build, problems, () => policy.check!(build, { error: report('error'), warning: report('warning'), info: report('info') }));
    }
  }
  return acknowledged;
}

/** A build's own, or that of a construct above it. */
function acknowledgement(build: ImageBuild, policy: string): string | undefined {
  for (const scope of [...build.node.scopes].reverse() as (Construct & { acknowledgements?: Map<string, string> })[]) {
    const reason = scope.acknowledgements?.get(policy);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function boundIn(build: ImageBuild, component: object): Construct | undefined {
  return [...build.sources, ...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()].find(b => b.component === component);
}

function guarded(policy: string, build: ImageBuild, problems: ProblemSink, work: () => void): void {
  try {
    work();
  } catch (error) {
    problems.add({ code: `POLICY ${policy}`, path: build.node.path, at: build.at, message: `the policy itself failed: ${(error as Error).message}`, remedy: 'Mend the policy.' });
  }
}

