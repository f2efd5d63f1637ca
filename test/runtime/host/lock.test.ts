import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lock, withLock } from '../../../lib/runtime/host/lock.js';
import { thisProcess } from '../../../lib/runtime/host/process-identity.js';
import { temporaryFolder } from '../../support/program.js';

describe('a lock', () => {
  it('is held by one at a time, and leaves nothing behind', async () => {
    const folder = await temporaryFolder(), file = join(folder, 'deep/x.lock');
    let inside = 0, most = 0;
    await Promise.all(Array.from({ length: 10 }, () => withLock(file, async () => {
      most = Math.max(most, ++inside);
      await new Promise(resolve => setTimeout(resolve, 2));
      inside--;
    })));
    expect(most).toBe(1);
    expect(await readdir(dirname(file))).toEqual([]);
  });

  it('of a dead process is taken over, by one of many', async () => {
    const folder = await temporaryFolder(), file = join(folder, 'x.lock');
    for (let round = 0; round < 8; round++) {
      await writeFile(file, JSON.stringify({ ...thisProcess(), start: '1', token: `dead-${round}` }));
      let inside = 0, most = 0;
      await Promise.all(Array.from({ length: 6 }, () => withLock(file, async () => {
        most = Math.max(most, ++inside);
        await new Promise(resolve => setImmediate(resolve));
        inside--;
      })));
      expect(most).toBe(1);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('that stays taken is an error that names the holder', async () => {
    const folder = await temporaryFolder(), file = join(folder, 'x.lock');
    const release = await lock(file);
    await expect(lock(file, { budget: 50 })).rejects.toMatchObject({ code: 'LOCK_BUSY', message: expect.stringContaining(`process ${process.pid}`) });
    await expect(lock(file, { signal: AbortSignal.timeout(20) })).rejects.toThrow();
    await release();
    await (await lock(file))();
    await mkdir(join(folder, 'still-usable'));
  });

  it('of a process on another computer is not taken over', async () => {
    const folder = await temporaryFolder(), file = join(folder, 'x.lock');
    await writeFile(file, JSON.stringify({ pid: 1, start: '1', world: 'elsewhere boot pid:[1]', token: 't' }));
    await expect(lock(file, { budget: 30 })).rejects.toMatchObject({ code: 'LOCK_BUSY' });
  });
});
