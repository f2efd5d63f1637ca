import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { requires } from '../../support/machine.js';
import { temporaryFolder } from '../../support/program.js';
import { faultServer } from '../../support/ssh-fault-server.js';
import { coldPhases } from './killed-qemu.js';

const script = fileURLToPath(new URL('./killed-qemu.ts', import.meta.url));

requires('qemu')('a first boot, after kill -9', () => {
  test.each(Object.keys(coldPhases))('while %s, gc lists what is left, removes it, and then there is nothing', async phase => {
    const folder = await temporaryFolder(), state = join(folder, '.bake');
    onTestFinished(async () => { await collectGarbage(state); });
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', join(folder, 'empty.qcow2'), '8M']);
    const guest = await faultServer({ password: 'root:hunter2', run: (command, channel) => {
      if (command.includes('switch off')) for (const pid of processesWith(folder)) process.kill(pid, 'SIGKILL');
      channel.exit(0);
      channel.end();
    } });
    onTestFinished(() => guest[Symbol.asyncDispose]());
    let said = '';
    const child = spawn(process.execPath, ['--import', 'tsx', script, folder, String(guest.port), phase], { env: { ...process.env, GUEST_PASSWORD: 'hunter2' }, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => { child.kill('SIGKILL'); });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { said += String(chunk); });
    const signal = await new Promise(resolve => { child.once('close', (_code, by) => resolve(by)); });
    expect(signal, said).toBe('SIGKILL');

    const { found } = await collectGarbage(state, { dryRun: true }), machine = found.find(entry => entry.driver === 'source/qemu');
    expect(machine).toMatchObject({ target: 'web/qemu', what: 'virtual machine' });
    const { marker, folders } = machine!.data as { marker: string; folders: readonly string[] };
    expect(await collectGarbage(state)).toMatchObject({ failed: [], alive: [] });
    expect(processesWith(marker)).toEqual([]);
    expect(folders.filter(existsSync)).toEqual([]);
    expect(readdirSync(folder).filter(name => name.startsWith('.') && name !== '.bake')).toEqual([]);
    expect(await collectGarbage(state)).toEqual({ found: [], removed: [], failed: [], alive: [] });
    expect(readdirSync(join(state, 'journal'))).toEqual([]);
  }, 120_000);
});

/** QEMUs with a text in their command line. */
function processesWith(text: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try { const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8'); return line.startsWith('qemu-system') && line.includes(text); } catch { return false; }
  });
}
