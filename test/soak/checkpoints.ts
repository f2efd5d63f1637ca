import { killAndLook, phases } from '../runtime/checkpoints/killed-builds.js';
import type { Soak } from './main.js';

export default {
  about: 'builds killed while saving, resuming, capturing and pruning, at random moments; the next is right and the store verifies [moments of each]',
  async run([moments = '20'], say) {
    const wrong: string[] = [];
    for (const phase of phases) {
      let killed = 0;
      for (let i = 0; i < Number(moments); i++) {
        const milliseconds = Math.floor(Math.random() * 150), result = await killAndLook(phase, milliseconds);
        if (result.killed) killed++;
        wrong.push(...result.wrong.map(what => `${phase}, after ${milliseconds} ms: ${what}`));
      }
      // One that was done before its moment came proves nothing of a kill.
      say(`${phase}: ${killed} of ${moments} were killed in time`);
    }
    if (wrong.length > 0) throw new Error(`not everything was right:\n${wrong.join('\n')}`);
    say('every next build was right, and the store verified');
  },
} satisfies Soak;
