/** What is looked at in guests that go on from a saved machine, and in the images that come of them. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Seen } from './qemu-checkpoints-program.js';

/** What two builds of one program, or two moments of one system, leave differently on the disk; all else must be the same. */
const differs: readonly { readonly path: RegExp; readonly why: string }[] = [
  { path: /^\/var\/log\//, why: 'logs are of their time' },
];

/** Whether a line of `differencesOf` is about a file that differs by its nature. */
export const mayDiffer = (line: string): boolean => differs.some(({ path }) => path.test(line));

/** For each machine that runs now, the bytes that its files take on the disk, the memory of the guest aside. */
export function ownBytes(folder: string): number[] {
  const outputs = join(folder, 'output');
  return readdirSync(outputs).filter(name => /^\..*\.bake-/.test(name)).map(name => readdirSync(join(outputs, name)).filter(file => !file.startsWith('memory')).reduce((sum, file) => sum + statSync(join(outputs, name, file)).blocks * 512, 0));
}

/** Whether the guest's clock was right within a second: it was asked after its step began, and its answer was here before its output was. */
export function clockIsRight({ events }: Seen, build: string): boolean {
  const told = events.find(e => e.type === 'output' && e.step[0] === `${build}/qemu` && e.text.includes('TIME=')), begun = events.find(e => e.type === 'step-start' && e.label === `${build}/shell-3`);
  const guest = told?.type === 'output' ? Number(/TIME=(\d+)/.exec(told.text)![1]) / 1e6 : NaN;
  return guest > begun!.time - 1000 && guest < told!.time + 1000;
}

/** Seconds from the start of QEMU until the guest was logged in to anew. */
export function resumedIn({ events }: Seen, build: string): number {
  return events.reduce((sum, e) => e.type === 'step-end' && e.step[0] === `${build}/qemu` && e.step.length === 2 && ['resume', 'connect'].includes(e.label) ? sum + e.milliseconds / 1000 : sum, 0);
}

/** Figures are said, not held: other machines are slower. */
export const figures = (line: string): void => { process.stderr.write(`${line}\n`); };
