/** Post-processors of one target: every sequence starts from the source's artifact; what nobody keeps is removed once all has succeeded. */
import { rm } from 'node:fs/promises';
import type { PlannedPostProcessor, Target } from '../plan.js';
import { outputKey } from '../values.js';
import { keyOfPostProcessor, presentArtifact, stampsOf } from './checkpoints/finished.js';
import type { Progress } from './checkpoints/progress.js';
import type { Artifact, PostProcessed } from './driver.js';
import type { RunScope } from './run-scope.js';
import type { TargetContext } from './target-context.js';

type Step = <T>(label: string, planned: PlannedPostProcessor, work: (here: RunScope) => Promise<T>) => Promise<T>;

/** Returns the artifacts that are there at the end, and files that were written beside them. */
export async function postProcess(
  source: Artifact, target: Target, context: TargetContext, scope: RunScope, progress: Progress | undefined, step: Step,
): Promise<{ readonly artifacts: readonly Artifact[]; readonly wrote: readonly string[] }> {
  if (target.postProcessors.length === 0) return { artifacts: [source], wrote: [] };
  const all: string[] = [], kept = new Set<Artifact>(), made = new Set<Artifact>([source]);
  // Others start from it, so it stays whatever the post-processors say.
  if (context.run.plan.targets.some(t => t.after.includes(target.path))) kept.add(source);
  for (const sequence of target.postProcessors) {
    let input = source;
    for (const planned of sequence) {
      const key = progress && await keyOfPostProcessor(progress, input, planned);
      const { artifact, keepInput, wrote = [] } = await doneBefore(progress, key, planned, context) ?? await step(planned.path, planned, async here => {
        const { driver, props } = await context.ready(planned);
        const result = await context.with(planned.path, here, ctx => driver.run(props, input, ctx) as Promise<PostProcessed>);
        if (key !== undefined) await progress!.remember(key, { what: 'artifact', artifact: result.artifact, data: { keepInput: result.keepInput }, wrote: result.wrote ?? [], stamps: await stampsOf([result.artifact]) });
        return result;
      });
      context.run.outputs.set(outputKey({ target: target.path, of: planned.path }), artifact.outputs);
      if (keepInput === 'must' || (planned.keepInputArtifact ?? keepInput === 'yes')) kept.add(input);
      if (artifact !== input) scope.emit({ type: 'artifact', id: artifact.id, files: artifact.files.map(f => f.path), outputs: artifact.outputs });
      made.add(artifact);
      all.push(...wrote);
      input = artifact;
    }
    kept.add(input);
  }
  for (const artifact of made) if (!kept.has(artifact)) await remove(artifact, kept, context, scope);
  return { artifacts: [...made].filter(artifact => kept.has(artifact)), wrote: [...new Set(all)] };
}

/** What a post-processor made of this very input before: still there, or, where its effect is outside, done. */
async function doneBefore(progress: Progress | undefined, key: string | undefined, planned: PlannedPostProcessor, context: TargetContext): Promise<PostProcessed | undefined> {
  const record = progress === undefined || key === undefined ? undefined : await presentArtifact(progress, key);
  if (record === undefined) return undefined;
  context.run.stream.emit([context.target.path, planned.path], { type: 'step-end', label: planned.path, outcome: 'cached', milliseconds: 0 });
  return { artifact: record.artifact, keepInput: (record.data as unknown as PostProcessed).keepInput, wrote: record.wrote ?? [] };
}

/** A file that a kept artifact has too stays; so does what the platform knows by the same id. */
async function remove(artifact: Artifact, kept: ReadonlySet<Artifact>, context: TargetContext, scope: RunScope): Promise<void> {
  const staying = new Set([...kept].flatMap(k => k.files.map(f => f.path)));
  const files = artifact.files.filter(f => !staying.has(f.path));
  scope.emit({ type: 'note', message: `Removing ${files.length > 0 ? files.map(f => f.path).join(', ') : artifact.id}: it was an intermediate result.`, detail: true });
  const driver = await context.run.registry.driver(artifact.madeBy);
  if (driver.destroy && ![...kept].some(k => k.id === artifact.id && k.madeBy === artifact.madeBy)) return driver.destroy({ ...artifact, files });
  for (const { path } of files) await rm(path, { recursive: true, force: true });
}
