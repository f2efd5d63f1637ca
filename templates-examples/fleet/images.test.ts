import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ImageBuild, ManifestPostProcessor, QemuSource, ShellProvisioner, Size } from 'imagebake';
import { Guest, Match, simulate, Template } from 'imagebake/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { app } from './images.js';

// The disk to start from is not among the sources: any file stands for it here.
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bake-fleet-'));
  cpSync(fileURLToPath(new URL('scripts', import.meta.url)), join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, 'debian-12.qcow2'), 'disk');
});
afterAll(() => { rmSync(folder, { recursive: true }); });

test('every role stands on the base, with memory of its own', () => {
  const template = Template.fromApp(app, { folder }).hasNoProblems().resourceCount(ImageBuild, 4).resourceCount(ManifestPostProcessor, 3);
  for (const role of ['web', 'database', 'worker']) template.hasSource(QemuSource, { from: { $image: 'base/qemu' } }, { in: role });
  template.hasSource(QemuSource, { memory: Size.gib(4), outputDirectory: 'output/2026.1/database' }, { in: 'database' });
  expect(template.plan.targets[0]!.path).toBe('base/qemu');
});

test('the base has the packages first, and is hardened last', () => {
  Template.fromApp(app, { folder }).hasProvisionersInOrder('base', [[ShellProvisioner, { inline: Match.arrayWith(['apt-get install -y ca-certificates chrony']) }], [ShellProvisioner, { script: 'scripts/harden.sh' }]]);
});

test('a mirror that is down for a moment is no reason to fail', async () => {
  const result = await simulate(app, new Guest().on('apt-get update', [{ exit: 100, stderr: 'Could not resolve' }, {}]), { folder });
  expect([result.outcome, result.ran('apt-get update').length]).toEqual(['done', 2]);
});

test('a role that fails leaves the others', async () => {
  const result = await simulate(app, new Guest().on(/install -y postgresql/, { exit: 100 }), { folder });
  expect(result.targets.map(t => [t.target, t.outcome])).toEqual([['base/qemu', 'done'], ['database/qemu', 'failed'], ['web/qemu', 'done'], ['worker/qemu', 'done']]);
});

test('without the base, nothing is built', async () => {
  const result = await simulate(app, new Guest().onStep('base/hardened/sshd', { exit: 1 }), { folder });
  expect(result.targets.map(t => t.outcome)).toEqual(['failed', 'skipped', 'skipped', 'skipped']);
});
