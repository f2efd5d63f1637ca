/** What every post-processor driver promises: each implementation runs this suite. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { PostProcessor } from '../../lib/constructs/component.js';
import { App, FileSource, ImageBuild } from '../../lib/index.js';
import type { Artifact, PostProcessed } from '../../lib/runtime/driver.js';
import { synth } from '../../lib/synth/synth.js';
import { type DriverContext, driverContext } from '../support/driver-context.js';
import { ready, type ReadyComponent } from '../support/planned.js';

export interface PostProcessorFixture {
  postProcessor(folder: string): PostProcessor;
  /** What it is given. Left out: an artifact of one file. */
  input?(folder: string): Promise<Artifact> | Artifact;
}

/** Call it inside of `describe`. `type`: which post-processor it is; a test looks for it in the text of the tests, so that none is missed. */
export function postProcessorContract(type: string, fixture: () => PostProcessorFixture): void {
  let at: DriverContext, its: ReadyComponent, input: Artifact;
  beforeEach(async () => {
    const wanted = fixture();
    at = await driverContext();
    const app = new App(), { folder } = at;
    new ImageBuild(app, 'test', { sources: [new FileSource({ target: 'image' })], postProcessors: [wanted.postProcessor(folder) as never] });
    const { plan } = synth(app, { folder });
    its = await ready(plan, plan.targets[0]!.postProcessors[0]![0]!, folder);
    input = await wanted.input?.(folder) ?? fileArtifact(join(folder, 'image'), 'an image');
    return () => at.end();
  });
  const run = async (): Promise<PostProcessed> => await its.driver.run(its.props, input, at.ctx) as PostProcessed;

  test('it is the one that is meant, and says what it changes', () => { expect([its.key, ['local', 'outside'].includes(its.driver.effects as string)]).toEqual([`post-processor/${type}`, true]); });

  test('finds nothing wrong before the start, and takes props that are not known yet', async () => {
    expect(await its.driver.preflight?.(its.props, at.ctx) ?? []).toEqual([]);
    for (const name of Object.keys(its.props as object)) await its.driver.preflight?.({ ...its.props as object, [name]: undefined } as never, at.ctx);
  });

  test('what it makes is plain data, with its files as it says and all outputs of its kind, and it leaves nothing else open', async () => {
    const { artifact, keepInput, wrote = [] } = await run();
    expect(JSON.parse(JSON.stringify(artifact))).toEqual(artifact);
    expect(['yes', 'no', 'must']).toContain(keepInput);
    expect(Object.keys(artifact.outputs)).toEqual(expect.arrayContaining([...its.outputs]));
    for (const { path, size, digest } of artifact.files) expect({ size: readFileSync(path).length, digest: digestOf(readFileSync(path)) }).toEqual({ size, digest });
    expect(wrote.filter(file => !existsSync(file))).toEqual([]);
    if (its.driver.present) expect(await its.driver.present(artifact)).toBe(true);
    await at.endScope();
    expect(await at.left()).toEqual([]);
  });

  test('what it is given is as it was afterwards', async () => {
    const before = JSON.stringify(input), files = input.files.map(f => readFileSync(f.path));
    await run();
    expect(JSON.stringify(input)).toBe(before);
    expect(input.files.map(f => readFileSync(f.path))).toEqual(files);
  });

  test('what was cancelled before it began ends with the reason, and leaves nothing', async () => {
    at.abort.abort(new Error('cancelled by the test'));
    await expect(run()).rejects.toThrow('cancelled by the test');
    await at.endScope('cancelled');
    expect(await at.left()).toEqual([]);
  });

  test('an artifact that passes through keeps its input', async () => {
    const { artifact, keepInput } = await run();
    if (artifact.id === input.id && input.files.every(f => artifact.files.some(made => made.path === f.path))) expect(keepInput).not.toBe('no');
  });
}

/** An artifact of one file, written now. */
export function fileArtifact(path: string, content: string | Uint8Array): Artifact {
  writeFileSync(path, content);
  return { madeBy: 'source/file', id: path, files: [{ path, digest: digestOf(readFileSync(path)), size: readFileSync(path).length, mode: 0o644 }], data: {}, outputs: { path } };
}
const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
