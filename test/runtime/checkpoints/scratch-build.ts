/**
 * A build on the scratch kind in a process of its own, for tests with several processes and for kills:
 * `scratch-build.ts <folder> <json: { store, name, steps, save, bytes, slow }>`. Says where it is, a word a line: `saving`, `resuming`, `capturing`, `pruning`; at the end `done <json>`.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { App, ImageBuild } from '../../../lib/index.js';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';
import { Add, gates, kinds, ran, ScratchSource, weight } from './scratch.js';

export interface ScratchBuild {
  readonly name: string;
  readonly steps: readonly string[];
  /** Bytes of each saved state. */
  readonly bytes?: number;
  /** Milliseconds that each step takes. */
  readonly slow?: number;
  /** Bytes that the store is pruned to at the end. */
  readonly prune?: number;
}

export interface ScratchResult { readonly exit: number; readonly ran: readonly string[]; readonly outcomes: readonly string[] }

/** The same in this process. */
export async function scratchBuild(folder: string, build: ScratchBuild, say: (word: string) => void = () => {}): Promise<ScratchResult> {
  const app = new App(), store = new CheckpointStore(join(folder, 'store'));
  new ImageBuild(app, build.name, { sources: [new ScratchSource({ image: 'base', output: `${build.name}.txt` })], provisioners: build.steps.map(line => new Add({ line })) });
  weight.bytes = build.bytes ?? 0;
  ran.length = 0;
  for (const line of build.steps) gates.set(line, { then: (resolve: (value: unknown) => void) => { void sleep(build.slow ?? 0).then(resolve); } } as unknown as Promise<unknown>);
  const result = await run(synth(app, { folder }).plan, {
    programFolder: folder, kinds, force: true, checkpoints: { store, save: 'always' },
    listen: event => {
      if (event.type !== 'step-start') return;
      const word = { save: 'saving', resume: 'resuming', capture: 'capturing' }[event.label];
      if (word !== undefined) say(word);
    },
  });
  if (build.prune !== undefined) { say('pruning'); await store.prune({ limit: build.prune }); }
  return { exit: result.exit, ran: [...ran], outcomes: result.targets.map(t => `${t.target} ${t.outcome}`) };
}

if (process.argv[2] !== undefined && process.argv[1]?.endsWith('scratch-build.ts') === true) {
  const [folder, build] = [process.argv[2], JSON.parse(process.argv[3]!) as ScratchBuild];
  const result = await scratchBuild(folder, build, word => { process.stdout.write(`${word}\n`); });
  appendFileSync(join(folder, 'ran'), result.ran.map(line => `${line}\n`).join(''));
  process.stdout.write(`done ${JSON.stringify(result)}\n`);
}
