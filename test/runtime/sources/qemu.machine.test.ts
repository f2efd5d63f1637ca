/** Real guests: built, saved, resumed, booted again. Few, since each boot takes a quarter of a minute in software emulation. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { App, ImageBuild, QemuSource } from '../../../lib/index.js';
import type { Event } from '../../../lib/events.js';
import type { Artifact } from '../../../lib/runtime/driver.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import type { RunResult } from '../../../lib/runtime/results.js';
import { run } from '../../../lib/runtime/run.js';
import qemuDriver from '../../../lib/runtime/sources/qemu.js';
import type { CheckpointStore } from '../../../lib/runtime/checkpoints/store.js';
import { synth } from '../../../lib/synth/synth.js';
import { baseSystem } from '../../support/base.js';
import { driverContext } from '../../support/driver-context.js';
import { requires } from '../../support/machine.js';
import { phases, storeIn, webPlan } from './qemu-program.js';

requires('qemu', 'base')('the qemu source', () => {
  let folder: string, disk: string, rootPassword: string, store: CheckpointStore, artifact: Artifact;
  beforeAll(async () => {
    ({ disk, rootPassword } = await baseSystem());
    folder = mkdtempSync(join(tmpdir(), 'bake-qemu-'));
    store = storeIn(folder);
    writeFileSync(join(folder, 'motd'), 'built by a program\n');
  }, 600_000);
  afterAll(async () => {
    if (folder === undefined) return;
    // What a failed test left running.
    await collectGarbage(join(folder, '.bake'));
    rmSync(folder, { recursive: true, force: true });
  });

  async function build(last: string): Promise<{ readonly result: RunResult; readonly notes: string; readonly output: string }> {
    const events: Event[] = [];
    const result = await run(webPlan(folder, disk, last), { programFolder: folder, force: true, checkpoints: { store }, listen: e => { events.push(e); } });
    const text = (type: 'note' | 'output'): string => events.map(e => (e.type === 'note' && type === 'note' ? e.message : e.type === 'output' && type === 'output' ? e.text : '')).join('\n');
    return { result, notes: text('note'), output: text('output') };
  }

  test('builds over SSH with shell and file provisioners, and says which accelerator it takes and why', async () => {
    const { result, notes, output } = await build('one');
    expect(result.targets, notes).toMatchObject([{ outcome: 'done', outputs: { path: join(folder, 'out', 'web.qcow2'), format: 'qcow2', diskSize: 5 * 1024 ** 3 } }]);
    expect(notes).toMatch(/accelerator: (kvm|tcg \(software emulation, slow\): \S+)/);
    expect(output).toContain('first');
    expect(readdirSync(folder).filter(name => name.startsWith('.') && name !== '.bake')).toEqual([]);
    expect(readFileSync(join(folder, '.bake/runs', result.run, 'web_qemu/serial.log'), 'utf8')).toContain('Debian');
  }, 240_000);

  test('resumes from memory when only the last step changed: no boot, and what was only in memory is still there', async () => {
    const { result, notes, output } = await build('two');
    expect(result.targets, notes).toMatchObject([{ outcome: 'done' }]);
    expect(result.targets[0]!.steps).toContainEqual(expect.objectContaining({ label: 'web/shell', outcome: 'cached' }));
    expect(notes).toContain('resumed from memory');
    expect(notes).not.toContain('accelerator:');
    expect(output).toMatch(/^\d{19}$/m);
    artifact = result.targets[0]!.artifacts[0]!;
  }, 240_000);

  test('its image, booted again, has the changes; our keys are gone from every user, and what made it one machine is its own anew', async () => {
    const app = new App();
    new ImageBuild(app, 'check', { sources: [new QemuSource({ diskImage: disk, cloudInit: { enabled: false } })] });
    const c = await driverContext();
    try {
      const props = { ...synth(app, { folder }).plan.targets[0]!.source.props, diskImage: undefined } as never as Parameters<typeof qemuDriver.boot>[1];
      const machine = await qemuDriver.boot(artifact, { ...props, ssh: { ...props.ssh!, password: rootPassword } }, c.ctx);
      const guest = await machine.connect(c.ctx);
      let out = '';
      const exit = await guest.exec(`cat /etc/first /etc/last /etc/motd; echo --; cat ~somebody/.ssh/authorized_keys; echo --; ls -A ~/.ssh; ls /etc/ssh/sshd_config.d /etc/ssh/*imagebake*; echo --; [ $(blockdev --getsize64 /dev/vda) = ${5 * 1024 ** 3} ] && echo large; echo --; ls /etc/ssh/*_key; stat -c %s /var/log/mine; ! grep -qF -e "$(cat /etc/machine-id)" -e "$(cut -d' ' -f2 /etc/ssh/ssh_host_ed25519_key.pub)" /etc/of-the-build && echo another`, { stdout: chunk => { out += Buffer.from(chunk).toString(); } });
      await guest[Symbol.asyncDispose]();
      expect({ exit, out }).toEqual({ exit: { how: 'exited', code: 0 }, out: 'first\ntwo\nbuilt by a program\n--\nssh-ed25519 AAAAother theirs\n--\n/etc/ssh/sshd_config.d:\nimagebake.conf\n--\nlarge\n--\n/etc/ssh/ssh_host_ecdsa_key\n/etc/ssh/ssh_host_ed25519_key\n/etc/ssh/ssh_host_rsa_key\n0\nanother\n' });
    } finally { await c.end(); }
  }, 240_000);

  for (const phase of Object.keys(phases)) {
    test(`after kill -9 while ${phase}, gc lists what is left and removes all of it`, async () => {
      const state = join(folder, '.bake'), script = fileURLToPath(new URL('./qemu-program.ts', import.meta.url));
      const child = spawnSync(process.execPath, ['--import', 'tsx', script, folder, disk, phase], { encoding: 'utf8', timeout: 200_000, killSignal: 'SIGKILL' });
      expect(child.signal, child.stderr).toBe('SIGKILL');
      const { found } = await collectGarbage(state, { dryRun: true });
      const machine = found.find(entry => entry.driver === 'source/qemu');
      expect(machine).toMatchObject({ target: 'web/qemu', what: 'virtual machine' });
      const { marker, folders } = machine!.data as { marker: string; folders: readonly string[] };
      expect(await collectGarbage(state)).toMatchObject({ failed: [], alive: [] });
      expect(folders.filter(existsSync)).toEqual([]);
      expect(runningWith(marker)).toEqual([]);
      expect(readdirSync(folder).filter(name => name.startsWith('.') && name !== '.bake')).toEqual([]);
      expect((await collectGarbage(state)).found).toEqual([]);
    }, 240_000);
  }
});

/** Processes with a text in their command line. */
function runningWith(text: string): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => {
    try { return pid !== process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text); } catch { return false; }
  });
}
