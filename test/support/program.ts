/** A program in a folder of its own, synthesized and run for one test; all of it is removed when the test ends. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { App } from '../../lib/index.js';
import type { Event } from '../../lib/events.js';
import type { Plan } from '../../lib/plan.js';
import type { RunResult } from '../../lib/runtime/results.js';
import { run, type RunOptions } from '../../lib/runtime/run.js';
import { synth } from '../../lib/synth/synth.js';

export interface TestProgram {
  readonly folder: string;
  readonly plan: Plan;
  readonly events: Event[];
  run(options?: RunOptions): Promise<RunResult>;
  read(file: string): Promise<string>;
}

export async function temporaryFolder(prefix = 'bake-test-'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** `describe` fills the app; files that it names must be in the folder by then. */
export async function program(describe: (app: App, folder: string) => unknown): Promise<TestProgram> {
  const folder = await temporaryFolder(), app = new App(), events: Event[] = [];
  await describe(app, folder);
  const { plan } = synth(app, { folder });
  return {
    folder, plan, events,
    run: (options = {}) => run(plan, { programFolder: folder, ...options, listen: [e => { events.push(e); }, ...[options.listen ?? []].flat()] }),
    read: file => readFile(join(folder, file), 'utf8'),
  };
}

/** What the steps printed, in order. */
export function outputOf(events: readonly Event[]): string {
  return events.flatMap(e => (e.type === 'output' ? [e.text] : [])).join('');
}
