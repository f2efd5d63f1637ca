/** The two turns that policies get: to add steps, and to look at the result. */
import type { Construct } from 'constructs';
import { acknowledgementsOf } from '../constructs/acknowledge.js';
import type { BoundComponent } from '../constructs/bind.js';
import { type ImageBuild, isImageBuild } from '../constructs/image-build.js';
import type { Finding } from '../constructs/policy.js';
import { byCodeUnit } from '../json.js';
import type { Plan } from '../plan.js';
import type { Severity } from '../problems.js';
import { suggest } from '../suggest.js';
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
  const accepted: { policy: string; path: string; reason: string }[] = [];
  for (const policy of program.app.policies) {
    for (const build of program.builds) {
      const report = (severity: Severity) => (finding: Finding): void => {
        const bound = finding.component === undefined ? undefined : boundIn(build, finding.component);
        const found = acknowledgement(build, bound, policy.id), path = bound?.node.path ?? build.node.path;
        problems.add({
          code: `POLICY ${policy.id}`, severity: found === undefined ? severity : 'info', path, ...(finding.field === undefined ? {} : { field: finding.field }),
          message: finding.message, remedy: found === undefined ? finding.remedy ?? `Mend it, or accept it: acknowledge('${policy.id}', reason) on the build.` : undefined,
          at: finding.component?.at ?? build.at, acknowledged: found?.reason,
        });
        if (found !== undefined && !accepted.some(a => a.policy === policy.id && a.path === found.path)) accepted.push({ policy: policy.id, path: found.path, reason: found.reason });
      };
      if (policy.check !== undefined) guarded(policy.id, build, problems, () => policy.check!(build, { error: report('error'), warning: report('warning'), info: report('info') }));
    }
  }
  checkAcknowledgements(program, problems);
  return accepted.sort((a, b) => byCodeUnit(a.policy, b.policy) || byCodeUnit(a.path, b.path));
}

/** What accepts a finding: said of the component, else of its build, else of a construct above. The last word counts. */
function acknowledgement(build: ImageBuild, bound: Construct | undefined, policy: string): { readonly reason: string; readonly path: string } | undefined {
  const own = acknowledgementsOf(build).filter(a => a.policy === policy);
  const ofComponent = bound === undefined ? undefined : own.filter(a => a.component !== undefined && `${build.node.path}/${a.component}` === bound.node.path).at(-1);
  if (ofComponent !== undefined) return { reason: ofComponent.reason, path: bound!.node.path };
  for (const scope of [...build.node.scopes].reverse()) {
    const said = acknowledgementsOf(scope).filter(a => a.policy === policy && a.component === undefined).at(-1);
    if (said !== undefined) return { reason: said.reason, path: build.node.path };
  }
  return undefined;
}

/** Acknowledgements that can never accept anything: of a policy or a component that is not there, or without a reason. */
function checkAcknowledgements(program: Program, problems: ProblemSink): void {
  const ids = program.app.policies.map(p => p.id);
  for (const scope of program.app.node.findAll()) {
    for (const { policy, reason, component } of acknowledgementsOf(scope)) {
      const { at } = scope as { at?: Error }, found = { code: 'BAD_ACKNOWLEDGEMENT', path: scope.node.path, at };
      const near = suggest(policy, ids);
      if (reason.trim() === '') problems.add({ ...found, message: `the findings of '${policy}' are accepted without a reason`, remedy: 'Say why: it stands in the plan.' });
      if (!ids.includes(policy) && near !== undefined) problems.add({ ...found, severity: 'warning', message: `there is no policy '${policy}' to accept findings of`, remedy: `Did you mean '${near}'?` });
      if (component !== undefined && isImageBuild(scope) && !componentsOf(scope).some(c => c.node.path === `${scope.node.path}/${component}`)) {
        const names = componentsOf(scope).map(c => c.node.path.slice(scope.node.path.length + 1));
        problems.add({ ...found, message: `this build has no component '${component}' to accept findings of`, remedy: `Its components are: ${names.join(', ')}.` });
      }
    }
  }
}

const componentsOf = (build: ImageBuild): readonly BoundComponent[] => [...build.sources, ...build.provisioners, ...build.errorCleanup, ...build.postProcessors.flat()];

function boundIn(build: ImageBuild, component: object): Construct | undefined {
  return componentsOf(build).find(b => b.component === component);
}

function guarded(policy: string, build: ImageBuild, problems: ProblemSink, work: () => void): void {
  try {
    work();
  } catch (error) {
    problems.add({ code: `POLICY ${policy}`, path: build.node.path, at: build.at, message: `the policy itself failed: ${(error as Error).message}`, remedy: 'Mend the policy.' });
  }
}
