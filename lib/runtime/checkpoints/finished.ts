/** Targets, artifacts and steps that are done already: known by key, and looked at before they are believed. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { canonicalJson } from '../../json.js';
import type { PlannedPostProcessor, Target } from '../../plan.js';
import { outputKey } from '../../values.js';
import type { Artifact } from '../driver.js';
import { fileRef } from '../host/file-ref.js';
import type { RunScope } from '../run-scope.js';
import type { RunState } from '../run-state.js';
import { TargetContext } from '../target-context.js';
import { postProcessorKey, stepKey } from './keys.js';
import { lateInputs } from './late-inputs.js';
import { type CheckpointOptions, steers } from './options.js';
import { Progress } from './progress.js';
import type { CheckpointRecord } from './store.js';

/** A target with nothing to do: its source's artifact (for those that stand on it), and what was there at its end. */
export interface Finished { readonly source: Artifact; readonly artifacts: readonly Artifact[]; readonly outputs: NonNullable<CheckpointRecord['outputs']> }

/** Looks which targets are up to date, bases first; fills in what others need of them. Steps that run on this computer each time keep a target out. */
export async function findFinished(run: RunState, targets: readonly Target[], root: RunScope): Promise<Map<string, Finished>> {
  const finished = new Map<string, Finished>();
  if (run.checkpoints === undefined) return finished;
  for (const [index, target] of targets.entries()) {
    if (!mayBeFinished(target, run.checkpoints)) continue;
    if (target.after.some(base => targets.some(t => t.path === base) && !finished.has(base))) continue;
    const context = new TargetContext(run, target, index);
    const progress = await Progress.of(context, run.checkpoints, root, { fetch: false }).catch(() => undefined);
    const found = progress && await finishedTarget(progress).catch(() => undefined);
    if (found === undefined) {
      const key = progress?.captureKey();
      if (key !== undefined && await presentArtifact(progress!, key).catch(() => undefined)) run.standing.add(target.path);
      continue;
    }
    finished.set(target.path, found);
    provide(run, target, found.source);
    for (const [key, outputs] of Object.entries(found.outputs)) run.outputs.set(key, outputs);
  }
  return finished;
}

/** Whether a target with nothing to do is left alone at all. */
export function mayBeFinished(target: Target, options: CheckpointOptions | undefined): boolean {
  return options !== undefined && options.use !== false && !steers(target, options);
}

/** What a target made before, where it is all there and nothing that led to it has changed. */
export async function finishedTarget(progress: Progress): Promise<Finished | undefined> {
  const { target } = progress.context;
  for (const [i] of target.provisioners.entries()) if (progress.effects(i) !== 'guest' && !await hasMade(progress, i)) return undefined;
  const key = targetKey(progress);
  const record = key === undefined ? undefined : await progress.shelf.find(key, target.path);
  if (record?.artifact === undefined || record.artifacts === undefined || !progress.isFresh(record)) return undefined;
  for (const artifact of record.artifacts) if (!await isPresent(progress, artifact, record)) return undefined;
  return { source: record.artifact, artifacts: record.artifacts, outputs: record.outputs ?? {} };
}

/** What a target's artifact is to others. */
export function provide(run: RunState, target: Target, artifact: Artifact): void {
  run.outputs.set(target.path, artifact.outputs);
  run.images.set(target.path, { target: target.path, id: artifact.id, files: artifact.files, outputs: artifact.outputs });
}

/** What the steps and post-processors of a target gave, by `outputKey`. */
export function outputsOf(run: RunState, target: Target, steps: readonly { readonly path: string }[] = [...target.provisioners, ...target.postProcessors.flat()]): NonNullable<CheckpointRecord['outputs']> {
  return Object.fromEntries(steps.map(({ path }) => outputKey({ target: target.path, of: path })).flatMap(key => (run.outputs.has(key) ? [[key, run.outputs.get(key)!]] : [])));
}

