/** Looks for what would fail later, in all targets at once, before anything slow starts. */
import { problemData } from '../errors.js';
import { isObject, type Json } from '../json.js';
import type { PlannedComponent, Target } from '../plan.js';
import type { Problem } from '../problems.js';
import { fieldsOf } from '../fields.js';
import { Progress } from './checkpoints/progress.js';
import type { RunScope } from './run-scope.js';
import type { RunState } from './run-state.js';
import { mapLimited } from './scheduler.js';
import { readSecret } from './secrets/secrets.js';
import { TargetContext } from './target-context.js';

/** Every problem of every target. */
export async function preflight(run: RunState, targets: readonly Target[], root: RunScope): Promise<Problem[]> {
  const found = await mapLimited(targets, 8, async (target, index) => {
    const context = new TargetContext(run, target, index);
    const components = [...(run.standing.has(target.path) ? [] : [target.source]), ...target.provisioners, ...target.errorCleanup, ...target.postProcessors.flat()];
    return (await Promise.all(components.map(planned => check(context, planned, root)))).flat();
  });
  return [...found.flat(), ...await sharedOutputs(run, targets)];
}

/** Every problem of one component. */
export async function check(context: TargetContext, planned: PlannedComponent, root: RunScope): Promise<Problem[]> {
  const place = { severity: 'error', path: planned.path, ...(planned.at === undefined ? {} : { at: planned.at }) } as const;
  try {
    const { driver, props } = await context.ready(planned, 'later');
    if (!driver.preflight) return [];
    // What this run goes on from is no obstacle to it.
    if (driver.complete && planned === context.target.source) context.key = (await Progress.of(context, context.run.checkpoints, root, { fetch: false }))?.captureKey();
    // Nothing it prints is worth a step of its own; what it makes, it removes.
    const { ctx, end } = context.make(planned.path, root);
    try {
      return (await driver.preflight(props, ctx)).map(problem => ({ ...place, ...problem }));
    } finally {
      end();
    }
  } catch (error) {
    return [{ ...place, ...problemData(error, 'PREFLIGHT') }];
  }
}

/** Two sources that write to one place would replace each other's image. */
async function sharedOutputs(run: RunState, targets: readonly Target[]): Promise<Problem[]> {
  const places = new Map<string, string>(), problems: Problem[] = [];
  for (const [index, target] of targets.entries()) {
    const ready = await new TargetContext(run, target, index).ready(target.source, 'later').catch(() => undefined);
    if (!ready) continue;
    const props = ready.props as { readonly [name: string]: unknown };
    for (const [name, field] of fieldsOf(ready.kind.fields)) {
      const place = props[name];
      if (field.type.is !== 'output-path' || typeof place !== 'string') continue;
      const other = places.get(place);
      if (other === undefined) places.set(place, target.path);
      else if (other !== target.path) {
        problems.push({
          code: 'PREFLIGHT_SHARED_OUTPUT', severity: 'error', path: target.path, field: name, ...(target.source.at === undefined ? {} : { at: target.source.at }),
          message: `${other} writes to ${place} too`, remedy: 'Give each its own place, for example with text`out/${host.sourceName}`.',
        });
      }
    }
  }
  return problems;
}

/** Reads every secret that the targets mention; they are hidden from everything from then on. */
export async function readSecrets(run: RunState, targets: readonly Target[], variables: { readonly [name: string]: string }, signal: AbortSignal): Promise<Problem[]> {
  const users = new Map<string, PlannedComponent>();
  for (const target of targets) {
    for (const component of [target.source, ...target.provisioners, ...target.errorCleanup, ...target.postProcessors.flat()]) {
      for (const name of secretsIn(component.props)) if (!users.has(name)) users.set(name, component);
    }
  }
  for (const component of run.plan.data) for (const name of secretsIn(component.props)) if (!users.has(name)) users.set(name, component);
  const problems = await mapLimited([...users], 4, async ([name, user]): Promise<Problem[]> => {
    try {
      const value = await readSecret(name, { variables, environment: run.environment, folder: run.folders.program, signal });
      run.secrets.set(name, value);
      if (value !== '' && !run.redactor.add(value)) run.stream.emit([], { type: 'warning', code: 'SECRET_SHORT', message: `The secret ${name} is shorter than three characters: it cannot be hidden in outputs.` });
      return [];
    } catch (error) {
      return [{
        severity: 'error', path: user.path, ...(user.at === undefined ? {} : { at: user.at }), ...problemData(error, 'SECRET_UNREADABLE'),
      }];
    }
  });
  return problems.flat();
}

function* secretsIn(value: Json): Generator<string> {
  if (Array.isArray(value)) { for (const item of value) yield* secretsIn(item); return; }
  if (!isObject(value)) return;
  if (typeof value['$secret'] === 'string' && !('$expr' in value)) yield value['$secret'];
  if (value['op'] === 'secret' && typeof value['secret'] === 'string') yield value['secret'];
  for (const member of Object.values(value)) yield* secretsIn(member as Json);
}
