import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { App, ImageBuild, type ProvisionerFor, QemuSource, RebootProvisioner, SealProvisioner, ShellProvisioner } from '../../../lib/index.js';
import type { Event } from '../../../lib/events.js';
import { collectGarbage } from '../../../lib/runtime/gc.js';
import { run } from '../../../lib/runtime/run.js';
import { synth } from '../../../lib/synth/synth.js';
import { baseSystem } from '../../support/base.js';
import { requires } from '../../support/machine.js';
import { outputOf } from '../../support/program.js';

requires('qemu', 'base')('in a real guest', () => {
  let folder: string, disk: string;
  beforeAll(async () => {
    ({ disk } = await baseSystem());
    folder = mkdtempSync(join(tmpdir(), 'bake-reboot-'));
  }, 600_000);
  afterAll(async () => {
    await collectGarbage(join(folder, '.bake'));
    rmSync(folder, { recursive: true, force: true });
  });
  async function build(name: string, diskImage: string, provisioners: readonly ProvisionerFor<never>[]): Promise<{ output: string; path: string; notes: string }> {
    const app = new App(), events: Event[] = [];
    new ImageBuild(app, name, { sources: [new QemuSource({ diskImage, outputDirectory: `out-${name}` })], provisioners });
    const result = await run(synth(app, { folder }).plan, { programFolder: folder, listen: e => { events.push(e); } });
    const notes = events.flatMap(e => (e.type === 'note' ? [e.message] : [])).join('\n');
    expect(result.targets[0]!.error, notes).toBeUndefined();
    return { output: outputOf(events), path: String(result.targets[0]!.outputs['path']), notes };
  }

  test('steps before and after a reboot are in different boots, and a sealed image is a new machine when it boots', { timeout: 400_000 }, async () => {
    const first = await build('sealed', disk, [
      new ShellProvisioner({ inline: ['cat /proc/sys/kernel/random/boot_id', 'touch /run/before'] }),
      new RebootProvisioner(),
      new ShellProvisioner({ inline: ['cat /proc/sys/kernel/random/boot_id', 'test ! -e /run/before', 'cat /etc/machine-id', 'cat /etc/ssh/ssh_host_ed25519_key.pub', 'echo noise >/var/log/noise'] }),
      new SealProvisioner(),
    ]);
    const [one, two, machineId, hostKey] = first.output.split('\n');
    expect(one).not.toBe(two);
    const second = await build('again', first.path, [new ShellProvisioner({ inline: ['cat /etc/machine-id', 'cat /etc/ssh/ssh_host_ed25519_key.pub', 'wc -c </var/log/noise', 'systemctl is-active ssh'] })]);
    const [id, key, noise, active] = second.output.split('\n');
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(key).toMatch(/^ssh-ed25519 AAAA/);
    expect([id === machineId, key === hostKey, noise, active]).toEqual([false, false, '0', 'active']);
  });
});
