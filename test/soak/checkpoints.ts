import { killAndLook, phases } from '../runtime/checkpoints/killed-builds.js';
import { killMachineAndLook, makePlace, type Phase, phases as machinePhases } from '../runtime/sources/qemu-builds.js';
import { has } from '../support/needs.js';
import type { Soak } from './main.js';

export default {
  about: 'builds killed while saving, resuming, capturing and pruning, at random moments, on a kind of the tests and on machines of QEMU; the next is right and the store verifies [moments of each, seed]',
  async run([moments = '20', seed = String(Date.now() % 1e9)], say) {
    const wrong: string[] = [], random = seeded(Number(seed));
    say(`the same moments again: npm run soak -- checkpoints ${moments} ${seed}`);
    const series = async (what: string, within: number, kill: (milliseconds: number) => Promise<{ readonly killed: boolean; readonly wrong: readonly string[] }>): Promise<void> => {
      let killed = 0;
      for (let i = 0; i < Number(moments); i++) {
        const milliseconds = Math.floor(random() * within), result = await kill(milliseconds);
        if (result.killed) killed++;
        wrong.push(...result.wrong.map(line => `${what}, after ${milliseconds} ms: ${line}`));
      }
      // One that was done before its moment came proves nothing of a kill.
      say(`${what}: ${killed} of ${moments} were killed in time${wrong.length > 0 ? `; ${wrong.length} wrong so far` : ''}`);
    };
    // A prune of a few small files is done at once.
    for (const phase of phases) await series(phase, phase === 'pruning' ? 15 : 150, milliseconds => killAndLook(phase, milliseconds));
    if (has('qemu')) {
      await using place = await makePlace();
      let byte = 1;
      // A save and a resume take a third of a second, the last phases less.
      for (const phase of Object.keys(machinePhases) as Phase[]) await series(`${phase}, QEMU`, phase === 'saving' || phase === 'resuming' ? 400 : 150, milliseconds => killMachineAndLook(place, phase, milliseconds, byte++ % 200 + 40));
    }
    if (wrong.length > 0) throw new Error(`not everything was right:\n${wrong.join('\n')}`);
    say('every next build was right, and the store verified');
  },
} satisfies Soak;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