/** The key of a whole target: of its artifact, and of everything that is done with it. */
export function targetKey(progress: Progress): string | undefined {
  const capture = progress.captureKey();
  if (capture === undefined) return undefined;
  const { target, run } = progress.context, parts: string[] = [capture], late = lateInputs(run);
  for (const sequence of target.postProcessors) {
    for (const p of sequence) parts.push(canonicalJson([p.kind, p.own, p.keepInputArtifact ?? null]));
    parts.push('end');
  }
  return late.missing.size > 0 ? undefined : createHash('sha256').update(canonicalJson(['target', ...parts])).digest('hex');
}

/** The artifact that a key stands for, where it is still there, unchanged. */
export async function presentArtifact(progress: Progress, key: string): Promise<CheckpointRecord & { readonly artifact: Artifact } | undefined> {
  if (progress.options.use === false || steers(progress.context.target, progress.options, ['from'])) return undefined;
  const record = await progress.shelf.find(key, progress.context.target.path);
  if (record?.artifact === undefined || !progress.isFresh(record) || !await isPresent(progress, record.artifact, record)) return undefined;
  progress.takeOver(record);
  return record as CheckpointRecord & { readonly artifact: Artifact };
}

/** What a post-processor made of this very input: known by the input's content and place. */
export async function keyOfPostProcessor(progress: Progress, input: Artifact, planned: PlannedPostProcessor): Promise<string | undefined> {
  const { run, target } = progress.context, late = lateInputs(run);
  const { madeBy, id, files } = input, known = canonicalJson([run.folders.program, target.path, madeBy, id, files.map(f => [f.path, f.digest])]);
  const key = postProcessorKey(known, await run.registry.kind(planned.kind), planned, late);
  return late.missing.size === 0 ? key : undefined;
}

/** Whether a step on this computer needs no repeating: all that it makes is there, and nothing that led to it changed. */
export async function hasMade(progress: Progress, index: number): Promise<boolean> {
  const key = await madeKey(progress, index);
  if (key === undefined) return false;
  const { target, run } = progress.context, step = target.provisioners[index]!;
  if (!step.settings.creates!.every(path => existsSync(resolve(run.folders.program, path)))) return false;
  const record = await progress.shelf.find(key, step.path), { expires } = step.settings;
  return record !== undefined && (expires === undefined || record.created + expires >= Date.now());
}

/** Undefined: the step does not say what it makes. */
export async function madeKey(progress: Progress, index: number): Promise<string | undefined> {
  const { target, run } = progress.context, step = target.provisioners[index]!, before = progress.key(index - 1);
  if (before === undefined || (step.settings.creates ?? []).length === 0 || progress.options.use === false) return undefined;
  const late = lateInputs(run);
  const key = stepKey(`made in ${run.folders.program} ${before}`, await run.registry.kind(step.kind), step, late);
  return late.missing.size === 0 ? key : undefined;
}

export async function stampsOf(artifacts: readonly Artifact[]): Promise<{ readonly [path: string]: string }> {
  const stamps: { [path: string]: string } = {};
  for (const { path } of artifacts.flatMap(a => a.files)) {
    const stamp = await stampOf(path);
    if (stamp !== undefined) stamps[path] = stamp;
  }
  return stamps;
}

async function stampOf(path: string): Promise<string | undefined> {
  return stat(path).then(s => `${s.size}:${s.mtimeMs}:${s.ino}`, () => undefined);
}

async function isPresent(progress: Progress, artifact: Artifact, record: CheckpointRecord): Promise<boolean> {
  if (!(record.wrote ?? []).every(path => existsSync(path))) return false;
  for (const file of artifact.files) {
    const stamp = await stampOf(file.path);
    if (stamp === undefined) return false;
    if (stamp !== record.stamps?.[file.path] && (await fileRef(file.path)).digest !== file.digest) return false;
  }
  if (artifact.files.length > 0) return true;
  const driver = await progress.context.run.registry.driver(artifact.madeBy);
  return driver.present ? driver.present(artifact) : driver.effects === 'outside';
}
