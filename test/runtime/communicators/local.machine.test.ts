import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localCommunicator } from '../../../lib/runtime/communicators/local.js';
import { noCommunicator } from '../../../lib/runtime/communicators/none.js';
import { communicatorContract, run } from '../../contracts/communicator.js';

describe('the local communicator', () => {
  communicatorContract(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bake-local-'));
    return { guest: localCommunicator(), folder, close: async () => rmSync(folder, { recursive: true, force: true }) };
  });
  test('runs commands in the folder and with the environment that it was given', async () => {
    const guest = localCommunicator({ folder: '/', environment: { PATH: process.env['PATH'], A: 'b' } });
    expect((await run(guest, 'pwd; echo "$A"; echo "$HOME"')).out).toBe('/\nb\n\n');
  });
});

test('a machine without a communicator refuses commands with a remedy', async () => {
  await expect(noCommunicator().exec('true')).rejects.toMatchObject({ code: 'COMMUNICATOR_NONE', remedy: expect.stringContaining('communicator') as string });
  await noCommunicator()[Symbol.asyncDispose]();
});
