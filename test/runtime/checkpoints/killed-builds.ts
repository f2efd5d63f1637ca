/** Kills a build on the scratch kind at some moment of a phase, and looks whether the next one is right. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { makeRegistry } from '../../../lib/runtime/registry.js';
import { kinds } from './scratch.js';
import { scratchBuild, type ScratchBuild } from './scratch-build.js';

export const phases = ['saving', 'resuming', 'capturing', 'pruning'] as const;
export type Phase = (typeof phases)[number];

const script = fileURLToPath(new URL('./scratch-build.ts', import.meta.url)), root = fileURLToPath(new URL('../../..', import.meta.url));

/** Starts a build in a process of its own; `said` is called with each line it says. */
export function startBuild(folder: string, build: ScratchBuild, said: (line: string, kill: () => void) => void = () => {}): { readonly ended: Promise<{ readonly signal: string | null; readonly out: string }> } {
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder, JSON.stringify(build)], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '', rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += String(chunk);
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) said(line, () => { child.kill('SIGKILL'); });
  });
  child.stderr.on('data', (chunk: Buffer) => { out += String(chunk); });
  return { ended: new Promise(resolve => child.once('close', (_code, signal) => resolve({ signal, out }))) };
}

/** What is wrong after a kill, `milliseconds` into a phase; nothing: all is well. `killed`: whether the process still lived then. */
export async function killAndLook(phase: Phase, milliseconds: number): Promise<{ readonly killed: boolean; readonly wrong: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'bake-killed-')), store = new CheckpointStore(join(folder, 'store')), wrong: string[] = [];
  try {
    const steps = ['a', 'b', 'c'], bytes = 3_000_000;
    // Where the machine resumes, there has to be one that was saved.
    if (phase === 'resuming') await scratchBuild(folder, { name: 'web', steps: [...steps, 'before'], bytes });
    const { signal, out } = await startBuild(folder, { name: 'web', steps: [...steps, 'last'], bytes, slow: 5, ...(phase === 'pruning' ? { prune: 4_000_000 } : {}) }, (line, kill) => {
      if (line === phase) setTimeout(kill, milliseconds);
    }).ended;
    if (signal === null && !out.includes('done ')) wrong.push(`it failed by itself: ${out}`);
    const { failed } = await collectGarbage(join(folder, '.bake'), { registry: makeRegistry({ kinds }) });
    for (const { entry, error } of failed) wrong.push(`gc: ${entry.what} ${entry.name}: ${error}`);
    const verified = await store.verify();
    if (verified.damaged.length > 0 || verified.records.length > 0) wrong.push(`the store: ${JSON.stringify(verified)}`);
    const next = await scratchBuild(folder, { name: 'web', steps: [...steps, 'last'], bytes });
    if (next.exit !== 0) wrong.push(`the next build ended with ${next.exit}`);
    const made = readFileSync(join(folder, 'web.txt'), 'utf8');
    if (made !== 'base\na\nb\nc\nlast') wrong.push(`it made ${JSON.stringify(made)}`);
    const left = (await readdir(folder)).filter(name => !['store', '.bake', 'web.txt', 'ran'].includes(name));
    if (left.length > 0) wrong.push(`left behind: ${left.join(', ')}`);
    if ((await store.prune({ all: true })).left > 20_000_000) wrong.push('the store cannot be emptied');
    return { killed: signal === 'SIGKILL', wrong };
  } finally { rmSync(folder, { recursive: true, force: true }); }
}
