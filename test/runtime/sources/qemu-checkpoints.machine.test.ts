import { afterAll, beforeAll, expect, test } from 'vitest';
import { requires } from '../../support/machine.js';
import { killMachineAndLook, makePlace, type Phase, phases, type Place } from './qemu-builds.js';

requires('qemu')('after kill -9 of a build on a machine of QEMU', () => {
  let place: Place, byte = 100;
  beforeAll(async () => { place = await makePlace(); }, 120_000);
  afterAll(async () => { await place?.[Symbol.asyncDispose](); });

  test.each(Object.keys(phases) as Phase[])('while %s, gc leaves nothing, the store verifies, and the next build has the right disk', async phase => {
    // Three moments; `npm run soak -- checkpoints` tries many.
    for (const milliseconds of [0, 30, 120]) expect((await killMachineAndLook(place, phase, milliseconds, byte++)).wrong, `${milliseconds} ms`).toEqual([]);
  }, 180_000);
});
